"""The keys of a pipeline file: types, defaults, bounds, descriptions; for reading and for the JSON Schema."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema

from interlock.domain import pipeline as domain
from interlock.domain.pipeline import JobType, Match, OnTimeout, Start
from interlock.pipeline_yaml.cron import check_cron
from interlock.pipeline_yaml.job_config import PLACEHOLDERS
from interlock.pipeline_yaml.public_holidays import check_holidays
from interlock.pipeline_yaml.rules import RuleItem, Section, TriggerSection, rule_nodes
from interlock.pipeline_yaml.scalars import (
    HOLIDAYS,
    DateText,
    Day,
    DeadlineText,
    Duration,
    Line,
    Name,
    Prose,
    Threshold,
    TimeText,
    Timezone,
    between,
    one_of,
    read_threshold,
)

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

Cron = Annotated[
    str,
    Field(max_length=256),
    AfterValidator(check_cron),
    WithJsonSchema({"type": "string", "maxLength": 256, "examples": ["0 6 * * 1-5"]}),
]
Dates = Annotated[list[DateText], Field(max_length=2000)]


class PipelineSection(Section):
    """Which pipeline this is, and who cares for it."""

    id: Name = Field(description="Names the pipeline in keys, events and alerts (the file name does not).")
    owner: Line | None = Field(default=None, description="Team or person; shown in alerts.")
    description: Prose | None = Field(default=None, description="What the pipeline is for; shown in alerts.")
    runbook: Line | None = Field(
        default=None, description="Where the person on call finds help, usually a URL; shown in alerts."
    )


class IncludeSection(Section):
    """Only on these dates."""

    dates: Dates = Field(default=[], description="Execution dates, YYYY-MM-DD.")
    calendar: Name | None = Field(default=None, description="A named calendar, besides the dates.")


class ExcludeSection(Section):
    """Never on these dates. Looks at the execution date, for first runs, retries and reruns alike."""

    weekends: bool = Field(default=False, description="Saturdays and Sundays.")
    days: list[Day] = Field(default=[], description="Weekdays by name.")
    dates: Dates = Field(default=[], description="Dates, YYYY-MM-DD.")
    calendar: Name | None = Field(default=None, description="A named calendar.")
    holidays: Annotated[str, Field(pattern=HOLIDAYS), AfterValidator(check_holidays)] | None = Field(
        default=None,
        description='Public holidays of a country ("US"), a region ("US-NY") or an exchange ("XNYS").',
    )

    def exclude(self) -> domain.Exclude:
        """The domain's exclusions."""
        return domain.Exclude(
            self.weekends, tuple(self.days), tuple(self.dates), self.calendar, self.holidays
        )


class EvaluationSection(Section):
    """How long a run waits for its rules, and how often it looks without being woken."""

    window: Annotated[Duration, between("1s", "30d")] = Field(
        default=HOUR, description="How long a run waits for its rules (1s to 30d); then it expires."
    )
    interval: Annotated[Duration, between("1m", "30d")] = Field(
        default=5 * MINUTE, description="Fallback re-check (1m or more); sensor writes wake the run anyway."
    )


class ScheduleSection(Section):
    """When a run opens."""

    cron: Cron | None = Field(
        default=None,
        description="Five fields: minute, hour, day of month, month, weekday. A run starts at each fire. "
        "Both days set: either, as cron does.",
    )
    timezone: Timezone = Field(default="UTC", description="IANA timezone of dates, cron and deadlines.")
    trigger: TriggerSection | None = Field(
        default=None, description="A sensor write that meets this starts a run."
    )
    start: Annotated[Start, one_of(Start)] = Field(
        default=Start.ANY,
        description="With cron and trigger: any (whichever is first) or all (both must have happened).",
    )
    include: IncludeSection | None = Field(
        default=None, description="Only on these dates. Not together with cron."
    )
    exclude: ExcludeSection | None = Field(default=None, description="Never on these dates.")
    time: TimeText | None = Field(
        default=None,
        description="With include: when the run should have started. Default: the end of the day.",
    )
    evaluation: EvaluationSection = Field(
        default_factory=EvaluationSection, description="How long a run waits for its rules."
    )

    def schedule(self, exclusions: ExcludeSection | None) -> domain.Schedule:
        """The domain's schedule; `exclusions` are those of the top level."""
        exclude = self.exclude or exclusions
        return domain.Schedule(
            cron=self.cron,
            timezone=self.timezone,
            trigger=domain.Trigger(self.trigger.rule(), self.trigger.deadline) if self.trigger else None,
            start=self.start,
            include=domain.Include(tuple(self.include.dates), self.include.calendar)
            if self.include
            else None,
            exclude=exclude.exclude() if exclude else None,
            time=self.time,
            evaluation=domain.Evaluation(self.evaluation.window, self.evaluation.interval),
        )


class ValidationSection(Section):
    """The rules a run waits for. They hold at one and the same instant."""

    trigger: Annotated[
        Match,
        one_of(Match, any_case=True),
        WithJsonSchema({"type": "string", "enum": ["ALL", "ANY", "all", "any", "All", "Any"]}),
    ] = Field(
        default=Match.ALL,
        description="ALL rules must hold, or ANY of them. ALL of nothing holds, ANY of nothing does not.",
    )
    rules: list[RuleItem] = Field(default=[], description="Rules and groups of rules.")


class PoolSection(Section):
    """A named pool of slots; every pipeline that names it should give it as many."""

    name: Name = Field(description="Name of the pool, the same in each pipeline that shares it.")
    slots: int = Field(ge=1, le=1000, description="How many jobs of the pool may run at once.")


class JobSection(Section):
    """The outside work a run starts."""

    type: Annotated[JobType, one_of(JobType)] = Field(description="Kind of job; decides the keys of config.")
    config: dict[str, Any] = Field(
        default={},
        description=f"What to start. In any text these are replaced: {PLACEHOLDERS}",
    )
    max_retries: int = Field(
        default=2,
        ge=0,
        le=10,
        description="Retries after failures that are TRANSIENT, TIMEOUT or uncategorised.",
    )
    max_code_retries: int = Field(default=0, ge=0, le=3, description="Retries after PERMANENT failures.")
    max_drift_reruns: int = Field(
        default=1, ge=0, le=5, description="Reruns for late data and drift together."
    )
    max_manual_reruns: int = Field(default=1, ge=0, le=5, description="Reruns on request.")
    retry_backoff: Annotated[Duration, between("0s", "24h")] = Field(
        default=MINUTE, description="Wait before the first retry (up to 24h); doubles with each."
    )
    job_poll_window_seconds: int = Field(
        default=14400,
        ge=60,
        le=86400,
        description="How long an attempt's job may take before it counts as timed out.",
    )
    on_timeout: Annotated[OnTimeout, one_of(OnTimeout)] = Field(
        default=OnTimeout.CANCEL,
        description="What becomes of a timed-out attempt's job: cancel, or leave (then there is no retry).",
    )
    idempotent: bool = Field(
        default=False,
        description="The target can take one start twice, so http, lambda and command repeat a start "
        "whose answer was lost.",
    )

    max_concurrent_runs: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="How many of the pipeline's runs may have their job at once; further ones wait, in order.",
    )
    pool: PoolSection | None = Field(
        default=None,
        description="Slots that the jobs of several pipelines share; who finds none waits, in order.",
    )

    def job(self) -> domain.Job:
        """The domain's job."""
        return domain.Job(
            type=self.type,
            config=self.config,
            max_retries=self.max_retries,
            max_code_retries=self.max_code_retries,
            max_drift_reruns=self.max_drift_reruns,
            max_manual_reruns=self.max_manual_reruns,
            retry_backoff=self.retry_backoff,
            poll_window=timedelta(seconds=self.job_poll_window_seconds),
            on_timeout=self.on_timeout,
            idempotent=self.idempotent,
            max_concurrent_runs=self.max_concurrent_runs,
            pool=domain.JobPool(self.pool.name, self.pool.slots) if self.pool else None,
        )


class SlaSection(Section):
    """The promise about when a run is done: by a time of day, within a duration, or both."""

    deadline: DeadlineText | None = Field(
        default=None, description='"HH:MM", or ":MM" for hourly runs: that minute of the hour after.'
    )
    day_offset: int | None = Field(
        default=None,
        ge=0,
        le=31,
        description="Days from the execution date to the deadline. Default: 1 for runs that a sensor starts; "
        "for cron runs the first such time at or after the fire.",
    )
    expected_duration: Annotated[Duration, between("1s", "30d")] | None = Field(
        default=None,
        description="How long the job usually takes; the warning comes so long before the deadline.",
    )
    max_duration: Annotated[Duration, between("1s", "24h")] | None = Field(
        default=None,
        description="From the first write of the trigger's or a rule's sensor to success (24h at most). "
        "Needs schedule.trigger.",
    )
    timezone: Timezone | None = Field(
        default=None, description="Timezone of the deadline. Default: schedule.timezone."
    )
    critical: bool = Field(default=False, description="Marks the alerts of this SLA.")

    def sla(self) -> domain.Sla:
        """The domain's SLA."""
        return domain.Sla(
            deadline=self.deadline,
            day_offset=self.day_offset,
            expected_duration=self.expected_duration,
            max_duration=self.max_duration,
            timezone=self.timezone,
            critical=self.critical,
        )


class PostRunSection(Section):
    """What is watched after a success."""

    rules: list[RuleItem] = Field(
        default=[], description="Judged at each write of their sensors after a success."
    )
    drift_field: Line | None = Field(
        default=None, description="Field compared with the baseline. Default: count, else sensor_count."
    )
    drift_threshold: Threshold = Field(
        default=read_threshold(0),
        json_schema_extra={"default": 0},
        description='Drift is a change by more than this: a number, or percent of the baseline ("5%").',
    )
    sensor_timeout: Annotated[Duration, between("1s", "30d")] = Field(
        default=2 * HOUR,
        description="A sensor of these rules that nothing wrote so long after success is missing.",
    )

    def post_run(self) -> domain.PostRun:
        """What the domain watches."""
        threshold, is_percent = self.drift_threshold
        return domain.PostRun(
            rule_nodes(self.rules), self.drift_field, threshold, is_percent, self.sensor_timeout
        )


class PipelineFile(Section):
    """An Interlock pipeline."""

    pipeline: PipelineSection = Field(description="Which pipeline this is.")
    schedule: ScheduleSection = Field(default_factory=ScheduleSection, description="When a run opens.")
    exclusions: ExcludeSection | None = Field(
        default=None, description="The same as schedule.exclude; write one of the two."
    )
    validation: ValidationSection = Field(
        default_factory=ValidationSection, description="The rules a run waits for."
    )
    job: JobSection = Field(description="The work a run starts.")
    sla: SlaSection | None = Field(default=None, description="The promise about when a run is done.")
    post_run: PostRunSection | None = Field(default=None, description="What is watched after a success.")
    dry_run: bool = Field(
        default=False,
        description="Observe only: events say what would have been started. Needs schedule.trigger.",
    )

    def built(self) -> domain.Pipeline:
        """The domain's pipeline."""
        return domain.Pipeline(
            id=self.pipeline.id,
            owner=self.pipeline.owner,
            description=self.pipeline.description,
            runbook=self.pipeline.runbook,
            schedule=self.schedule.schedule(self.exclusions),
            validation=domain.Validation(self.validation.trigger, rule_nodes(self.validation.rules)),
            job=self.job.job(),
            sla=self.sla.sla() if self.sla else None,
            post_run=self.post_run.post_run() if self.post_run else None,
            dry_run=self.dry_run,
        )

"""What a data engineer declares: one pipeline, its schedule, rules, job and promises.

Built by `pipeline_yaml` from a user's file, or by `pipeline_codec` from the canonical JSON in `CONFIG`. Past that
point nothing checks it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

Scalar = str | int | float | bool


class Check(StrEnum):
    """How a rule compares the value it sees with the value it wants."""

    EXISTS = "exists"
    EQUALS = "equals"
    NOT_EQUALS = "not_equals"
    IN = "in"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    AGE_LT = "age_lt"
    AGE_GT = "age_gt"


class JobType(StrEnum):
    """The kinds of jobs a pipeline may name; `triggers/` has an adapter for each that can be started."""

    GLUE = "glue"
    EMR = "emr"
    EMR_SERVERLESS = "emr-serverless"
    STEP_FUNCTION = "step-function"
    LAMBDA = "lambda"
    DATABRICKS = "databricks"
    AIRFLOW = "airflow"
    HTTP = "http"
    COMMAND = "command"


class Match(StrEnum):
    """Whether all rules of `validation` must hold, or any."""

    ALL = "ALL"
    ANY = "ANY"


class Start(StrEnum):
    """With both a cron and a trigger: whether either starts a run, or both must have happened."""

    ANY = "any"
    ALL = "all"


class UpstreamDate(StrEnum):
    """Which of the upstream's runs a rule on another pipeline looks at, seen from the date of our own run."""

    SAME = "same"  # the run of the same date; where its dates are coarser, the one that contains it
    PREVIOUS = "previous"  # the run of the period before ours, by our own schedule
    WINDOW = "window"  # all runs of the periods that lie within ours


class OnTimeout(StrEnum):
    """What becomes of a remote job whose attempt timed out."""

    CANCEL = "cancel"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Rule:
    """One condition on one sensor."""

    key: str
    check: Check
    field: str | None = None  # None: `exists` looks at the reading itself, `age_*` at `updatedAt`
    value: Scalar | timedelta | tuple[Scalar, ...] | None = None  # tuple for `in`, timedelta for `age_*`


@dataclass(frozen=True, slots=True)
class UpstreamRule:
    """One condition on another pipeline's outcome: that its run has succeeded, and is not being rerun."""

    pipeline_id: str
    date: UpstreamDate = UpstreamDate.SAME

    @property
    def name(self) -> str:
        """Names it among what the rules of a pipeline read; no sensor key holds a `#`."""
        return f"{self.pipeline_id}#{self.date}"


@dataclass(frozen=True, slots=True)
class AllOf:
    """Holds when every member holds; of nothing it holds."""

    rules: tuple[RuleNode, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds when some member holds; of nothing it does not."""

    rules: tuple[RuleNode, ...]


@dataclass(frozen=True, slots=True)
class AtLeast:
    """Holds when `count` members or more hold."""

    count: int
    rules: tuple[RuleNode, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Holds when its member does not."""

    rule: RuleNode


RuleNode = Rule | UpstreamRule | AllOf | AnyOf | AtLeast | Not


@dataclass(frozen=True, slots=True)
class Trigger:
    """The sensor write that starts a run."""

    rule: Rule
    deadline: Deadline | None = None  # afterwards nothing starts by itself


@dataclass(frozen=True, slots=True)
class Deadline:
    """`HH:MM` (daily) or `:MM` (hourly), in the zone of whoever holds it."""

    minute: int
    hour: int | None = None  # None: `:MM`, the given minute of the following hour


@dataclass(frozen=True, slots=True)
class Include:
    """Only on these dates."""

    dates: tuple[date, ...] = ()
    calendar: str | None = None


@dataclass(frozen=True, slots=True)
class Exclude:
    """Never on these dates."""

    weekends: bool = False
    days: tuple[int, ...] = ()  # 0 is Monday, as in date.weekday()
    dates: tuple[date, ...] = ()
    calendar: str | None = None
    holidays: str | None = None  # "US", "US-NY", "XNYS"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How long a run waits for its rules, and how often it looks without being woken."""

    window: timedelta = timedelta(hours=1)
    interval: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a run opens."""

    cron: str | None = None
    timezone: str = "UTC"
    trigger: Trigger | None = None
    start: Start = Start.ANY
    include: Include | None = None
    exclude: Exclude | None = None
    time: time | None = None
    evaluation: Evaluation = field(default_factory=Evaluation)


@dataclass(frozen=True, slots=True)
class Validation:
    """The rules a run waits for."""

    match: Match = Match.ALL
    rules: tuple[RuleNode, ...] = ()

    @property
    def rule(self) -> RuleNode:
        """The rules as one group."""
        return AllOf(self.rules) if self.match is Match.ALL else AnyOf(self.rules)


@dataclass(frozen=True, slots=True)
class JobPool:
    """Slots that several pipelines share."""

    name: str
    slots: int


DEFAULT_POLL_WINDOW = timedelta(seconds=14400)


@dataclass(frozen=True, slots=True)
class Job:
    """The outside work a run starts."""

    type: JobType
    config: Mapping[str, Any] = field(default_factory=dict)  # as written; each adapter reads its own keys
    max_retries: int = 2  # failures that are TRANSIENT, TIMEOUT or uncategorised
    max_code_retries: int = 0  # failures that are PERMANENT
    max_drift_reruns: int = 1
    max_manual_reruns: int = 1
    retry_backoff: timedelta = timedelta(minutes=1)  # before the first retry; doubles with each
    poll_window: timedelta = DEFAULT_POLL_WINDOW
    on_timeout: OnTimeout = OnTimeout.CANCEL
    idempotent: bool = False  # the target can take one start twice
    max_concurrent_runs: int | None = None  # of this pipeline, of all dates
    pool: JobPool | None = None

    @property
    def is_limited(self) -> bool:
        """Others may keep it from starting; most jobs have no limit, and ask nobody."""
        return self.pool is not None or self.max_concurrent_runs is not None


@dataclass(frozen=True, slots=True)
class Sla:
    """The promise about when a run is done."""

    deadline: Deadline | None = None
    day_offset: int | None = None
    expected_duration: timedelta | None = None
    max_duration: timedelta | None = None
    timezone: str | None = None
    critical: bool = False


@dataclass(frozen=True, slots=True)
class PostRun:
    """What is watched after a success."""

    rules: tuple[RuleNode, ...] = ()
    drift_field: str | None = None  # None: `count`, else `sensor_count`
    drift_threshold: Decimal = Decimal(0)
    drift_threshold_is_percent: bool = False
    sensor_timeout: timedelta = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One pipeline, whole and checked."""

    id: str
    job: Job
    schedule: Schedule = field(default_factory=Schedule)
    owner: str | None = None
    description: str | None = None
    runbook: str | None = None
    validation: Validation = field(default_factory=Validation)
    sla: Sla | None = None
    post_run: PostRun | None = None
    dry_run: bool = False

    @property
    def schedule_id(self) -> str:
        """The `<schedule>` part of every key: `cron` when a cron is set, else `stream`."""
        return "cron" if self.schedule.cron else "stream"


def each_leaf(node: RuleNode) -> Iterator[Rule | UpstreamRule]:
    """Every single rule below `node`, in the order written."""
    match node:
        case Rule() | UpstreamRule():
            yield node
        case Not(rule=member):
            yield from each_leaf(member)
        case AllOf(rules=members) | AnyOf(rules=members) | AtLeast(rules=members):
            for member in members:
                yield from each_leaf(member)


def each_rule(node: RuleNode) -> Iterator[Rule]:
    """Every single rule on a sensor below `node`, in the order written."""
    return (leaf for leaf in each_leaf(node) if isinstance(leaf, Rule))


def rule_sensors(pipeline: Pipeline) -> tuple[str, ...]:
    """The sensor keys that the validation rules read, each once, in the order written."""
    return tuple(dict.fromkeys(rule.key for rule in each_rule(pipeline.validation.rule)))


def post_run_sensors(pipeline: Pipeline) -> tuple[str, ...]:
    """The sensors that the postRun rules name, each once, in the order written."""
    rules = pipeline.post_run.rules if pipeline.post_run else ()
    return tuple(dict.fromkeys(rule.key for node in rules for rule in each_rule(node)))


def upstream_rules(pipeline: Pipeline) -> tuple[UpstreamRule, ...]:
    """The validation rules on other pipelines' outcomes, each once, in the order written."""
    leaves = each_leaf(pipeline.validation.rule)
    return tuple(dict.fromkeys(leaf for leaf in leaves if isinstance(leaf, UpstreamRule)))

"""What can happen to a pipeline, and which of its runs a sensor write may open, wake or revive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from interlock.domain.event import Event
from interlock.domain.job_record import JobRecord
from interlock.domain.pipeline import Pipeline, post_run_sensors, rule_sensors
from interlock.domain.promise import PromiseKind
from interlock.domain.run import RunKey, RunStatus
from interlock.domain.schedule import (
    Period,
    calendar_date,
    cron_form,
    current_date,
    expected_fires,
    fire_date,
    period_of,
)
from interlock.domain.sensor import Reading, reading_covers


@dataclass(frozen=True, slots=True)
class SensorWritten:
    """Somebody wrote a reading, or removed one (`attributes` is None)."""

    pipeline_id: str
    key: str  # the sensor's own, suffix included
    attributes: Mapping[str, Any] | None
    at: datetime


@dataclass(frozen=True, slots=True)
class JobReported:
    """A `JOB#` record was put, by us or by somebody else."""

    record: JobRecord


@dataclass(frozen=True, slots=True)
class RerunRequested:
    """Somebody asks for a date to be run (again)."""

    key: RunKey
    request_id: str  # of this put of the request row
    attributes: Mapping[str, Any]
    reason: str
    requested_by: str
    force: bool


@dataclass(frozen=True, slots=True)
class ConfigRemoved:
    """A pipeline is no longer wanted."""

    pipeline_id: str


@dataclass(frozen=True, slots=True)
class Announced:
    """A row of ours moved on; these are the events it carries."""

    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class RunMoved:
    """A run's row was moved to this status."""

    key: RunKey
    status: RunStatus
    attempt: int
    rerun_accepted: bool  # this move opened it again: the clock of a relative SLA begins anew
    at: datetime


@dataclass(frozen=True, slots=True)
class DeadlineMoved:
    """The row of an SLA's promise was made, changed or removed: its one-shot schedule follows."""

    kind: PromiseKind
    key: RunKey


@dataclass(frozen=True, slots=True)
class SlotsFreed:
    """An attempt that asked for slots is over."""

    key: RunKey
    attempt: str  # as in `pool.Ticket`
    turn: int
    pools: tuple[str, ...]


Fact = (
    SensorWritten
    | JobReported
    | RerunRequested
    | ConfigRemoved
    | Announced
    | RunMoved
    | DeadlineMoved
    | SlotsFreed
)


def watched_keys(pipeline: Pipeline) -> tuple[str, ...]:
    """Every sensor key whose writes concern the pipeline's runs, before they start or after they succeeded."""
    return tuple(dict.fromkeys((*awaited_keys(pipeline), *post_run_sensors(pipeline))))


def awaited_keys(pipeline: Pipeline) -> tuple[str, ...]:
    """The sensor keys whose writes may open a run or start its job: the trigger's and the validation rules'."""
    trigger = pipeline.schedule.trigger
    return tuple(dict.fromkeys([*([trigger.rule.key] if trigger else []), *rule_sensors(pipeline)]))


def belongs_to(pipeline: Pipeline, reading: Reading, run_date: str, written_at: datetime) -> bool:
    """Whether a reading tells of that run's own period.

    A dateless one tells of the period that it was written in: yesterday's run saw yesterday's, and what today's run
    waits for is no late data of it.
    """
    if reading.period is None:
        return current_date(pipeline, written_at) == run_date
    return reading_covers(reading.period, run_date)


@dataclass(frozen=True, slots=True)
class Concerned:
    """The runs that a write may revive, or be late data of: of some dates, or of all within a day or an hour."""

    dates: tuple[str, ...] = ()
    within: str | None = None


def concerned_runs(pipeline: Pipeline, reading: Reading, written_at: datetime) -> Concerned:
    """A reading of a period concerns that period's runs; a dateless one today's, and that of the latest cron fire.

    A run that waits is found by its ledger row, whatever its date.
    """
    if reading.period is not None:
        within = period_of(reading.period) is Period.DAILY and _has_hours(pipeline)
        within = within or (period_of(reading.period) is Period.HOURLY and _has_minutes(pipeline))
        return Concerned(within=reading.period) if within else Concerned((reading.period,))
    dates = [current_date(pipeline, written_at)]
    if pipeline.schedule.cron:
        span = timedelta(hours=1) if cron_form(pipeline) is Period.MINUTE else timedelta(days=1)
        fires = list(expected_fires(pipeline, written_at - span, written_at + timedelta(microseconds=1)))
        dates += [fire_date(pipeline, fire) for fire in fires[-1:]]
    return Concerned(tuple(dict.fromkeys(dates)))


def _has_hours(pipeline: Pipeline) -> bool:
    # A sensor pipeline's dates take the form of its trigger's readings: hours are possible.
    return pipeline.schedule.cron is None or cron_form(pipeline) is not Period.DAILY


def _has_minutes(pipeline: Pipeline) -> bool:
    return pipeline.schedule.cron is not None and cron_form(pipeline) is Period.MINUTE


def fires_of_date(pipeline: Pipeline, run_date: str) -> list[datetime]:
    """The cron fires whose run this is; normally one."""
    # A local day lies within these 50 hours in every zone, from UTC+14 to UTC-12.
    day = datetime.combine(calendar_date(run_date), time(), UTC)
    fires = expected_fires(pipeline, day - timedelta(hours=14), day + timedelta(hours=36))
    return [fire for fire in fires if fire_date(pipeline, fire) == run_date]

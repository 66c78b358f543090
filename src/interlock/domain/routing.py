"""What can happen to a pipeline, and which of its runs a sensor write may open, wake or revive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from interlock.domain.event import Event
from interlock.domain.job_record import JobRecord
from interlock.domain.pipeline import Pipeline, rule_sensors
from interlock.domain.promise import PromiseKind
from interlock.domain.run import RunKey, RunStatus
from interlock.domain.schedule import (
    Period,
    calendar_date,
    cron_form,
    current_date,
    expected_fires,
    fire_date,
)
from interlock.domain.sensor import Reading


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
    """Somebody asks for a partition to be run (again)."""

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
    """A run's row was moved to this status, or said something in it."""

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


Fact = SensorWritten | JobReported | RerunRequested | ConfigRemoved | Announced | RunMoved | DeadlineMoved


def watched_keys(pipeline: Pipeline) -> tuple[str, ...]:
    """Every sensor key whose writes concern the pipeline's runs."""
    trigger = pipeline.schedule.trigger
    return tuple(dict.fromkeys([*([trigger.rule.key] if trigger else []), *rule_sensors(pipeline)]))


@dataclass(frozen=True, slots=True)
class Concerned:
    """The ended runs that a write may revive: those of some dates, or of every hour of a day."""

    dates: tuple[str, ...] = ()
    day: str | None = None


def concerned_runs(pipeline: Pipeline, reading: Reading, written_at: datetime) -> Concerned:
    """A reading of a period concerns that period's runs; a dateless one today's, and that of the latest cron fire.

    A run that waits is found by its ledger row, whatever its date.
    """
    if reading.period is not None:
        day_of_hours = "T" not in reading.period and _has_hours(pipeline)
        return Concerned(day=reading.period) if day_of_hours else Concerned((reading.period,))
    dates = [current_date(pipeline, written_at)]
    if pipeline.schedule.cron:
        span = timedelta(hours=1) if cron_form(pipeline) is Period.MINUTE else timedelta(days=1)
        fires = list(expected_fires(pipeline, written_at - span, written_at + timedelta(microseconds=1)))
        dates += [fire_date(pipeline, fire) for fire in fires[-1:]]
    return Concerned(tuple(dict.fromkeys(dates)))


def _has_hours(pipeline: Pipeline) -> bool:
    # A sensor pipeline's dates take the form of its trigger's readings: hours are possible.
    return pipeline.schedule.cron is None or cron_form(pipeline) is not Period.DAILY


def fires_of_date(pipeline: Pipeline, run_date: str) -> list[datetime]:
    """The cron fires whose run this is; normally one."""
    # A local day lies within these 50 hours in every zone, from UTC+14 to UTC-12.
    day = datetime.combine(calendar_date(run_date), time(), UTC)
    fires = expected_fires(pipeline, day - timedelta(hours=14), day + timedelta(hours=36))
    return [fire for fire in fires if fire_date(pipeline, fire) == run_date]

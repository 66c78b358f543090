"""What nobody has to promise: which kinds a config brings with it, for which dates, and when each is first looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from interlock.domain.calendar import Calendar
from interlock.domain.expected_date import ExpectedDate, expected_date, first_expected, next_expected
from interlock.domain.fires import fire_of
from interlock.domain.pipeline import Pipeline, Start
from interlock.domain.promise import Promise, PromiseKind
from interlock.domain.schedule import inclusion_deadline, trigger_deadline
from interlock.domain.sla_deadline import sla_deadline, sla_warning

RECURRING = (PromiseKind.FIRE, PromiseKind.INCLUSION, PromiseKind.TRIGGER, PromiseKind.SLA)
# EventBridge Scheduler invokes within a minute of the time it is asked for, and the run opens a moment later.
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
_FIRE_MAY_BE_LATE = timedelta(seconds=90)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Expectation:
    """One date of one kind."""

    date: str
    begins_at: datetime
    ends_at: datetime
    due_at: datetime  # when to look first
    deadline: datetime  # by when it must be kept; of a fire the fire itself


def is_promised(kind: PromiseKind, pipeline: Pipeline) -> bool:
    """Whether the config brings promises of this kind with it. A dry run promises nothing."""
    schedule, sla = pipeline.schedule, pipeline.sla
    if pipeline.dry_run:
        return False
    match kind:
        case PromiseKind.FIRE:
            # With `start: all` a fire whose trigger never came opens nothing, and nothing is missed.
            return schedule.cron is not None and schedule.start is not Start.ALL
        case PromiseKind.INCLUSION:
            return schedule.include is not None and schedule.cron is None
        case PromiseKind.TRIGGER:
            return schedule.trigger is not None and schedule.trigger.deadline is not None
        case PromiseKind.SLA:
            return sla is not None and sla.deadline is not None
        case _:
            return False  # made when a reading or a success begins its clock


def deadline_of(kind: PromiseKind, pipeline: Pipeline, run_date: str) -> datetime | None:
    """By when the promise of that date must be kept: of a fire, the fire. `ValueError` if it is no execution date."""
    if not is_promised(kind, pipeline):
        return None
    return _DEADLINES[kind](pipeline, run_date)


_DEADLINES: Mapping[PromiseKind, Callable[[Pipeline, str], datetime | None]] = {
    PromiseKind.FIRE: fire_of,
    PromiseKind.INCLUSION: inclusion_deadline,
    PromiseKind.TRIGGER: trigger_deadline,
    PromiseKind.SLA: sla_deadline,
}


def first_due(kind: PromiseKind, pipeline: Pipeline, run_date: str) -> datetime | None:
    """When to look first; None when that date is not promised."""
    deadline = deadline_of(kind, pipeline, run_date)
    if deadline is None:
        return None
    if kind is PromiseKind.FIRE:
        return deadline + _FIRE_MAY_BE_LATE
    if kind is PromiseKind.SLA:
        return sla_warning(pipeline, run_date) or deadline
    return deadline


def due_of(promise: Promise, pipeline: Pipeline, calendars: Mapping[str, Calendar]) -> datetime | None:
    """When an open row should be looked at by the config as it is now; None when it is no longer promised."""
    key = promise.key
    try:
        expected = expected_date(pipeline, key.date, calendars)
    except ValueError:
        return None  # somebody wrote a row of no execution date
    if expected is None or expected.excluded is not None or key.schedule_id != pipeline.schedule_id:
        return None
    if promise.warned:
        return deadline_of(promise.kind, pipeline, key.date)
    return first_due(promise.kind, pipeline, key.date)


def expectations(
    kind: PromiseKind, pipeline: Pipeline, since: datetime, calendars: Mapping[str, Calendar]
) -> Iterator[Expectation]:
    """The dates that begin at `since` or later, ascending, excluded ones left out; perhaps without end."""
    return _from(kind, pipeline, first_expected(pipeline, since, calendars), calendars)


def expectations_after(
    kind: PromiseKind, pipeline: Pipeline, run_date: str, calendars: Mapping[str, Calendar]
) -> Iterator[Expectation]:
    """Those after an execution date."""
    return _from(kind, pipeline, next_expected(pipeline, run_date, calendars), calendars)


def _from(
    kind: PromiseKind, pipeline: Pipeline, first: ExpectedDate | None, calendars: Mapping[str, Calendar]
) -> Iterator[Expectation]:
    expected = first
    while expected is not None:
        deadline = deadline_of(kind, pipeline, expected.date)
        due_at = first_due(kind, pipeline, expected.date)
        if deadline is not None and due_at is not None:
            yield Expectation(expected.date, expected.begins_at, expected.ends_at, due_at, deadline)
        expected = next_expected(pipeline, expected.date, calendars)


def counts_from(kind: PromiseKind, expected: Expectation, loaded_at: datetime) -> bool:
    """Whether a config that was loaded then promises that date: nothing of before is missed.

    A deadline on the day after counts from the first period that ends after the config was loaded.
    """
    if expected.deadline <= loaded_at:
        return False
    if kind in (PromiseKind.TRIGGER, PromiseKind.SLA):
        return expected.ends_at > loaded_at
    return True


def longest_wait(kind: PromiseKind, pipeline: Pipeline) -> timedelta:
    """At least as long as from the beginning of any date to its deadline."""
    if kind is PromiseKind.FIRE:
        return _DAY / 24
    offset = pipeline.sla and pipeline.sla.day_offset
    if kind is PromiseKind.SLA and pipeline.schedule.cron is not None and offset is None:
        return _DAY * 1.25  # until the same time on the next day, which DST may make longer
    return _DAY * (max(offset or 0, 1) + 2)

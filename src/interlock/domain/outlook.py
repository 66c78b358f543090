"""What lies ahead of a pipeline: each expected date with its fire, why it is skipped, and where its deadlines fall."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from heapq import merge
from zoneinfo import ZoneInfo

from interlock.domain.calendar import Calendar
from interlock.domain.execution_date import instant_of, local_of, zone_of
from interlock.domain.expected_date import ExpectedDate, expected_dates
from interlock.domain.fires import skipped_fires
from interlock.domain.pipeline import Deadline, Pipeline
from interlock.domain.schedule import inclusion_deadline, trigger_deadline
from interlock.domain.sla_deadline import sla_deadline, sla_warning

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Outlook:
    """One line of it. All instants are UTC."""

    at: datetime  # of the fire, or when the period begins; when the gap ends that swallows a fire
    date: str | None  # None for a fire that DST swallows
    excluded: str | None = None
    trigger_deadline: datetime | None = None
    inclusion_deadline: datetime | None = None
    sla_warning: datetime | None = None
    sla_deadline: datetime | None = None
    notes: tuple[str, ...] = ()


def outlook(
    pipeline: Pipeline, since: datetime, until: datetime, calendars: Mapping[str, Calendar]
) -> Iterator[Outlook]:
    """What begins in [since, until), in order of time."""
    expected = (_of_date(pipeline, one) for one in expected_dates(pipeline, since, until, calendars))
    swallowed = (_of_gap(pipeline, local) for local in skipped_fires(pipeline, since, until))
    yield from merge(expected, swallowed, key=lambda line: line.at)


def sla_zone(pipeline: Pipeline) -> ZoneInfo:
    """The zone that the SLA's deadline is written in."""
    own = pipeline.sla.timezone if pipeline.sla else None
    return ZoneInfo(own) if own else zone_of(pipeline)


def _of_gap(pipeline: Pipeline, local: datetime) -> Outlook:
    note = f"{local:%H:%M} does not exist on {local:%Y-%m-%d} in {pipeline.schedule.timezone}: no fire"
    return Outlook(instant_of(local, zone_of(pipeline)), None, notes=(note,))


def _of_date(pipeline: Pipeline, expected: ExpectedDate) -> Outlook:
    if expected.excluded is not None:
        return Outlook(expected.begins_at, expected.date, expected.excluded)
    line = Outlook(
        expected.begins_at,
        expected.date,
        trigger_deadline=trigger_deadline(pipeline, expected.date),
        inclusion_deadline=inclusion_deadline(pipeline, expected.date),
        sla_warning=sla_warning(pipeline, expected.date),
        sla_deadline=sla_deadline(pipeline, expected.date),
    )
    return replace(line, notes=(*_notes_of_begin(pipeline, expected), *_notes_of_deadlines(pipeline, line)))


def _notes_of_begin(pipeline: Pipeline, expected: ExpectedDate) -> Iterator[str]:
    zone = zone_of(pipeline)
    begins, lasts = local_of(expected.begins_at, zone), expected.ends_at - expected.begins_at
    if pipeline.schedule.cron is not None:
        if _comes_twice(begins, zone):
            yield f"{begins:%H:%M} comes twice, and the first one fires"
    elif lasts != (_HOUR if "T" in expected.date else 24 * _HOUR):
        yield f"lasts {lasts / _HOUR:g} h, for clocks change"


def _notes_of_deadlines(pipeline: Pipeline, line: Outlook) -> Iterator[str]:
    zone, trigger, sla = zone_of(pipeline), pipeline.schedule.trigger, pipeline.sla
    written = (
        ("trigger deadline", trigger.deadline if trigger else None, line.trigger_deadline, zone),
        ("start by", _time_of(pipeline), line.inclusion_deadline, zone),
        ("SLA deadline", sla.deadline if sla else None, line.sla_deadline, sla_zone(pipeline)),
    )
    for name, deadline, due, of_zone in written:
        if deadline is not None and due is not None:
            yield from _clock_notes(name, deadline, due, of_zone)


def _time_of(pipeline: Pipeline) -> Deadline | None:
    at = pipeline.schedule.time
    return Deadline(at.minute, at.hour) if at else None


def _clock_notes(name: str, written: Deadline, due: datetime, zone: ZoneInfo) -> Iterator[str]:
    local = local_of(due, zone)
    text = f"{'' if written.hour is None else f'{written.hour:02}'}:{written.minute:02}"
    if local.minute != written.minute or written.hour not in (None, local.hour):
        yield f"{name} {text} does not exist that day: the first instant after"
    elif _comes_twice(local, zone):
        yield f"{name} {text} comes twice: the first"


def _comes_twice(local: datetime, zone: ZoneInfo) -> bool:
    first, second = (local.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    # In a gap, fold 0 is the offset of before; where a time repeats, the later one.
    return first is not None and second is not None and first > second

"""When runs are due: execution dates, cron fires, exclusions and deadlines, all in the schedule's timezone.

The one calendar of the project: whoever starts runs and whoever misses them ask here, and cannot disagree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from heapq import merge
from typing import Any
from zoneinfo import ZoneInfo

from interlock.domain.pipeline import Deadline, Pipeline

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Period(StrEnum):
    """How long the slice of data is that an execution date names."""

    DAILY = "daily"  # 2026-03-01
    HOURLY = "hourly"  # 2026-03-01T18
    MINUTE = "minute"  # 2026-03-01T18:15, for a cron that fires more than once an hour


_LENGTH = {Period.DAILY: 10, Period.HOURLY: 13, Period.MINUTE: 16}
_EXECUTION_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T([01][0-9]|2[0-3])(:[0-5][0-9])?)?")
# Dates come from outside. With these bounds no zone, offset or "day after" leaves what datetime can express.
_YEARS = range(1900, 3000)


def period_start(run_date: str) -> datetime:
    """The first local moment of an execution date, naive. `ValueError` if it is not one."""
    if _EXECUTION_DATE.fullmatch(run_date) and int(run_date[:4]) in _YEARS:
        with suppress(ValueError):  # 30 February
            return datetime.fromisoformat(run_date)
    raise ValueError(
        f"{run_date[:40]!r} is not an execution date: write 2026-03-01, 2026-03-01T18 or 2026-03-01T18:15"
    )


def period_of(run_date: str) -> Period:
    """Which of the three forms an execution date has. `ValueError` if none."""
    period_start(run_date)
    return next(period for period, length in _LENGTH.items() if length == len(run_date))


def execution_date(local: datetime, period: Period) -> str:
    """The execution date, in that form, that a local moment lies in."""
    return local.replace(tzinfo=None).isoformat(timespec="minutes")[: _LENGTH[period]]


def calendar_date(run_date: str) -> date:
    """The day that exclusions and deadlines look at."""
    return period_start(run_date).date()


def instant_of(local: datetime, zone: ZoneInfo) -> datetime:
    """The UTC instant of a naive local time: of two the first; of one that DST skips the end of the gap."""
    instant = _first_instant(local, zone)
    if _local(instant, zone) == local:
        return instant
    # In a gap fold 0 lands after the change and fold 1 before it (PEP 495); the change itself lies between.
    before, after = local.replace(tzinfo=zone, fold=1).astimezone(UTC), instant
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        before, after = (before, middle) if _local(middle, zone) > local else (middle, after)
    return after


def _first_instant(local: datetime, zone: ZoneInfo) -> datetime:
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def _local(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def _zone(pipeline: Pipeline) -> ZoneInfo:
    return ZoneInfo(pipeline.schedule.timezone)


def expected_fires(pipeline: Pipeline, since: datetime, until: datetime) -> Iterator[datetime]:
    """The UTC instants in [since, until) at which the cron fires; none without a cron.

    A local time that DST skips does not fire; one that happens twice fires once, the first time.
    """
    if pipeline.schedule.cron is None:
        return
    zone = _zone(pipeline)
    # A later instant has a later local time, except in the second pass of a repeated hour, which never fires.
    for local in _local_fires(pipeline.schedule.cron, _local(since, zone) - timedelta(seconds=1)):
        fire = _first_instant(local, zone)
        if fire >= until:
            return
        if fire >= since and _local(fire, zone) == local:
            yield fire


def _local_fires(cron: str, after: datetime) -> Iterator[datetime]:
    """Naive local times later than `after`, ascending, without end unless the cron names no possible date."""
    latest = after
    for local in merge(*(half.all_next() for half in _croniters(cron, after))):
        if local != latest:
            yield local
        latest = local


# 29 February can be eight years away (2096 to 2104); a date that never comes, 30 February, ends the search.
_LONGEST_WAIT_YEARS = 8


# croniter takes a range of one value, `5-5`, for all of them.
_SAME_TO_SAME = re.compile(r"(?<![\w])(\w+)-\1(?![\w])")


def _croniters(cron: str, start: datetime | float) -> list[Any]:
    # 30 ms of import that only pipelines with a cron should pay. The package carries no types.
    from croniter import croniter  # type: ignore[import-untyped]

    return [
        croniter(
            _SAME_TO_SAME.sub(r"\1", half),
            start,
            ret_type=datetime,
            max_years_between_matches=_LONGEST_WAIT_YEARS,
        )
        for half in _either_day(cron)
    ]


def _either_day(cron: str) -> tuple[str, ...]:
    """With day-of-month and weekday both set either is enough: two crons, each restricted by one of them.

    croniter does so itself for plain values, but takes both together for `L5` or `5#2`.
    """
    minute, hour, day, month, weekday = cron.split()
    if {day, weekday} & {"*", "?"}:
        return (cron,)
    return f"{minute} {hour} {day} {month} *", f"{minute} {hour} * {month} {weekday}"


def cron_form(pipeline: Pipeline) -> Period:
    """The form of the execution dates that the clock gives, decided from the cron's fields.

    Without a cron: hourly if a `:MM` deadline promises every hour, else daily. (A reading may name another.)
    """
    if pipeline.schedule.cron is not None:
        return _form_of(pipeline.schedule.cron)
    trigger, sla = pipeline.schedule.trigger, pipeline.sla
    deadlines = (trigger and trigger.deadline, sla and sla.deadline)
    return Period.HOURLY if any(due and due.hour is None for due in deadlines) else Period.DAILY


@lru_cache(maxsize=1024)
def _form_of(cron: str) -> Period:
    minutes, hours, *_ = cron.split()
    # The usual `30 6 * * *` is told without the import.
    if minutes.isdecimal() and (hours.isdecimal() or hours == "*"):
        return Period.DAILY if hours.isdecimal() else Period.HOURLY
    minute_values, hour_values, *_ = _croniters(cron, 0.0)[0].expanded
    if _has_many(minute_values):
        return Period.MINUTE
    return Period.HOURLY if _has_many(hour_values) else Period.DAILY


def _has_many(values: list[Any]) -> bool:
    return len(values) > 1 or values == ["*"]


def fire_date(pipeline: Pipeline, fire: datetime) -> str:
    """The execution date of a cron fire."""
    return execution_date(fire.astimezone(_zone(pipeline)), cron_form(pipeline))


def current_date(pipeline: Pipeline, now: datetime) -> str:
    """The execution date that `now` belongs to when nothing says otherwise: today, or this hour.

    For a cron that fires more than once an hour: the date of its latest fire today, which began this period.
    """
    local, form = _local(now, _zone(pipeline)), cron_form(pipeline)
    if form is Period.MINUTE and pipeline.schedule.cron is not None:
        local = _latest_fire_today(pipeline.schedule.cron, local, _zone(pipeline)) or local
    return execution_date(local, form)


def _latest_fire_today(cron: str, local: datetime, zone: ZoneInfo) -> datetime | None:
    # croniter looks strictly before its start, and a fire in the current minute has happened.
    start = local.replace(second=0, microsecond=0) + timedelta(minutes=1)
    for fire in merge(*(half.all_prev() for half in _croniters(cron, start)), reverse=True):
        if fire.date() != local.date():
            break
        if _local(_first_instant(fire, zone), zone) == fire:
            return fire  # type: ignore[no-any-return]
    return None


def trigger_deadline(pipeline: Pipeline, run_date: str) -> datetime | None:
    """When the door closes for the trigger of this date; None if it never does.

    `HH:MM` is on the day after the execution date, `:MM` in the hour after its own (a day's: after midnight).
    """
    trigger = pipeline.schedule.trigger
    if trigger is None or trigger.deadline is None:
        return None
    return instant_of(_local_deadline(trigger.deadline, run_date), _zone(pipeline))


def _local_deadline(deadline: Deadline, run_date: str) -> datetime:
    start = period_start(run_date)
    if deadline.hour is None and period_of(run_date) is not Period.DAILY:
        return start.replace(minute=deadline.minute) + timedelta(hours=1)
    return start.replace(hour=deadline.hour or 0, minute=deadline.minute) + timedelta(days=1)


def window_ends_at(pipeline: Pipeline, opened_at: datetime) -> datetime:
    """The last instant of the window that began at `opened_at`."""
    return opened_at + pipeline.schedule.evaluation.window


@dataclass(frozen=True, slots=True)
class Calendar:
    """A named set of days."""

    name: str
    dates: frozenset[date] = frozenset()
    days: frozenset[int] = frozenset()  # 0 is Monday, as in date.weekday()

    def __contains__(self, day: date) -> bool:
        return day in self.dates or day.weekday() in self.days

    @classmethod
    def from_mapping(cls, name: str, written: Mapping[str, Any]) -> Calendar:
        """From `{dates: ["2026-12-25"], days: [sunday]}`. `ValueError` names what is unreadable."""
        return cls(
            name,
            frozenset(_written_date(name, text) for text in _written_list(name, written, "dates")),
            frozenset(_written_day(name, text) for text in _written_list(name, written, "days")),
        )


def _written_list(name: str, written: Mapping[str, Any], attribute: str) -> list[Any]:
    values = written.get(attribute, [])
    if not isinstance(values, (list, tuple)):
        raise ValueError(f"calendar {name}: {attribute} is not a list")
    return list(values)


def _written_date(name: str, text: Any) -> date:
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        raise ValueError(f"calendar {name}: {str(text)[:40]!r} is not a date; write 2026-12-25") from None


def _written_day(name: str, text: Any) -> int:
    if isinstance(text, str) and text.lower() in WEEKDAYS:
        return WEEKDAYS.index(text.lower())
    raise ValueError(f"calendar {name}: {str(text)[:40]!r} is not a weekday; write sunday")


def exclusion_reason(pipeline: Pipeline, run_date: str, calendars: Mapping[str, Calendar]) -> str | None:
    """Why there is no run for this date, or None. `calendars` holds those that exist of `calendar_names`."""
    day = calendar_date(run_date)
    return _excluded(pipeline, day, calendars) or _not_included(pipeline, day, calendars)


def calendar_names(pipeline: Pipeline) -> tuple[str, ...]:
    """The calendars that `exclusion_reason` looks into; `holidays:US` is the computed one of that code."""
    include, exclude = pipeline.schedule.include, pipeline.schedule.exclude
    holidays = exclude and exclude.holidays
    names = (
        include and include.calendar,
        exclude and exclude.calendar,
        f"holidays:{holidays}" if holidays else None,
    )
    return tuple(name for name in names if name)


def _excluded(pipeline: Pipeline, day: date, calendars: Mapping[str, Calendar]) -> str | None:
    exclude = pipeline.schedule.exclude
    if exclude is None:
        return None
    weekday = WEEKDAYS[day.weekday()].capitalize()
    if exclude.weekends and day.weekday() >= 5:
        return f"{day} is a {weekday}, and weekends are excluded"
    if day.weekday() in exclude.days:
        return f"{day} is a {weekday}, and {weekday}s are excluded"
    if day in exclude.dates:
        return f"{day} is an excluded date"
    if exclude.calendar and day in calendars.get(exclude.calendar, ()):
        return f"{day} is excluded by the calendar {exclude.calendar}"
    if exclude.holidays and day in calendars.get(f"holidays:{exclude.holidays}", ()):
        return f"{day} is a holiday ({exclude.holidays})"
    return None


def _not_included(pipeline: Pipeline, day: date, calendars: Mapping[str, Calendar]) -> str | None:
    include = pipeline.schedule.include
    if include is None or day in include.dates:
        return None
    if include.calendar is None:
        return f"{day} is not one of the dates that schedule.include lists"
    if include.calendar not in calendars:
        return f"{day} is not included: there is no calendar {include.calendar}"
    if day in calendars[include.calendar]:
        return None
    return f"{day} is not in the calendar {include.calendar} that schedule.include names"

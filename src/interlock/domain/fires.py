"""When a pipeline's cron fires, and which execution date a fire or an instant belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import copy
from datetime import datetime, timedelta
from functools import lru_cache
from heapq import merge
from typing import Any
from zoneinfo import ZoneInfo

from interlock.domain.execution_date import (
    Period,
    execution_date,
    first_instant,
    instant_of,
    local_of,
    period_end,
    period_start,
    zone_of,
)
from interlock.domain.pipeline import Pipeline


def expected_fires(pipeline: Pipeline, since: datetime, until: datetime) -> Iterator[datetime]:
    """The UTC instants in [since, until) at which the cron fires; none without a cron.

    A local time that DST skips does not fire; one that happens twice fires once, the first time.
    """
    if pipeline.schedule.cron is None:
        return
    zone = zone_of(pipeline)
    # A later instant has a later local time, except in the second pass of a repeated hour, which never fires.
    for local in _local_fires(pipeline.schedule.cron, local_of(since, zone) - timedelta(seconds=1)):
        fire = first_instant(local, zone)
        if fire >= until:
            return
        if fire >= since and local_of(fire, zone) == local:
            yield fire


def skipped_fires(pipeline: Pipeline, since: datetime, until: datetime) -> Iterator[datetime]:
    """The naive local times of the cron that DST skips, where their instants would lie in [since, until)."""
    if pipeline.schedule.cron is None:
        return
    zone = zone_of(pipeline)
    # A gap may begin before `since`: no zone has skipped more than a day.
    for local in _local_fires(pipeline.schedule.cron, local_of(since, zone) - timedelta(days=1)):
        fire = instant_of(local, zone)
        if fire >= until:
            return
        if fire >= since and local_of(fire, zone) != local:
            yield local


def _local_fires(cron: str, after: datetime) -> Iterator[datetime]:
    """Naive local times later than `after`, ascending, without end unless the cron names no possible date."""
    latest = after
    for local in merge(*(half.all_next() for half in croniters(cron, after))):
        if local != latest:
            yield local
        latest = local


# 29 February can be eight years away (2096 to 2104); a date that never comes, 30 February, ends the search.
_LONGEST_WAIT_YEARS = 8


# croniter takes a range of one value, `5-5`, for all of them.
_SAME_TO_SAME = re.compile(r"(?<![\w])(\w+)-\1(?![\w])")


def croniters(cron: str, start: datetime) -> list[Any]:
    """What reads this cron, from a naive time on: its fires are those of all of them together.

    `ValueError` if it cannot be read.
    """
    found = [copy(reader) for reader in _parsed(cron)]
    for reader in found:
        reader.set_current(start)
    return found


@lru_cache(maxsize=1024)
def _parsed(cron: str) -> tuple[Any, ...]:
    """Parsing takes ten times as long as a fire; these are copied, and stay where they are."""
    # 30 ms of import that only pipelines with a cron should pay. The package carries no types.
    from croniter import croniter  # type: ignore[import-untyped]

    return tuple(
        croniter(
            _SAME_TO_SAME.sub(r"\1", half),
            0.0,
            ret_type=datetime,
            max_years_between_matches=_LONGEST_WAIT_YEARS,
        )
        for half in _either_day(cron)
    )


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
    minute_values, hour_values, *_ = _parsed(cron)[0].expanded
    if _has_many(minute_values):
        return Period.MINUTE
    return Period.HOURLY if _has_many(hour_values) else Period.DAILY


def _has_many(values: list[Any]) -> bool:
    return len(values) > 1 or values == ["*"]


def fire_date(pipeline: Pipeline, fire: datetime) -> str:
    """The execution date of a cron fire."""
    return execution_date(fire.astimezone(zone_of(pipeline)), cron_form(pipeline))


def fire_of(pipeline: Pipeline, run_date: str) -> datetime | None:
    """The fire that has this execution date; None when the cron does not fire then."""
    zone = zone_of(pipeline)
    since, until = instant_of(period_start(run_date), zone), instant_of(period_end(run_date), zone)
    return next(expected_fires(pipeline, since, until), None)


def current_date(pipeline: Pipeline, now: datetime) -> str:
    """The execution date that `now` belongs to when nothing says otherwise: today, or this hour.

    For a cron that fires more than once an hour: the date of its latest fire today, which began this period.
    """
    local, form = local_of(now, zone_of(pipeline)), cron_form(pipeline)
    if form is Period.MINUTE and pipeline.schedule.cron is not None:
        local = _latest_fire_today(pipeline.schedule.cron, local, zone_of(pipeline)) or local
    return execution_date(local, form)


def _latest_fire_today(cron: str, local: datetime, zone: ZoneInfo) -> datetime | None:
    # croniter looks strictly before its start, and a fire in the current minute has happened.
    start = local.replace(second=0, microsecond=0) + timedelta(minutes=1)
    for fire in merge(*(half.all_prev() for half in croniters(cron, start)), reverse=True):
        if fire.date() != local.date():
            break
        if local_of(first_instant(fire, zone), zone) == fire:
            return fire  # type: ignore[no-any-return]
    return None

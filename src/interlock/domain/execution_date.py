"""Execution dates: their three forms, the local moments they name, and the instants of those, through DST."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from interlock.domain.pipeline import Pipeline


class Period(StrEnum):
    """How long the slice of data is that an execution date names."""

    DAILY = "daily"  # 2026-03-01
    HOURLY = "hourly"  # 2026-03-01T18
    MINUTE = "minute"  # 2026-03-01T18:15, for a cron that fires more than once an hour


_LENGTH = {Period.DAILY: 10, Period.HOURLY: 13, Period.MINUTE: 16}
_LASTS = {
    Period.DAILY: timedelta(days=1),
    Period.HOURLY: timedelta(hours=1),
    Period.MINUTE: timedelta(minutes=1),
}
_EXECUTION_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T([01][0-9]|2[0-3])(:[0-5][0-9])?)?")
# Dates come from outside. With these bounds no zone, offset or "day after" leaves what datetime can express.
YEARS = range(1900, 3000)


@lru_cache(maxsize=4096)  # each is asked for again and again by all that compares dates
def period_start(run_date: str) -> datetime:
    """The first local moment of an execution date, naive. `ValueError` if it is not one."""
    if _EXECUTION_DATE.fullmatch(run_date) and int(run_date[:4]) in YEARS:
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


def period_end(run_date: str) -> datetime:
    """The first local moment after what an execution date names, naive; a minute form names its minute."""
    return period_start(run_date) + _LASTS[period_of(run_date)]


def calendar_date(run_date: str) -> date:
    """The day that exclusions and deadlines look at."""
    return period_start(run_date).date()


def instant_of(local: datetime, zone: ZoneInfo) -> datetime:
    """The UTC instant of a naive local time: of two the first; of one that DST skips the end of the gap."""
    instant = first_instant(local, zone)
    if local_of(instant, zone) == local:
        return instant
    # In a gap fold 0 lands after the change and fold 1 before it (PEP 495); the change itself lies between.
    before, after = local.replace(tzinfo=zone, fold=1).astimezone(UTC), instant
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        before, after = (before, middle) if local_of(middle, zone) > local else (middle, after)
    return after


def first_instant(local: datetime, zone: ZoneInfo) -> datetime:
    """As `instant_of`, but of a time that DST skips some instant whose local time is another."""
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def local_of(instant: datetime, zone: ZoneInfo) -> datetime:
    """What clocks in `zone` show, naive."""
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def zone_of(pipeline: Pipeline) -> ZoneInfo:
    """The zone of the pipeline's dates, cron and deadlines (its SLA may have another)."""
    return ZoneInfo(pipeline.schedule.timezone)

"""Which execution dates a pipeline is expected to have: the source of every promise that nobody has to make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import chain, pairwise
from zoneinfo import ZoneInfo

from interlock.domain.calendar import Calendar, excluded_by
from interlock.domain.execution_date import (
    YEARS,
    Period,
    calendar_date,
    execution_date,
    instant_of,
    local_of,
    period_end,
    period_of,
    period_start,
    zone_of,
)
from interlock.domain.fires import cron_form, expected_fires, fire_date
from interlock.domain.pipeline import Pipeline

_END = datetime(YEARS[-1], 1, 1, tzinfo=UTC)
# 29 February can be eight years away (2096 to 2104).
_LONGEST_SEARCH = timedelta(days=8 * 366)
# Beyond these (years of daily fires) a pipeline whose days are all excluded is taken to have no next date.
_MOST_EXCLUDED_DAYS = 1000


@dataclass(frozen=True, slots=True)
class ExpectedDate:
    """An execution date that should have its run, or would but for its exclusion."""

    date: str
    begins_at: datetime  # the cron's fire, else the first instant of the period
    ends_at: datetime  # of the period; a minute form's lasts to the next fire, within its day
    excluded: str | None = None  # why there is no run


def expected_dates(
    pipeline: Pipeline, since: datetime, until: datetime, calendars: Mapping[str, Calendar]
) -> Iterator[ExpectedDate]:
    """Those that begin in [since, until), ascending: fires of a cron, included dates, else periods of its trigger.

    Excluded ones come with their reason. None for a pipeline that only a rerun request can start.
    """
    until = min(until, _END)
    if pipeline.schedule.cron is not None:
        yield from _of_cron(pipeline, since, until, calendars)
        return
    for day in _days(pipeline, since, until, calendars):
        reason = excluded_by(pipeline, day, calendars)
        for expected in _periods_of_day(pipeline, day, reason):
            if since <= expected.begins_at < until:
                yield expected


def _of_cron(
    pipeline: Pipeline, since: datetime, until: datetime, calendars: Mapping[str, Calendar]
) -> Iterator[ExpectedDate]:
    zone, latest = zone_of(pipeline), ""
    for fire, following in _fires_and_next(pipeline, since, until):
        run_date = fire_date(pipeline, fire)
        day = calendar_date(run_date)
        ends_at = instant_of(period_end(run_date), zone)
        if period_of(run_date) is Period.MINUTE:
            ends_at = instant_of(_midnight(day) + timedelta(days=1), zone)
            ends_at = min(ends_at, following) if following else ends_at
        if run_date != latest:
            yield ExpectedDate(run_date, fire, ends_at, excluded_by(pipeline, day, calendars))
        latest = run_date


def _fires_and_next(
    pipeline: Pipeline, since: datetime, until: datetime
) -> Iterator[tuple[datetime, datetime | None]]:
    """The fire after each is looked for only where it ends the period; it may lie beyond `until`."""
    if cron_form(pipeline) is not Period.MINUTE:
        yield from ((fire, None) for fire in expected_fires(pipeline, since, until))
        return
    for fire, following in pairwise(chain(expected_fires(pipeline, since, _END), (None,))):
        if fire is None or fire >= until:
            return
        yield fire, following


def _days(
    pipeline: Pipeline, since: datetime, until: datetime, calendars: Mapping[str, Calendar]
) -> Iterator[date]:
    include, zone = pipeline.schedule.include, zone_of(pipeline)
    if include is None and pipeline.schedule.trigger is None:
        return
    listed = frozenset(include.dates) if include else frozenset[date]()
    calendar = calendars.get(include.calendar, ()) if include and include.calendar else ()
    day, last = local_of(since, zone).date(), local_of(until, zone).date()
    while day <= last:
        if include is None or day in listed or day in calendar:
            yield day
        day += timedelta(days=1)


def _periods_of_day(pipeline: Pipeline, day: date, reason: str | None) -> Iterator[ExpectedDate]:
    for run_date, begins_at, ends_at in _periods(day, zone_of(pipeline), cron_form(pipeline)):
        yield ExpectedDate(run_date, begins_at, ends_at, reason)


@lru_cache(maxsize=1024)  # whoever looks for the next date looks at the same day once for each date before it
def _periods(day: date, zone: ZoneInfo, form: Period) -> tuple[tuple[str, datetime, datetime], ...]:
    found: list[tuple[str, datetime, datetime]] = []
    for hour in range(24 if form is Period.HOURLY else 1):
        start = _midnight(day) + timedelta(hours=hour)
        run_date = execution_date(start, form)
        begins_at, ends_at = instant_of(start, zone), instant_of(period_end(run_date), zone)
        if begins_at < ends_at:  # else DST skips the whole hour
            found.append((run_date, begins_at, ends_at))
    return tuple(found)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def expected_date(
    pipeline: Pipeline, run_date: str, calendars: Mapping[str, Calendar]
) -> ExpectedDate | None:
    """The one of that execution date; None when none is expected. `ValueError` if it is no execution date."""
    zone = zone_of(pipeline)
    since, until = instant_of(period_start(run_date), zone), instant_of(period_end(run_date), zone)
    found = expected_dates(pipeline, since, until, calendars)
    return next((expected for expected in found if expected.date == run_date), None)


def next_expected(
    pipeline: Pipeline, after_date: str, calendars: Mapping[str, Calendar]
) -> ExpectedDate | None:
    """The next one after an execution date (expected itself or not) that is not excluded."""
    return first_expected(pipeline, instant_of(period_end(after_date), zone_of(pipeline)), calendars)


def first_expected(
    pipeline: Pipeline, since: datetime, calendars: Mapping[str, Calendar]
) -> ExpectedDate | None:
    """The first one that begins at `since` or later and is not excluded; None when years bring none."""
    zone, until = zone_of(pipeline), since + _LONGEST_SEARCH
    for _ in range(_MOST_EXCLUDED_DAYS):
        found = next(expected_dates(pipeline, since, until, calendars), None)
        if found is None or found.excluded is None:
            return found
        # Exclusions are of whole days: the rest of this one need not be looked at.
        since = instant_of(_midnight(calendar_date(found.date)) + timedelta(days=1), zone)
    return None

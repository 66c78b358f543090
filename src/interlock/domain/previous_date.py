"""Which date did a pipeline run for before this one? A rule on a previous run asks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from interlock.domain.execution_date import zone_of
from interlock.domain.pipeline import Pipeline
from interlock.domain.schedule import (
    Calendar,
    Period,
    cron_form,
    exclusion_reason,
    execution_date,
    expected_dates,
    instant_of,
    period_of,
    period_start,
)

# How far back the fire before a date is looked for: the next stretch only when the one before had none.
_LOOKS_BACK = tuple(timedelta(hours=hours) for hours in (1, 24, 8 * 24, 64 * 24, 8 * 366 * 24))
_MOST_EXCLUDED_DAYS = 1000


def previous_date(pipeline: Pipeline, run_date: str, calendars: Mapping[str, Calendar]) -> str | None:
    """The execution date of the period before, excluded ones skipped: by the cron's fires, else the day or hour before.

    None when there is none, or nobody can say. `ValueError` if `run_date` is no execution date.
    """
    before = _fire_before if pipeline.schedule.cron else _period_before
    return before(pipeline, run_date, calendars)


def _fire_before(pipeline: Pipeline, run_date: str, calendars: Mapping[str, Calendar]) -> str | None:
    begins_at = instant_of(period_start(run_date), zone_of(pipeline))
    # A cron of many fires a day that is silent for two months will not be waited for.
    spans = _LOOKS_BACK if cron_form(pipeline) is Period.DAILY else _LOOKS_BACK[:-1]
    for span in spans:
        expected = expected_dates(pipeline, begins_at - span, begins_at, calendars)
        dates = [one.date for one in expected if one.excluded is None and one.date < run_date]
        if dates:
            return dates[-1]
    return None


def _period_before(pipeline: Pipeline, run_date: str, calendars: Mapping[str, Calendar]) -> str | None:
    form, local = period_of(run_date), period_start(run_date)
    if form is Period.MINUTE:
        return None  # only a cron could say how long it is
    step = timedelta(days=1) if form is Period.DAILY else timedelta(hours=1)
    zone = zone_of(pipeline)
    for _ in range(_MOST_EXCLUDED_DAYS):
        local -= step
        date = execution_date(local, form)
        if instant_of(local, zone) == instant_of(local + step, zone):
            continue  # an hour that DST skips
        if exclusion_reason(pipeline, date, calendars) is None:
            return date
        local = local.replace(hour=0)  # the whole day is excluded
    return None

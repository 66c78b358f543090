"""When runs are due: execution dates, cron fires, exclusions and deadlines, all in the schedule's timezone.

The one calendar of the project: whoever starts runs and whoever misses them ask here, and cannot disagree.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from interlock.domain.calendar import WEEKDAYS, Calendar, calendar_names, exclusion_reason
from interlock.domain.execution_date import (
    Period,
    calendar_date,
    execution_date,
    instant_of,
    period_end,
    period_of,
    period_start,
    zone_of,
)
from interlock.domain.expected_date import (
    ExpectedDate,
    expected_date,
    expected_dates,
    first_expected,
    next_expected,
)
from interlock.domain.fires import cron_form, current_date, expected_fires, fire_date, fire_of
from interlock.domain.pipeline import Deadline, Pipeline
from interlock.domain.sla_deadline import sla_deadline, sla_warning

__all__ = [
    "WEEKDAYS",
    "Calendar",
    "ExpectedDate",
    "Period",
    "calendar_date",
    "calendar_names",
    "cron_form",
    "current_date",
    "exclusion_reason",
    "execution_date",
    "expected_date",
    "expected_dates",
    "expected_fires",
    "fire_date",
    "fire_of",
    "first_expected",
    "inclusion_deadline",
    "instant_of",
    "next_expected",
    "period_end",
    "period_of",
    "period_start",
    "sla_deadline",
    "sla_warning",
    "trigger_deadline",
    "window_ends_at",
]


def trigger_deadline(pipeline: Pipeline, run_date: str) -> datetime | None:
    """When the door closes for the trigger of this date; None if it never does.

    `HH:MM` is on the day after the execution date, `:MM` in the hour after its own (a day's: after midnight).
    """
    trigger = pipeline.schedule.trigger
    if trigger is None or trigger.deadline is None:
        return None
    return instant_of(_local_deadline(trigger.deadline, run_date), zone_of(pipeline))


def _local_deadline(deadline: Deadline, run_date: str) -> datetime:
    start = period_start(run_date)
    if deadline.hour is None and period_of(run_date) is not Period.DAILY:
        return start.replace(minute=deadline.minute) + timedelta(hours=1)
    return start.replace(hour=deadline.hour or 0, minute=deadline.minute) + timedelta(days=1)


def inclusion_deadline(pipeline: Pipeline, run_date: str) -> datetime | None:
    """When the run of an included date should have started: at `schedule.time`, else by the end of its period.

    None for a pipeline without `include`.
    """
    schedule = pipeline.schedule
    if schedule.include is None or schedule.cron is not None:
        return None
    if schedule.time is not None and period_of(run_date) is Period.DAILY:
        return instant_of(datetime.combine(calendar_date(run_date), schedule.time), zone_of(pipeline))
    return instant_of(period_end(run_date), zone_of(pipeline))


def window_ends_at(pipeline: Pipeline, opened_at: datetime) -> datetime:
    """The last instant of the window that began at `opened_at`."""
    return opened_at + pipeline.schedule.evaluation.window

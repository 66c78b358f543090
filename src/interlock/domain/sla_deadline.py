"""When a run of an execution date has to be done (the absolute SLA), and when to warn of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from interlock.domain.execution_date import (
    Period,
    instant_of,
    local_of,
    period_end,
    period_of,
    period_start,
    zone_of,
)
from interlock.domain.fires import fire_of
from interlock.domain.pipeline import Deadline, Pipeline, Sla


def sla_deadline(pipeline: Pipeline, run_date: str) -> datetime | None:
    """None without an absolute SLA. `ValueError` if that is no execution date.

    A deadline in a DST gap is the first instant after it, one that repeats the first.
    """
    sla = pipeline.sla
    if sla is None or sla.deadline is None:
        return None
    zone = ZoneInfo(sla.timezone or pipeline.schedule.timezone)
    if sla.deadline.hour is None:
        return instant_of(_minute_of_next_hour(sla.deadline, pipeline, run_date, zone), zone)
    if pipeline.schedule.cron is not None and sla.day_offset is None:
        return _at_or_after_fire(sla.deadline, pipeline, run_date, zone)
    return instant_of(_on_later_day(sla.deadline, sla, run_date), zone)


def sla_warning(pipeline: Pipeline, run_date: str) -> datetime | None:
    """`expectedDuration` before the deadline; None without either."""
    deadline = sla_deadline(pipeline, run_date)
    if deadline is None or pipeline.sla is None or pipeline.sla.expected_duration is None:
        return None
    return deadline - pipeline.sla.expected_duration


def _minute_of_next_hour(deadline: Deadline, pipeline: Pipeline, run_date: str, zone: ZoneInfo) -> datetime:
    """Naive, in `zone`. Of a date without an hour: the hour after its midnight."""
    start = period_start(run_date)
    ends = period_end(run_date)
    if period_of(run_date) is not Period.DAILY:
        ends = start.replace(minute=0) + timedelta(hours=1)
    if zone != zone_of(pipeline):
        # Between zones without whole hours, an hour may end in the middle of one.
        ends = local_of(instant_of(ends, zone_of(pipeline)), zone)
    due = ends.replace(minute=deadline.minute)
    return due if due >= ends else due + timedelta(hours=1)


def _at_or_after_fire(deadline: Deadline, pipeline: Pipeline, run_date: str, zone: ZoneInfo) -> datetime:
    # A rerun of a date at which the cron does not fire: as if it had fired when the date began.
    fire = fire_of(pipeline, run_date) or instant_of(period_start(run_date), zone_of(pipeline))
    fired = local_of(fire, zone)
    due = fired.replace(hour=deadline.hour or 0, minute=deadline.minute, second=0)
    # A time that repeats may have passed for the first time before the fire.
    if due >= fired and instant_of(due, zone) >= fire:
        return instant_of(due, zone)
    return instant_of(due + timedelta(days=1), zone)


def _on_later_day(deadline: Deadline, sla: Sla, run_date: str) -> datetime:
    days = 1 if sla.day_offset is None else sla.day_offset
    day = period_start(run_date).replace(hour=deadline.hour or 0, minute=deadline.minute)
    return day + timedelta(days=days)

"""A cron schedule fired: open the run of that fire, if it is one that the pipeline expects."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from interlock.domain.pipeline import Pipeline, Rule, Start
from interlock.domain.promise import PromiseKind
from interlock.domain.readiness import trigger_holds
from interlock.domain.routing import fires_of_date
from interlock.domain.run import RunKey
from interlock.domain.schedule import expected_fires, fire_date
from interlock.domain.sensor import InvalidReading, Reading, candidate_keys, parse_reading, reading_run_date
from interlock.ports import ControlTable, DueRun, StateMachine
from interlock.steps.open_run import open_run

log = logging.getLogger(__name__)

WAITS_FOR_FIRE = "fire"
_NEVER = datetime.min.replace(tzinfo=UTC)  # of a reading that names its period itself


def fire_cron(
    pipeline_id: str, scheduled_at: datetime, control: ControlTable, machine: StateMachine, now: datetime
) -> None:
    """`scheduled_at` is the minute that the schedule was for, however late it arrives."""
    pipeline = control.pipeline(pipeline_id)
    minute = scheduled_at.replace(second=0, microsecond=0)
    fires = [] if pipeline is None else list(expected_fires(pipeline, minute, minute + timedelta(minutes=1)))
    if pipeline is None or not fires:
        # The schedule may fire on more days than the cron means (domain/aws_cron.py), or outlive its config.
        log.info("fire ignored: not one of the pipeline's", extra={"pipeline": pipeline_id})
        return
    key = RunKey(pipeline_id, pipeline.schedule_id, fire_date(pipeline, fires[0]))
    if pipeline.schedule.start is Start.ALL and not _trigger_met(pipeline, key, control, now):
        log.info("fire noted: its trigger has not come", extra={"pipeline": pipeline_id, "date": key.date})
        return
    why = f"cron {pipeline.schedule.cron} fired at {minute.isoformat()}"
    missed = now >= fires[0] + pipeline.schedule.evaluation.window and _was_missed(key, control)
    open_run(pipeline, key, "cron", why, control, machine, now, alarmed=missed)


def _was_missed(key: RunKey, control: ControlTable) -> bool:
    """A fire that comes after its window, from a dead letter perhaps, may have been given up by then."""
    from interlock.steps.people_alarmed import alarmed_by  # hardly any fire is so late

    return alarmed_by(PromiseKind.FIRE, key, control)


def await_fire(pipeline: Pipeline, key: RunKey, control: ControlTable) -> None:
    """`start: all`, and the trigger came before the fire: noted by a check row, which fires should the schedule fail.

    A dry run has no schedule: the row is what fires.
    """
    fires = fires_of_date(pipeline, key.date)
    if fires and control.run(key) is None:
        control.promise(DueRun(key, fires[0], WAITS_FOR_FIRE))


def _trigger_met(pipeline: Pipeline, key: RunKey, control: ControlTable, now: datetime) -> bool:
    trigger = pipeline.schedule.trigger
    if trigger is None:
        return False
    _, found = control.snapshot(key, candidate_keys(trigger.rule.key, key.date))
    met = [
        reading
        for name, values in found.items()
        if (reading := _met(trigger.rule, name, values, now)) is not None
    ]
    # Without a date it belongs to the day on which it was written, and that was noted then.
    return any(_is_of(reading, pipeline, key) for reading in met) or (
        any(reading.period is None for reading in met) and _was_noted(key, control)
    )


def _met(rule: Rule, name: str, values: Mapping[str, Any], now: datetime) -> Reading | None:
    try:
        reading = parse_reading(name, rule.key, values)
        return reading if trigger_holds(rule, reading, now).holds else None
    except InvalidReading:
        return None  # told when it was written


def _is_of(reading: Reading, pipeline: Pipeline, key: RunKey) -> bool:
    """As the write itself would have it: a reading of an hour belongs to the day of a daily cron."""
    if reading.period is None and reading.updated_at is None:
        return False
    try:
        return reading_run_date(reading, pipeline, reading.updated_at or _NEVER) == key.date
    except InvalidReading:
        return False


def _was_noted(key: RunKey, control: ControlTable) -> bool:
    noted = control.due_runs_of(key.pipeline_id)
    return any(due.key == key and due.waits_for == WAITS_FOR_FIRE for due in noted)

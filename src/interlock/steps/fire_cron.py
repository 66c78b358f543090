"""A cron schedule fired: open the run of that fire, if it is one that the pipeline expects."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from interlock.domain.pipeline import Pipeline, Rule, Start
from interlock.domain.readiness import trigger_holds
from interlock.domain.run import RunKey
from interlock.domain.schedule import expected_fires, fire_date
from interlock.domain.sensor import InvalidReading, candidate_keys, parse_reading, reading_run_date
from interlock.ports import ControlTable, StateMachine
from interlock.steps.open_run import open_run

log = logging.getLogger(__name__)


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
    open_run(pipeline, key, "cron", why, control, machine, now)


def _trigger_met(pipeline: Pipeline, key: RunKey, control: ControlTable, now: datetime) -> bool:
    trigger = pipeline.schedule.trigger
    if trigger is None:
        return False
    _, found = control.snapshot(key, candidate_keys(trigger.rule.key, key.date))
    return any(_meets(trigger.rule, name, values, pipeline, key, now) for name, values in found.items())


def _meets(
    rule: Rule, name: str, values: Mapping[str, Any], pipeline: Pipeline, key: RunKey, now: datetime
) -> bool:
    """As the write itself would have: a reading of an hour belongs to the day of a daily cron."""
    try:
        reading = parse_reading(name, rule.key, values)
        return (
            reading_run_date(reading, pipeline, now) == key.date and trigger_holds(rule, reading, now).holds
        )
    except InvalidReading:
        return False  # told when it was written

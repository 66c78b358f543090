"""Whether a trigger is met by what stands in the table, though no write of it opened a run: its record may be lost."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from interlock.domain.absence_wording import trigger_recovered
from interlock.domain.pipeline import Pipeline, Rule, Start
from interlock.domain.readiness import RuleVerdict, trigger_holds
from interlock.domain.routing import fires_of_date
from interlock.domain.run import RunKey
from interlock.domain.sensor import InvalidReading, Unseen, candidate_keys, parse_reading, reading_run_date
from interlock.ports import ControlTable, StateMachine
from interlock.steps.open_run import open_run
from interlock.steps.run_log import fields

log = logging.getLogger(__name__)

WAITS_FOR_RECORD = "record"  # of a reading that does not say when it was written: it may be on its way


@dataclass(frozen=True, slots=True)
class TriggerMet:
    """What stands there of the trigger of one date."""

    reason: str  # a sentence
    met: bool = False
    written_at: datetime | None = None  # as the reading says; None when it does not
    verdict: RuleVerdict | None = None


def find_met_trigger(pipeline: Pipeline, key: RunKey, control: ControlTable, now: datetime) -> TriggerMet:
    """Only a reading that belongs to that date beyond doubt counts.

    One without a date belongs to the day on which it was written: without an `updatedAt` nobody can tell.
    """
    trigger = pipeline.schedule.trigger
    if trigger is None:
        return TriggerMet("there is no trigger")
    name = trigger.rule.key
    _, found = control.snapshot(key, candidate_keys(name, key.date))
    seen = _unseen(trigger.rule, f"{name} was not written for {key.date}", now)
    for sensor, attributes in found.items():
        reading = _look_at(sensor, attributes, pipeline, key, now)
        if reading is not None and reading.met:
            if pipeline.schedule.start is Start.ALL and not any(
                fire <= now for fire in fires_of_date(pipeline, key.date)
            ):
                return TriggerMet("the cron has not fired")
            return reading
        seen = reading or seen
    return seen


def recover_trigger(
    pipeline: Pipeline,
    key: RunKey,
    seen: TriggerMet,
    control: ControlTable,
    machine: StateMachine,
    now: datetime,
) -> None:
    """Open the run that the lost record would have opened."""
    # Nobody need be alarmed for a run that only observes.
    told = None if pipeline.dry_run else trigger_recovered(pipeline, seen.reason, now)
    opening = open_run(pipeline, key, "watchdog", seen.reason, control, machine, now, told=told)
    if opening.is_new:
        log.warning("trigger recovered", extra=fields(key))


def _look_at(
    sensor: str, attributes: Mapping[str, Any], pipeline: Pipeline, key: RunKey, now: datetime
) -> TriggerMet | None:
    """None for a reading of another date."""
    trigger = pipeline.schedule.trigger
    if trigger is None:
        return None
    try:
        reading = parse_reading(sensor, trigger.rule.key, attributes)
        written_at = reading.updated_at
        if reading.period is None and written_at is None:
            return None
        if reading_run_date(reading, pipeline, written_at or now) != key.date:
            return None
    except InvalidReading as invalid:
        return _unseen(trigger.rule, str(invalid), now)
    verdict = trigger_holds(trigger.rule, reading, now)
    return TriggerMet(verdict.reason, verdict.holds, written_at, verdict)


def _unseen(rule: Rule, why: str, now: datetime) -> TriggerMet:
    return TriggerMet(why, verdict=trigger_holds(rule, Unseen(rule.key, why), now))

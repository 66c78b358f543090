"""A sensor was written: open the run it triggers, wake those that wait for it, revive those that expired too early."""

from __future__ import annotations

import logging
from datetime import datetime

from interlock.domain import announcement
from interlock.domain.pipeline import Pipeline, Start
from interlock.domain.readiness import trigger_holds
from interlock.domain.routing import SensorWritten, concerned_runs, fires_of_date, watched_keys
from interlock.domain.run import Run, RunKey, RunStatus
from interlock.domain.sensor import (
    InvalidReading,
    Reading,
    parse_reading,
    reading_covers,
    reading_run_date,
    split_key,
)
from interlock.ports import ControlTable, DueRun, StateMachine
from interlock.steps.dry_run import complete_dry_run, see_through
from interlock.steps.evaluate_readiness import expire_run, finish_expiry, next_look
from interlock.steps.open_run import WAITS_FOR_READINESS, open_run, revive_run, start_execution
from interlock.steps.read_readiness import note_verdicts, read_readiness
from interlock.steps.run_log import fields

log = logging.getLogger(__name__)


def sensor_written(
    written: SensorWritten, pipeline: Pipeline, control: ControlTable, machine: StateMachine, now: datetime
) -> None:
    """Everything one write of a sensor may set going. Repeatable: a redelivery finds the rows as they are now."""
    matched = split_key(written.key, watched_keys(pipeline))
    if matched is None:
        return
    try:
        reading = parse_reading(written.key, matched[0], written.attributes or {})
    except InvalidReading as error:
        _report(error, written, pipeline, control)
        return
    opened: set[RunKey] = set()
    try:
        opened = _open_triggered(written, reading, pipeline, control, machine, now)
    except InvalidReading as error:
        # It names no single run, but the rules of those that wait may read it.
        _report(error, written, pipeline, control)
    waiting = {
        due.key for due in control.due_runs_of(pipeline.id) if reading_covers(reading.period, due.key.date)
    }
    for key in sorted(waiting - opened):
        wake_run(key, pipeline, control, machine, now)
    if written.attributes is not None:
        _revive_expired(written, reading, waiting | opened, pipeline, control, machine, now)


def _report(error: InvalidReading, written: SensorWritten, pipeline: Pipeline, control: ControlTable) -> None:
    """Each problem once a day: an upstream that goes wrong the same way each day is told of each day."""
    told = announcement.input_invalid(f"sensor {written.key}", str(error), written.at, pipeline)
    fact = f"{written.at.date()} {error}"
    control.notice(pipeline.id, f"SENSOR_INVALID#{written.key}", fact, told)


def _open_triggered(
    written: SensorWritten,
    reading: Reading,
    pipeline: Pipeline,
    control: ControlTable,
    machine: StateMachine,
    now: datetime,
) -> set[RunKey]:
    """The run that this write opened just now, if any: it will read the sensors itself."""
    trigger = pipeline.schedule.trigger
    if trigger is None or reading.key != trigger.rule.key or written.attributes is None:
        return set()
    verdict = trigger_holds(trigger.rule, reading, now)
    if not verdict.holds:
        return set()
    # `written.at`, not `now`: a record that is delivered after midnight still opens the day it was written on.
    key = RunKey(pipeline.id, pipeline.schedule_id, reading_run_date(reading, pipeline, written.at))
    if pipeline.schedule.start is Start.ALL and not _has_fired(pipeline, key, now):
        return set()
    opening = open_run(pipeline, key, "trigger", verdict.reason, control, machine, now)
    return {key} if opening.is_new else set()


def _has_fired(pipeline: Pipeline, key: RunKey, now: datetime) -> bool:
    return any(fire <= now for fire in fires_of_date(pipeline, key.date))


def wake_run(
    key: RunKey, pipeline: Pipeline, control: ControlTable, machine: StateMachine, now: datetime
) -> DueRun | None:
    """Look at the rules of a run that waits; wake it the moment they hold, close it when its window is over.

    Returns when to look next; None when there is nothing to wait for any more.
    """
    run, readiness = read_readiness(pipeline, key, control, now)
    if run is not None and run.status is RunStatus.EXPIRED:
        finish_expiry(run, pipeline, control, machine, now)
    if run is not None and run.dry_run:
        complete_dry_run(run, control, now)
    if run is None or run.status is not RunStatus.WAITING:
        return None
    start_execution(run, control, machine, now)
    if not readiness.ready and now >= run.window_ends_at and not run.may_have_started:
        expire_run(run, pipeline, readiness, control, machine, now)
        return None
    if not readiness.ready:
        note_verdicts(run, readiness, control)
    elif run.dry_run:
        see_through(run, pipeline, readiness, control, now)
        return None
    elif run.token_for == WAITS_FOR_READINESS and run.task_token:
        # One that does not sleep on its readiness is on its way to read the sensors itself.
        log.info("run woken", extra=fields(run))
        machine.succeed(run.task_token)
    return next_look(run, pipeline, readiness, now)


def _revive_expired(
    written: SensorWritten,
    reading: Reading,
    seen_already: set[RunKey],
    pipeline: Pipeline,
    control: ControlTable,
    machine: StateMachine,
    now: datetime,
) -> None:
    concerned = concerned_runs(pipeline, reading, written.at)
    keys = [RunKey(pipeline.id, pipeline.schedule_id, date) for date in concerned.dates]
    runs = [control.run(key) for key in keys if key not in seen_already]
    if concerned.day is not None:
        runs = list(control.runs_of_date(pipeline.id, pipeline.schedule_id, concerned.day))
    for run in runs:
        if run is not None and run.key not in seen_already:
            revive_if_ready(run, pipeline, control, machine, now)


def revive_if_ready(
    run: Run, pipeline: Pipeline, control: ControlTable, machine: StateMachine, now: datetime
) -> None:
    """A run that expired starts after all if its rules hold by now; one that somebody revived is set going."""
    start_execution(run, control, machine, now)
    if run.status is RunStatus.EXPIRED:
        current, readiness = read_readiness(pipeline, run.key, control, now)
        if readiness.ready and current is not None and current.status is RunStatus.EXPIRED:
            revive_run(current, pipeline, control, machine, now)

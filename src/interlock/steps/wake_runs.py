"""A sensor was written: open the run it triggers, wake those that wait for it, revive those that expired too early.

Of runs that were started already it may be drift, or late data: `watch_running` and `find_late_data` see to that.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime

from interlock.domain import announcement
from interlock.domain.pipeline import Pipeline, Start
from interlock.domain.readiness import trigger_holds
from interlock.domain.routing import (
    SensorWritten,
    awaited_keys,
    concerned_runs,
    fires_of_date,
    watched_keys,
)
from interlock.domain.run import Run, RunKey, RunStatus
from interlock.domain.sensor import (
    InvalidReading,
    Reading,
    parse_reading,
    reading_covers,
    reading_run_date,
    split_key,
)
from interlock.ports import ControlTable, DueRun, RerunLog, StateMachine
from interlock.steps.evaluate_readiness import expire_run, finish_expiry, may_start, next_look
from interlock.steps.open_run import WAITS_FOR_READINESS, open_run, revive_run, start_execution
from interlock.steps.read_readiness import note_verdicts, read_readiness
from interlock.steps.run_log import fields

log = logging.getLogger(__name__)


def sensor_written(
    written: SensorWritten,
    pipeline: Pipeline,
    control: ControlTable,
    reruns: RerunLog,
    machine: StateMachine,
    now: datetime,
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
    looked_at: dict[RunKey, Run | None] = {}
    if reading.key in awaited_keys(pipeline):
        if pipeline.sla is not None:
            from interlock.steps.sla_clock import begin_clock

            begin_clock(written, reading, pipeline, control, now)
        try:
            opened = _open_triggered(written, reading, pipeline, control, machine, now)
        except InvalidReading as error:
            # It names no single run, but the rules of those that wait may read it.
            _report(error, written, pipeline, control)
        waiting = {
            due.key
            for due in control.due_runs_of(pipeline.id)
            if reading_covers(reading.period, due.key.date)
        }
        for key in sorted(waiting - opened):
            looked_at[key], _ = _look_at(key, pipeline, control, machine, now)
    if written.attributes is None:
        return
    for run in _concerned(written, reading, looked_at, opened, pipeline, control):
        if run.key not in looked_at:
            _look_at_other(run, reading, pipeline, control, machine, now)
        if run.status is RunStatus.RUNNING:
            from interlock.steps.watch_running import written_in_flight

            written_in_flight(run, written, reading, pipeline, control, now)
        elif run.status is RunStatus.SUCCEEDED:
            from interlock.steps.find_late_data import written_after_success

            written_after_success(run, written, reading, pipeline, control, reruns, machine, now)


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
        from interlock.steps.fire_cron import await_fire

        await_fire(pipeline, key, control)
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
    return _look_at(key, pipeline, control, machine, now)[1]


def _look_at(
    key: RunKey, pipeline: Pipeline, control: ControlTable, machine: StateMachine, now: datetime
) -> tuple[Run | None, DueRun | None]:
    """The run as it was found, and when to look next."""
    run, readiness = read_readiness(pipeline, key, control, now)
    if run is not None and run.status is RunStatus.EXPIRED:
        finish_expiry(run, pipeline, control, machine, now)
    if run is not None and run.dry_run:
        from interlock.steps.dry_run import complete_dry_run

        complete_dry_run(run, pipeline, control, now)
    if run is None or run.status is not RunStatus.WAITING:
        return run, None
    start_execution(run, control, machine, now)
    if not readiness.ready and now >= run.window_ends_at and not run.may_have_started:
        expire_run(run, pipeline, readiness, control, machine, now)
        return run, None
    if not readiness.ready:
        note_verdicts(run, readiness, control)
        if run.pools:
            from interlock.steps.give_back_slots import give_back_for_now  # few pipelines have limits

            give_back_for_now(run, control, machine, now)
    elif run.dry_run:
        from interlock.steps.dry_run import see_through

        see_through(run, pipeline, readiness, control, now)
        return run, None
    elif run.token_for == WAITS_FOR_READINESS and run.task_token and may_start(run, pipeline, control, now):
        # One that does not sleep on its readiness is on its way to read the sensors itself.
        log.info("run woken", extra=fields(run))
        machine.succeed(run.task_token)
    return run, next_look(run, pipeline, readiness, now)


def _concerned(
    written: SensorWritten,
    reading: Reading,
    looked_at: Mapping[RunKey, Run | None],
    opened: set[RunKey],
    pipeline: Pipeline,
    control: ControlTable,
) -> list[Run]:
    """The runs of the dates that the reading tells of, but for the one that it has just opened."""
    concerned = concerned_runs(pipeline, reading, written.at)
    keys = [RunKey(pipeline.id, pipeline.schedule_id, date) for date in concerned.dates]
    runs = [looked_at[key] if key in looked_at else control.run(key) for key in keys if key not in opened]
    if concerned.within is not None:
        runs = list(control.runs_of_date(pipeline.id, pipeline.schedule_id, concerned.within))
    return [run for run in runs if run is not None and run.key not in opened]


def _look_at_other(
    run: Run,
    reading: Reading,
    pipeline: Pipeline,
    control: ControlTable,
    machine: StateMachine,
    now: datetime,
) -> None:
    if reading.key not in awaited_keys(pipeline):
        start_execution(run, control, machine, now)  # whoever reopened it for drift may have died
    else:
        wake_or_revive(run, pipeline, control, machine, now)


def wake_or_revive(
    run: Run, pipeline: Pipeline, control: ControlTable, machine: StateMachine, now: datetime
) -> None:
    """A run found by its date: one that expired starts after all if its rules hold by now; one that waits is woken."""
    if run.status is RunStatus.WAITING:
        # Whoever completed its former life may have taken the row with him by which it would have been found.
        following = wake_run(run.key, pipeline, control, machine, now)
        if following is not None:
            control.promise(following, run)
    elif run.status is RunStatus.EXPIRED:
        current, readiness = read_readiness(pipeline, run.key, control, now)
        if readiness.ready and current is not None and current.status is RunStatus.EXPIRED:
            revive_run(current, pipeline, control, machine, now)

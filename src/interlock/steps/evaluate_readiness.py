"""State EvaluateReadiness: fall asleep on a token, look at the rules, and wake oneself if they hold already.

Also what ends a wait without a start: expiry, and the removal of the config.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime

from interlock.domain import announcement
from interlock.domain.pipeline import Pipeline
from interlock.domain.readiness import Readiness
from interlock.domain.run import Run, RunKey, RunStatus, moved
from interlock.ports import ControlTable, DueRun, Lost, StateMachine
from interlock.steps.open_run import WAITS_FOR_READINESS, end_asleep, revive_run, start_execution
from interlock.steps.read_readiness import note_verdicts, read_readiness
from interlock.steps.run_log import fields
from interlock.steps.task import OrchestratorPorts, RunOver, Task

log = logging.getLogger(__name__)

CONFIG_REMOVED = "the pipeline's config was removed"


def evaluate_readiness(task: Task, ports: OrchestratorPorts, now: datetime) -> None:
    """Returns while the run sleeps; `RunOver` when there is nothing to wait for."""
    control, machine = ports.control, ports.machine
    pipeline = control.pipeline(task.key.pipeline_id)
    asleep = _fall_asleep(task, pipeline, ports, now)
    if asleep.may_have_started:
        # Its job may be running: StartJob finds out, whatever the rules say by now.
        machine.succeed(task.token or "")
        return
    if pipeline is None:
        cancel_waiting(asleep, control, machine, now)
        raise RunOver(CONFIG_REMOVED)
    _, readiness = read_readiness(pipeline, task.key, control, now)
    if not readiness.ready and now < asleep.window_ends_at:
        # The ledger row is what a sensor write finds this run by. A write between the look above and this row found
        # nobody to wake, hence the second look.
        control.promise(next_look(asleep, pipeline, readiness, now), asleep)
        _, readiness = read_readiness(pipeline, task.key, control, now)
    if readiness.ready:
        if may_start(asleep, pipeline, control, now):
            machine.succeed(task.token or "")
        else:
            control.promise(next_look(asleep, pipeline, readiness, now), asleep)
    elif now < asleep.window_ends_at:
        note_verdicts(asleep, readiness, control)
        log.info("run waits", extra=fields(asleep, reason=readiness.reason))
    else:
        expire_run(asleep, pipeline, readiness, control, machine, now)
        raise RunOver("the window closed and the rules do not hold")


def may_start(run: Run, pipeline: Pipeline, control: ControlTable, now: datetime) -> bool:
    """Its rules hold; the limits of its pipeline may still keep it waiting."""
    if not pipeline.job.is_limited and not run.pools:
        return True
    from interlock.steps.slots import has_slots  # few pipelines have limits

    return has_slots(run, pipeline, control, now) is not None


def _fall_asleep(task: Task, pipeline: Pipeline | None, ports: OrchestratorPorts, now: datetime) -> Run:
    """Register the token before any sensor is read, so that no write can fall between."""
    try:
        return ports.control.register_token(
            task.key, task.execution, RunStatus.WAITING, task.token or "", WAITS_FOR_READINESS
        )
    except Lost as lost:
        current = lost.current
    if current is not None and pipeline is not None:
        # An earlier try may have died in the middle of ending or reviving this run.
        if current.status is RunStatus.EXPIRED:
            finish_expiry(current, pipeline, ports.control, ports.machine, now)
        start_execution(current, ports.control, ports.machine, now)
    raise RunOver("the run has moved on")


def next_look(run: Run, pipeline: Pipeline, readiness: Readiness | None, now: datetime) -> DueRun:
    """When to look without being woken: after `interval`, when an age rule flips, at the window's end; the earliest."""
    instants = [max(now, run.retry_at or now) + pipeline.schedule.evaluation.interval]
    if now < run.window_ends_at:
        instants.append(run.window_ends_at)
    if readiness is not None and readiness.flips_at is not None:
        instants.append(readiness.flips_at)
    return DueRun(run.key, min(instants), WAITS_FOR_READINESS)


def expire_run(
    run: Run,
    pipeline: Pipeline,
    readiness: Readiness,
    control: ControlTable,
    machine: StateMachine,
    now: datetime,
) -> None:
    """The window is over: close the run and say which rules were missing. Whoever learns of it first does it."""
    told = announcement.validation_exhausted(run, pipeline, readiness.unmet, now)
    expired = moved(run, RunStatus.EXPIRED, now, [told], verdicts=readiness.verdicts)
    try:
        expired = control.move(run, expired)
    except Lost:
        return
    log.info("run expired", extra=fields(expired, reason=readiness.reason))
    finish_expiry(expired, pipeline, control, machine, now)


def finish_expiry(
    run: Run, pipeline: Pipeline, control: ControlTable, machine: StateMachine, now: datetime
) -> None:
    """Look once more: a write just before the move woke a run that was about to close, and nobody else would revive it."""
    _, readiness = read_readiness(pipeline, run.key, control, now)
    if readiness.ready and revive_run(run, pipeline, control, machine, now):
        return
    let_go(run, "the window closed and the rules do not hold", control, machine)
    if run.dry_run:
        _keep_watching_if_revived(run.key, control, machine, now)


def let_go(run: Run, why: str, control: ControlTable, machine: StateMachine) -> None:
    """Of a run that ended asleep: its execution first. Who dies in between leaves the check row to who does it again.

    The row of a life that began meanwhile is left to that.
    """
    end_asleep(run, why, machine)
    current = control.run(run.key)
    if current is None or (current.status, current.execution_count) == (run.status, run.execution_count):
        control.keep(run.key)


def _keep_watching_if_revived(
    key: RunKey, control: ControlTable, machine: StateMachine, now: datetime
) -> None:
    """Its check row is all that a dry run has: the one that just went may have been that of its revival."""
    run = control.run(key)
    if run is not None and run.status is RunStatus.WAITING:
        start_execution(replace(run, confirmed=False), control, machine, now)


def cancel_waiting(run: Run, control: ControlTable, machine: StateMachine, now: datetime) -> None:
    """Its config was removed: a run that waits ends here. One whose job may exist does not: StartJob sees to that."""
    if run.may_have_started:
        return
    try:
        cancelled = control.move(run, moved(run, RunStatus.CANCELLED, now))
    except Lost:
        return
    log.info("run cancelled: its config was removed", extra=fields(cancelled))
    let_go(cancelled, CONFIG_REMOVED, control, machine)

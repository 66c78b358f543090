"""A promise is due: was it kept? Else put right what can be, and say so once. The row is the outbox of what is said.

Whatever dies between two calls is repeated by the next tick: the row of the next date is made first, the row of this one
settled last.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from interlock.domain.absence_wording import (
    fire_recovered,
    irregular_schedule_missed,
    schedule_missed,
    sensor_deadline_expired,
    trigger_recovered,
)
from interlock.domain.bad_input import BadInput
from interlock.domain.event import Announcement
from interlock.domain.expectation import deadline_of, due_of
from interlock.domain.pipeline import Pipeline
from interlock.domain.plain_text import duration
from interlock.domain.promise import Promise, PromiseKind, changed, settled
from interlock.domain.run import whole_milliseconds
from interlock.domain.schedule import calendar_names
from interlock.ports import ControlTable, DuePromise, Lost, StateMachine
from interlock.steps.find_met_trigger import TriggerMet, find_met_trigger
from interlock.steps.judge_post_run import post_run_due
from interlock.steps.judge_sla import judge_sla, runs_of_hours
from interlock.steps.open_run import open_run, start_execution
from interlock.steps.promise_ahead import promise_next
from interlock.steps.run_log import fields

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeeperPorts:
    control: ControlTable
    machine: StateMachine


def keep_promise(due: DuePromise, pipeline: Pipeline | None, ports: KeeperPorts, now: datetime) -> None:
    """Look at one promise. Two that look at once settle it once: `Lost` is the other one's doing."""
    promise = ports.control.promise_of(due.kind, due.key)
    if promise is None or promise.due_at is None or promise.due_at > now:
        return  # the index is a moment behind
    with suppress(Lost):
        _JUDGES[due.kind](promise, pipeline, ports, now)


def _judge_sla(promise: Promise, pipeline: Pipeline | None, ports: KeeperPorts, now: datetime) -> None:
    judge_sla(promise, pipeline, ports.control, now)


def _judge_post_run(promise: Promise, pipeline: Pipeline | None, ports: KeeperPorts, now: datetime) -> None:
    post_run_due(promise, pipeline, ports.control, now)


def _judge_start(promise: Promise, pipeline: Pipeline | None, ports: KeeperPorts, now: datetime) -> None:
    """A fire, an included date, a trigger: by now there should be a run."""
    control = ports.control
    if pipeline is None or not _is_still_promised(promise, pipeline, control, now):
        control.drop_promise(promise)
        return
    due_at = _due_by_now(promise, pipeline, control)
    if due_at is None:
        control.drop_promise(promise)
    elif due_at > now:
        control.change_promise(promise, changed(promise, due_at=due_at))
    else:
        run = control.run(promise.key)
        if run is None:
            if runs_of_hours(promise.key, pipeline, control):
                control.drop_promise(promise)
            else:
                _STARTS[promise.kind](promise, pipeline, ports, now)
            return
        # Whoever opened it may have died before its execution started: ourselves, at the tick before.
        start_execution(run, control, ports.machine, now)
        control.drop_promise(promise)


def _is_still_promised(promise: Promise, pipeline: Pipeline, control: ControlTable, now: datetime) -> bool:
    """False for a row of no execution date. The rows of the dates that follow are made here, first of all."""
    try:
        promise_next(promise.kind, pipeline, promise.key.date, control, now)
    except BadInput as problem:  # of another date's row, or of a calendar that is read again below
        log.warning("not all promises made", extra=fields(promise.key, problem=str(problem)[:200]))
    except ValueError:
        return False
    return True


def _due_by_now(promise: Promise, pipeline: Pipeline, control: ControlTable) -> datetime | None:
    names = calendar_names(pipeline)
    due_at = due_of(promise, pipeline, control.calendars(names) if names else {})
    return None if due_at is None else whole_milliseconds(due_at)


def _start_fire(promise: Promise, pipeline: Pipeline, ports: KeeperPorts, now: datetime) -> None:
    """What is told rides on the run's own first row: a crash after it leaves nothing to be said twice or never."""
    fire = deadline_of(PromiseKind.FIRE, pipeline, promise.key.date) or now
    if now < fire + pipeline.schedule.evaluation.window:
        why = f"cron {pipeline.schedule.cron} should have fired at {fire.isoformat()}"
        told = fire_recovered(pipeline, fire, now)
        if _open(promise, pipeline, why, told, ports, now):
            return
    _settle(promise, "missed", schedule_missed(pipeline, promise.key.date, fire, now), ports)


def _start_included(promise: Promise, pipeline: Pipeline, ports: KeeperPorts, now: datetime) -> None:
    deadline = deadline_of(PromiseKind.INCLUSION, pipeline, promise.key.date) or now
    seen = find_met_trigger(pipeline, promise.key, ports.control, now)
    missed = irregular_schedule_missed(pipeline, promise.key.date, deadline, seen.verdict, now)
    _settle(promise, "missed", missed, ports)


def _start_triggered(promise: Promise, pipeline: Pipeline, ports: KeeperPorts, now: datetime) -> None:
    """The door is closed. A reading that was written before, and says so, had its record lost or late."""
    deadline = deadline_of(PromiseKind.TRIGGER, pipeline, promise.key.date) or now
    seen = find_met_trigger(pipeline, promise.key, ports.control, now)
    if seen.met and seen.written_at is not None and seen.written_at <= deadline:
        told = trigger_recovered(pipeline, seen.reason, now)
        if _open(promise, pipeline, seen.reason, told, ports, now):
            return
    reason = f"{seen.reason}, {_how_late(seen, deadline)}" if seen.met else seen.reason
    expired = sensor_deadline_expired(pipeline, promise.key.date, deadline, reason, seen.verdict, now)
    _settle(promise, "expired", expired, ports)


def _how_late(seen: TriggerMet, deadline: datetime) -> str:
    if seen.written_at is None:
        return "but its reading has no updatedAt that says since when"
    return f"but {duration(seen.written_at - deadline)} too late"


def _open(
    promise: Promise,
    pipeline: Pipeline,
    why: str,
    told: Announcement,
    ports: KeeperPorts,
    now: datetime,
) -> bool:
    """Whether there is a run now, ours or that of somebody who was faster."""
    door_open = promise.kind is PromiseKind.TRIGGER
    opening = open_run(
        pipeline,
        promise.key,
        "watchdog",
        why,
        ports.control,
        ports.machine,
        now,
        told=told,
        door_open=door_open,
    )
    if opening.run is None:
        return False
    ports.control.drop_promise(promise)
    return True


def _settle(promise: Promise, verdict: str, told: Announcement, ports: KeeperPorts) -> None:
    ports.control.change_promise(promise, settled(promise, verdict, [told]))
    log.warning("promise not kept", extra=fields(promise.key, kind=str(promise.kind), verdict=verdict))


Judge = Callable[[Promise, Pipeline | None, KeeperPorts, datetime], None]

_JUDGES: Mapping[PromiseKind, Judge] = {
    PromiseKind.FIRE: _judge_start,
    PromiseKind.INCLUSION: _judge_start,
    PromiseKind.TRIGGER: _judge_start,
    PromiseKind.SLA: _judge_sla,
    PromiseKind.RELATIVE_SLA: _judge_sla,
    PromiseKind.POST_RUN: _judge_post_run,
}
_STARTS: Mapping[PromiseKind, Callable[[Promise, Pipeline, KeeperPorts, datetime], None]] = {
    PromiseKind.FIRE: _start_fire,
    PromiseKind.INCLUSION: _start_included,
    PromiseKind.TRIGGER: _start_triggered,
}

"""An attempt is over, or its rules no longer hold: its slots go to the runs that wait first, which are woken.

Set off by the stream record of the run's own row, so that no crash keeps a slot. What a lost record leaves behind is
found by a run that waits, when it next looks.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable
from datetime import datetime

from interlock.domain.bad_input import BadInput
from interlock.domain.pool import (
    Ticket,
    given_back,
    is_dead,
    newly_granted,
    ticket_of,
    without_dead,
)
from interlock.domain.run import Run, RunStatus
from interlock.ports import ControlTable, Lost, StateMachine
from interlock.steps.open_run import WAITS_FOR_READINESS
from interlock.steps.read_readiness import read_readiness
from interlock.steps.run_log import fields
from interlock.steps.slots import change, has_slots, in_another_turn

log = logging.getLogger(__name__)


def give_back(
    ticket: Ticket, pools: Iterable[str], control: ControlTable, machine: StateMachine, now: datetime
) -> None:
    """Repeatable. Who died between the write and the waking is made up for by the redelivery of the record."""
    woken: list[Ticket] = []
    for name in pools:
        before, after = change(name, lambda pool: given_back(pool, ticket), control, now)
        # Given back before, perhaps by somebody who woke nobody: then all that hold a slot are looked at.
        woken += after.holders if before == after else newly_granted(before, after)
    _wake(woken, control, machine, now)


def give_back_for_now(run: Run, control: ControlTable, machine: StateMachine, now: datetime) -> None:
    """Its rules no longer hold, so it cannot start: it asks again, in another turn, when they do."""
    _wake(_given_back_for_now(run, control, now), control, machine, now)


def reclaim(run: Run, control: ControlTable, machine: StateMachine, now: datetime) -> None:
    """For a run that waits: the slots and the first place of those that are over, of which no record told."""
    for name in run.pools:
        pool = control.pool(name)
        first = pool.waiting[0].ticket if pool.waiting else None
        if first is None or (first != ticket_of(run) and not _is_dead(first, control, holds=False)):
            continue  # the first sees to it
        dead = {holder for holder in pool.holders if _is_dead(holder, control, holds=True)}
        dead |= {first} if _is_dead(first, control, holds=False) else set()
        before, after = change(name, lambda pool, dead=dead: without_dead(pool, dead), control, now)  # type: ignore[misc]
        if before != after:
            log.warning("slots reclaimed", extra=fields(run, pool=name, tickets=len(dead)))
        _wake(newly_granted(before, after), control, machine, now)


def _is_dead(ticket: Ticket, control: ControlTable, *, holds: bool) -> bool:
    try:
        return is_dead(ticket, control.run(ticket.key))
    except BadInput:
        # Somebody wrote over its row. Its job may run on, so it keeps a slot until the row is mended or deleted.
        return not holds


def _wake(tickets: Iterable[Ticket], control: ControlTable, machine: StateMachine, now: datetime) -> None:
    """Each in turn; one that cannot start makes room for the next."""
    waiting = deque(tickets)
    while waiting:
        waiting += _woken(waiting.popleft(), control, machine, now)


def _woken(ticket: Ticket, control: ControlTable, machine: StateMachine, now: datetime) -> tuple[Ticket, ...]:
    """Who holds a slot now because this run could not use its own."""
    try:
        run = control.run(ticket.key)
    except BadInput as problem:
        log.warning("run with a slot cannot be read", extra=fields(ticket.key, problem=str(problem)[:200]))
        return ()  # as in `_is_dead`
    if run is None or is_dead(ticket, run) or run.status is not RunStatus.WAITING:
        return ()  # its own record gives its slots back
    try:
        pipeline = control.pipeline(ticket.key.pipeline_id)
        if pipeline is None:
            return ()  # it is cancelled, by the record of the removal
        current, readiness = read_readiness(pipeline, ticket.key, control, now)
    except BadInput as problem:
        # Told by whoever meets it on the run's own path. Until it is mended, nobody can start the run.
        log.warning(
            "config of a run with a slot cannot be read", extra=fields(run, problem=str(problem)[:200])
        )
        return _given_back_for_now(run, control, now)
    if current is None or is_dead(ticket, current):
        return ()
    run = current
    if not readiness.ready:
        return _given_back_for_now(run, control, now)
    asleep = run.status is RunStatus.WAITING and run.token_for == WAITS_FOR_READINESS
    if asleep and run.task_token and has_slots(run, pipeline, control, now) is not None:
        log.info("run woken: it has its slots", extra=fields(run))
        machine.succeed(run.task_token)
    return ()


def _given_back_for_now(run: Run, control: ControlTable, now: datetime) -> tuple[Ticket, ...]:
    if not run.pools or run.may_have_started:
        return ()
    try:
        in_another_turn(run, control)
    except Lost:
        return ()
    granted: list[Ticket] = []
    for name in run.pools:
        before, after = change(name, lambda pool: given_back(pool, ticket_of(run)), control, now)
        granted += newly_granted(before, after)
    return tuple(granted)

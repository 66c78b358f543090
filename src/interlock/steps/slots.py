"""May this run's job start, as far as concurrency limits go? A run that finds no slot waits in the pool's queue, asleep.

Whoever gives a slot back wakes the next; nobody polls. All of it is conditional writes of one row for each pool.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from interlock.domain.pipeline import Pipeline
from interlock.domain.pool import (
    Limit,
    Pool,
    asked,
    claimed,
    given_back,
    is_dead,
    is_one_too_many,
    limits_of,
    sent_back,
    ticket_of,
)
from interlock.domain.run import Run, announcing
from interlock.domain.slot_wording import slot_awaited
from interlock.ports import CallFailed, ControlTable, Lost
from interlock.steps.run_log import fields

log = logging.getLogger(__name__)

_MOST_TRIES = 20  # of a row that others change at the same instant


def has_slots(run: Run, pipeline: Pipeline, control: ControlTable, now: datetime) -> Run | None:
    """The run, once it holds a slot of each limit; None while it waits for one. Its rules hold, or it would not ask.

    Repeatable: who holds a slot holds it still, who waits keeps the place.
    """
    limits = limits_of(pipeline)
    try:
        run = _noted(run, limits, control, now)
        for limit in limits:
            pool = _asked(run, limit, control, now)
            if is_one_too_many(pool, ticket_of(run), limit.slots) and not run.may_have_started:
                run, pool = _sent_back(run, limit, control, now)
            if ticket_of(run) not in pool.holders:
                _tell(run, pipeline, limit, pool, control, now)
                return None
        return run if run.slots_at is not None else control.note(run, replace(run, slots_at=now))
    except Lost:
        return None  # the run has moved on, or gave its slots back: whoever did that looks again


def claim_slots(run: Run, pipeline: Pipeline, control: ControlTable, now: datetime) -> Run:
    """For a job that was found running, started in an earlier life of its run: it counts, be there a slot or not."""
    limits = limits_of(pipeline)
    run = _noted(run, limits, control, now)
    for limit in limits:
        change(limit.pool, lambda pool: claimed(pool, ticket_of(run)), control, now)
    return control.note(run, replace(run, slots_at=now))


def _asked(run: Run, limit: Limit, control: ControlTable, now: datetime) -> Pool:
    # Where its config allows more than before, others may get a slot by this, too: they find it when they next look.
    ticket = ticket_of(run)
    before, after = change(limit.pool, lambda pool: asked(pool, ticket, limit.slots), control, now)
    if ticket in after.tickets and ticket not in before.tickets:
        current = control.run(run.key)
        if is_dead(ticket, current):
            # It ended, or gave its slots back, between the look that led here and the asking: nobody else knows of this one.
            change(limit.pool, lambda pool: given_back(pool, ticket), control, now)
            raise Lost(current)
    return after


def _sent_back(run: Run, limit: Limit, control: ControlTable, now: datetime) -> tuple[Run, Pool]:
    """Its config allows less than when it was granted its slot: it is the first to have one when there is one."""
    run = in_another_turn(run, control)
    ticket = ticket_of(run)
    return run, change(limit.pool, lambda pool: sent_back(pool, ticket, limit.slots), control, now)[1]


def _noted(run: Run, limits: tuple[Limit, ...], control: ControlTable, now: datetime) -> Run:
    """In the row before anything is asked for: whoever ends the run gives back what it may hold.

    What its config names no more is given back now; those who get it find it when they next look.
    """
    names = tuple(limit.pool for limit in limits)
    dropped = [name for name in run.pools if name not in names]
    if dropped and not run.may_have_started:
        ticket, run = ticket_of(run), in_another_turn(run, control)
        for name in dropped:
            change(name, lambda pool: given_back(pool, ticket), control, now)
        return control.note(run, replace(run, pools=names))
    known = tuple(dict.fromkeys((*run.pools, *names)))
    return run if known == run.pools else control.note(run, replace(run, pools=known, slots_at=None))


def in_another_turn(run: Run, control: ControlTable) -> Run:
    """Before a slot is given away: a start that is under way has its intent in the row by now, or learns of this."""
    return control.note(run, replace(run, slot_turn=run.slot_turn + 1, slots_at=None))


def _tell(
    run: Run, pipeline: Pipeline, limit: Limit, pool: Pool, control: ControlTable, now: datetime
) -> None:
    """Once for each pool that the attempt waits for."""
    fact = f"slot {limit.pool}"
    if fact in run.told:
        return
    told = slot_awaited(run, pipeline, limit, pool, now)
    control.move(run, announcing(run, [told], fact))
    log.info("run waits for a slot", extra=fields(run, pool=limit.pool, ahead=pool.ahead_of(ticket_of(run))))


def change(
    name: str, decide: Callable[[Pool], Pool], control: ControlTable, now: datetime
) -> tuple[Pool, Pool]:
    """The pool before and after a decision, which others may force to be made anew. Two calls a try."""
    for _ in range(_MOST_TRIES):
        before = control.pool(name)
        after = decide(before)
        if after == before:
            return before, after
        try:
            control.change_pool(before, after, now)
        except Lost:
            continue
        return before, after
    raise CallFailed("dynamodb.PutItem", "Contended", f"the pool {name} is changed by too many at once")

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
    Ticket,
    asked,
    limits_of,
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
        run = _noted(run, limits, control)
        for limit in limits:
            pool = _asked(limit, ticket_of(run), control, now)
            if ticket_of(run) not in pool.holders:
                _tell(run, pipeline, limit, pool, control, now)
                return None
        return run if run.slots_at is not None else control.note(run, replace(run, slots_at=now))
    except Lost:
        return None  # the run has moved on, or gave its slots back: whoever did that looks again


def _asked(limit: Limit, ticket: Ticket, control: ControlTable, now: datetime) -> Pool:
    # Where its config allows more than before, others may get a slot by this, too: they find it when they next look.
    return change(limit.pool, lambda pool: asked(pool, ticket, limit.slots), control, now)[1]


def _noted(run: Run, limits: tuple[Limit, ...], control: ControlTable) -> Run:
    """In the row before anything is asked for: whoever ends the run gives back what it may hold."""
    names = tuple(limit.pool for limit in limits)
    known = tuple(dict.fromkeys((*run.pools, *names)))
    return run if known == run.pools else control.note(run, replace(run, pools=known))


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

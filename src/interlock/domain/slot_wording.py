"""What is said of a run that its rules would let start and a concurrency limit does not."""

from __future__ import annotations

from datetime import datetime

from interlock.domain.announcement import about
from interlock.domain.event import Announcement, EventType
from interlock.domain.pipeline import Pipeline
from interlock.domain.pool import Limit, Pool, ticket_of
from interlock.domain.run import Run

_MOST_NAMED = 5


def slot_awaited(run: Run, pipeline: Pipeline, limit: Limit, pool: Pool, at: datetime) -> Announcement:
    """The rules hold, and the job would exceed a limit."""
    detail = {
        "pool": limit.pool,
        "slots": limit.slots,
        "heldBy": [f"{ticket.key.pipeline_id} {ticket.key.date}" for ticket in pool.holders[:_MOST_NAMED]],
        "ahead": pool.ahead_of(ticket_of(run)) or 0,
    }
    said = f"the rules hold; it waits for a slot of {why_waiting(run, limit, pool)}"
    return about(EventType.SLOT_AWAITED, said, at, run.attempt, detail, pipeline)


def why_waiting(run: Run, limit: Limit, pool: Pool) -> str:
    """Which limit, who holds its slots, and how many wait before."""
    holders = [f"{ticket.key.pipeline_id} {ticket.key.date}" for ticket in pool.holders]
    more = f" and {len(holders) - _MOST_NAMED} more" if len(holders) > _MOST_NAMED else ""
    held = f"held by {', '.join(holders[:_MOST_NAMED])}{more}" if holders else "of which none is held"
    ahead = pool.ahead_of(ticket_of(run)) or 0
    before = f"; {ahead} {'run waits' if ahead == 1 else 'runs wait'} before it" if ahead else ""
    return f"{limit}, {held}{before}"

"""Slots: how many jobs may run at once, of one pipeline or of all that share a named pool; and who waits, in which order.

A pool is one row, changed as a whole: whoever gives a slot back decides in the same write who has it next.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from interlock.domain.pipeline import Pipeline
from interlock.domain.run import Run, RunKey, attempt_mark, epoch_ms

# A row has at most 400 KB. Runs beyond these are in no order until they find room when they look again.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
MOST_TICKETS = 2000
_OWN = "pipeline:"  # no name that a user may give has a colon


@dataclass(frozen=True, slots=True)
class Limit:
    """What a job needs before it may start: one of `slots` of a pool."""

    pool: str
    slots: int

    def __str__(self) -> str:
        if self.pool.startswith(_OWN):
            return f"the pipeline's own limit (maxConcurrentRuns {self.slots})"
        return f"the pool {self.pool} ({self.slots} slot{'s' if self.slots > 1 else ''})"


def limits_of(pipeline: Pipeline) -> tuple[Limit, ...]:
    """In the order in which slots are asked for: who holds one of the second waits for nobody who waits for the first."""
    job = pipeline.job
    own = (Limit(f"{_OWN}{pipeline.id}", job.max_concurrent_runs),) if job.max_concurrent_runs else ()
    shared = (Limit(job.pool.name, job.pool.slots),) if job.pool else ()
    return own + shared


@dataclass(frozen=True, slots=True)
class Ticket:
    """One attempt's place in a pool. Given back it is never used again: the attempt's next one has another turn."""

    key: RunKey
    attempt: str  # which attempt of which life of the run: `attempt_mark`
    turn: int = 0  # how often this attempt gave its slots back, because its rules no longer held

    @property
    def order(self) -> tuple[int, int, int, int]:
        """Among the tickets of one run, a later one is greater."""
        created, execution, attempt = self.attempt.split(".")
        return int(created, 16), int(execution), int(attempt), self.turn


def ticket_of(run: Run) -> Ticket:
    """The run's ticket as its row stands."""
    return Ticket(
        run.key, attempt_mark(epoch_ms(run.created_at), run.execution_count, run.attempt), run.slot_turn
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """A ticket in the queue."""

    ticket: Ticket
    slots: int  # of the pool, as its pipeline's config said when it asked last


@dataclass(frozen=True, slots=True)
class Pool:
    """Who holds its slots, and who waits, the first first."""

    name: str
    holders: tuple[Ticket, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    version: int = 0  # 0: it has no row

    @property
    def is_empty(self) -> bool:
        return not self.holders and not self.waiting

    @property
    def tickets(self) -> tuple[Ticket, ...]:
        """Of those that hold a slot, and of those that wait."""
        return (*self.holders, *(waiting.ticket for waiting in self.waiting))

    def ahead_of(self, ticket: Ticket) -> int | None:
        """How many wait before this one; None if it does not wait."""
        tickets = [waiting.ticket for waiting in self.waiting]
        return tickets.index(ticket) if ticket in tickets else None


def asked(pool: Pool, ticket: Ticket, slots: int) -> Pool:
    """The pool after this ticket asked for one of `slots`: it holds one, or waits at the end of the queue.

    An earlier ticket of the same run is void. One that waits already keeps its place.
    """
    if any(other.key == ticket.key and other.order > ticket.order for other in pool.tickets):
        return pool  # whoever asks read the run long ago
    pool = _without(pool, lambda other: other.key == ticket.key and other != ticket)
    if ticket in pool.holders:
        return _granted(pool)
    if pool.ahead_of(ticket) is None:
        if len(pool.tickets) >= MOST_TICKETS:
            return _granted(pool)
        return _granted(replace(pool, waiting=(*pool.waiting, Waiting(ticket, slots))))
    queue = tuple(Waiting(ticket, slots) if each.ticket == ticket else each for each in pool.waiting)
    return _granted(replace(pool, waiting=queue))


def is_one_too_many(pool: Pool, ticket: Ticket, slots: int) -> bool:
    """It was granted a slot when there were more of them."""
    return ticket in pool.holders[slots:]


def sent_back(pool: Pool, ticket: Ticket, slots: int) -> Pool:
    """The pool with this run first in the queue, instead of the slot that it was granted when there were more."""
    pool = _without(pool, lambda other: other.key == ticket.key)
    return _granted(replace(pool, waiting=(Waiting(ticket, slots), *pool.waiting)))


def claimed(pool: Pool, ticket: Ticket) -> Pool:
    """The pool with a slot for a job that runs already, be there one or not: nobody starts beside it unnoticed."""
    if ticket in pool.holders:
        return pool
    pool = _without(pool, lambda other: other.key == ticket.key)
    return replace(pool, holders=(*pool.holders, ticket))


def given_back(pool: Pool, ticket: Ticket) -> Pool:
    """The pool without this ticket, and earlier ones of its run; the next in the queue have moved up."""
    return _granted(_without(pool, lambda other: other.key == ticket.key and other.order <= ticket.order))


def without_dead(pool: Pool, dead: Collection[Ticket]) -> Pool:
    """The pool without those whose run is over, of which nobody told."""
    return _granted(_without(pool, lambda ticket: ticket in dead))


def is_dead(ticket: Ticket, run: Run | None) -> bool:
    """Whether the run that stands in the table needs this ticket no more."""
    return run is None or not run.is_open or ticket_of(run) != ticket


def newly_granted(before: Pool, after: Pool) -> tuple[Ticket, ...]:
    """Who got a slot by this change, and may be asleep."""
    return tuple(ticket for ticket in after.holders if ticket not in before.holders)


def _without(pool: Pool, void: Callable[[Ticket], bool]) -> Pool:
    holders = tuple(holder for holder in pool.holders if not void(holder))
    waiting = tuple(each for each in pool.waiting if not void(each.ticket))
    return replace(pool, holders=holders, waiting=waiting)


def _granted(pool: Pool) -> Pool:
    """The first of the queue hold slots as long as there are free ones: nobody overtakes."""
    holders, waiting = list(pool.holders), list(pool.waiting)
    while waiting and len(holders) < waiting[0].slots:
        holders.append(waiting.pop(0).ticket)
    return replace(pool, holders=tuple(holders), waiting=tuple(waiting))

"""A promise: what must have happened by a time. Its row in the ledger says when to look, and how it was settled.

The row is an outbox, as a run's is: whoever settles a promise announces it in the same write.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from interlock.domain.event import Announcement
from interlock.domain.run import RunKey, whole_milliseconds


class PromiseKind(StrEnum):
    """What is promised of one execution date; `<kind>` in `DUE#<kind>#<schedule>#<date>`."""

    FIRE = "fire"  # the cron fire opens its run
    INCLUSION = "inclusion"  # the run of an included date opens by `schedule.time`
    TRIGGER = "trigger"  # the trigger opens the run before its deadline
    SLA = "sla"  # the run succeeds by `sla.deadline`
    RELATIVE_SLA = "relative-sla"  # the run succeeds within `sla.maxDuration` of its first reading
    POST_RUN = "post-run"  # every postRun sensor is written within `sensorTimeout` of the success


@dataclass(frozen=True, slots=True)
class Promise:
    """One row of the ledger. Instants are aware UTC."""

    kind: PromiseKind
    key: RunKey
    due_at: datetime | None  # when to look next; None: settled, kept only so that it is not announced twice
    created_at: datetime
    version: int = 1
    since: datetime | None = None  # when the clock of a relative SLA, or of a post-run sensor, began
    warned: bool = False  # an SLA's warning was published
    verdict: str | None = None  # how it was settled: met, breached, missed, recovered ...
    events: tuple[Announcement, ...] = ()  # what the last change means


def promised(kind: PromiseKind, key: RunKey, due_at: datetime, now: datetime, **more: Any) -> Promise:
    """A new promise."""
    return Promise(kind, key, whole_milliseconds(due_at), whole_milliseconds(now), **more)


def changed(promise: Promise, events: Sequence[Announcement] = (), **changes: Any) -> Promise:
    """The promise after one change, with what it announces."""
    return replace(promise, version=promise.version + 1, events=tuple(events), **changes)


def settled(promise: Promise, verdict: str, events: Sequence[Announcement] = ()) -> Promise:
    """Nobody needs to look at it again."""
    return changed(promise, events, due_at=None, verdict=verdict)

"""Until when was this world disturbed, and by when must what fell due have been dealt with?

Without a disturbance: by the next tick of the watchdog. After one, the slow sweep may be what finds it again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from interlock.aws import keys
from interlock.simulation.history import Kind
from interlock.simulation.promises.facts import Facts
from interlock.simulation.scenario import (
    Batch,
    Delay,
    Drop,
    Duplicate,
    Fault,
    Pause,
    Raw,
    Redeliver,
    StopExecution,
)

TICK = timedelta(minutes=1)
# DESIGN section 7: every pipeline is looked at once an hour; what that finds is due at a tick after it. A look that failed
# while the disturbance lasted is not repeated before its hour.
SWEPT = timedelta(minutes=70)
_ROWS_OF_OUTSIDERS = (keys.RowKind.SENSOR, keys.RowKind.RERUN_REQUEST)


class Calm:
    """One world's disturbances, as far as its ledger may suffer from them."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.disturbed_until = max(_disturbances(facts), default=None)
        self.loses_records = any(isinstance(entry.action, Drop) for entry in facts.played.scenario.timeline)
        self._meddled = _meddled_with(facts)

    @property
    def is_perfect(self) -> bool:
        """Nothing was ever disturbed: everything happens at its very instant."""
        return self.disturbed_until is None

    def dealt_with_by(self, due_at: datetime) -> datetime:
        """The instant by which somebody must have looked at what fell due then."""
        if self.disturbed_until is None:
            return due_at + TICK
        return max(due_at, self.disturbed_until + SWEPT) + TICK

    def is_over(self, due_at: datetime) -> bool:
        """Whether it must have been dealt with before the world ended."""
        return self.dealt_with_by(due_at) <= self.facts.ended_at

    def is_meddled_with(self, pipeline_id: str) -> bool:
        """An outsider wrote into rows of ours in its partition: what is promised of it then, nobody says."""
        return pipeline_id in self._meddled

    @property
    def is_at_rest(self) -> bool:
        """The last disturbance is so long ago that what it lost must have been found; nothing is on its way.

        A world that ends in the middle of a disturbance proves nothing of what would have been made good.
        """
        if self.facts.rest.on_their_way:
            return False
        return self.is_over(self.facts.began_at)


def _disturbances(facts: Facts) -> Iterator[datetime]:
    """When each was over."""
    longest = timedelta(0)  # what is delayed or frozen arrives that much later
    stopped_since: dict[str, datetime] = {}
    for entry in facts.played.scenario.timeline:
        if entry.at > facts.ended_at:
            continue
        match entry.action:
            case Delay(by=by) | Duplicate(after=by) | Fault(stalls_for=by):
                longest = max(longest, by)
            case Pause(what=what, paused=True):
                stopped_since.setdefault(what, entry.at)
            case Pause(what=what) if what in stopped_since:
                del stopped_since[what]
                yield entry.at
            case Redeliver() | StopExecution() | Raw() | Batch():
                yield entry.at
    if stopped_since:
        yield facts.ended_at
    struck = [line.at for line in facts.played.history.lines if line.kind in (Kind.FAULT, Kind.LOST)]
    if struck:
        yield max(struck) + longest


def _meddled_with(facts: Facts) -> set[str]:
    found = set()
    for change in facts.witness.changes:
        if (
            change.by is None
            and change.table == "control"
            and not change.key[1].startswith(_ROWS_OF_OUTSIDERS)
        ):
            pipeline = keys.pipeline_of(change.key[0])
            if pipeline is not None:
                found.add(pipeline)
    return found

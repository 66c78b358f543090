"""What happens on the way from one service to the next: what is lost, comes late or twice, or was given up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from interlock.simulation.history import History, Kind
from interlock.simulation.scenario import Channel, Delay, Duplicate

BATCH_SIZE = 100  # as deployed
_NOT_AT_ALL = timedelta(0)


@dataclass(slots=True, eq=False)
class _Pending:
    """A delay or a duplicate that waits for its deliveries."""

    action: Delay | Duplicate
    left: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What was given up, kept until somebody puts it back."""

    what: str
    payload: Sequence[Any] | Mapping[str, Any] | str
    at: datetime
    put_back: Callable[[], None]


@dataclass(slots=True)
class Deliveries:
    """What the scenario has in store for the next deliveries, and what became of past ones."""

    history: History
    losses: dict[Channel, int] = field(default_factory=dict)  # how many of the next never arrive
    batch_size: int = BATCH_SIZE  # records of a stream at a time
    dead_letters: list[DeadLetter] = field(default_factory=list)
    _pending: dict[tuple[Channel, type[Delay | Duplicate]], list[_Pending]] = field(default_factory=dict)

    def add(self, action: Delay | Duplicate) -> None:
        """From now on."""
        self._pending.setdefault((action.what, type(action)), []).append(_Pending(action, action.next))

    def is_lost(self, channel: Channel) -> bool:
        """Whether this delivery never arrives; one loss is used up thereby."""
        if not self.losses.get(channel):
            return False
        self.losses[channel] -= 1
        self.history.faults[f"drop {channel}"] += 1
        return True

    def instants(self, channel: Channel, pipeline: str | None) -> tuple[datetime, ...]:
        """When this delivery arrives: now and once, as a rule."""
        now = self.history.now()
        if not self._pending:
            return (now,)
        first = now + self.delay(channel, pipeline)
        again = self.again_after(channel, pipeline)
        return (first,) if again is None else (first, first + again)

    def delay(self, channel: Channel, pipeline: str | None) -> timedelta:
        """How much later it comes; one delay is used up thereby."""
        action = self._take(channel, Delay, (None, pipeline), pipeline)
        return action.by if isinstance(action, Delay) else _NOT_AT_ALL

    def hold(self, channel: Channel, pipeline: str | None) -> timedelta:
        """How long this pipeline's part of an ordered channel stands still, by a delay of its own."""
        action = self._take(channel, Delay, (pipeline,), pipeline) if pipeline else None
        return action.by if isinstance(action, Delay) else _NOT_AT_ALL

    def again_after(self, channel: Channel, pipeline: str | None) -> timedelta | None:
        """How much later it comes a second time, if it does; one duplicate is used up thereby."""
        action = self._take(channel, Duplicate, (None, pipeline), pipeline)
        return action.after if isinstance(action, Duplicate) else None

    def _take(
        self,
        channel: Channel,
        kind: type[Delay | Duplicate],
        meant: tuple[str | None, ...],
        pipeline: str | None,
    ) -> Delay | Duplicate | None:
        if not self._pending:
            return None
        queue = self._pending.get((channel, kind), [])
        first = next((one for one in queue if one.action.pipeline_id in meant), None)
        if first is None:
            return None
        first.left -= 1
        if not first.left:
            queue.remove(first)
            if not queue:
                del self._pending[channel, kind]
        self._tell(first.action, channel, pipeline)
        return first.action

    def _tell(self, action: Delay | Duplicate, channel: Channel, pipeline: str | None) -> None:
        if isinstance(action, Delay):
            name, told = "delay", f"comes {_seconds(action.by)} later"
        else:
            name, told = "duplicate", f"comes twice, {_seconds(action.after)} apart"
        self.history.faults[f"{name} {channel}"] += 1
        self.history.add(Kind.FAULT, f"a delivery ({channel}) {told}", pipeline)

    def give_up(
        self, what: str, payload: Any, put_back: Callable[[], None], pipeline: str | None = None
    ) -> None:
        """It is dead-lettered."""
        self.history.add(Kind.LOST, what, pipeline)
        self.dead_letters.append(DeadLetter(what, payload, self.history.now(), put_back))

    def redrive(self) -> int:
        """All dead letters go back to where they were given up; answers how many."""
        letters, self.dead_letters = self.dead_letters, []
        for letter in letters:
            letter.put_back()
        return len(letters)

    def unused(self) -> Iterator[tuple[Delay | Duplicate, int]]:
        """Delays and duplicates whose deliveries never came, with how many were left."""
        for queue in self._pending.values():
            yield from ((pending.action, pending.left) for pending in queue)


def _seconds(time: timedelta) -> str:
    return f"{time.total_seconds():g} s"

"""Virtual time for the simulator: which action happens next, and when a blocked one goes on.

A day of a scenario passes in milliseconds because nothing waits: the clock jumps from action to action.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from contextvars import copy_context
from datetime import UTC, datetime

from greenlet import getcurrent, greenlet  # type: ignore[import-untyped]

Action = Callable[[], None]


class Timer:
    """One action that is due; `cancel` takes it back."""

    __slots__ = ("due",)

    def __init__(self, due: Action | greenlet) -> None:
        self.due: Action | greenlet | None = due

    @property
    def pending(self) -> bool:
        return self.due is not None

    def cancel(self) -> None:
        self.due = None

    def take(self) -> Action | greenlet:
        """What to run: a new action, or one that was blocked and goes on."""
        due, self.due = self.due, None
        if due is None:
            raise RuntimeError("taken twice, or cancelled")
        return due


class VirtualClock:
    """Runs actions in order of instant, priority (lower first) and insertion; always the same order."""

    def __init__(self, start: datetime) -> None:
        self._now = _utc(start)
        self._heap: list[tuple[datetime, int, int, Timer]] = []
        self._inserted = 0
        self._priority = 0  # of the action that runs
        self._hub: greenlet | None = None  # whoever called `run_until`
        self._spare: greenlet | None = None
        self._action: Action | None = None

    def now(self) -> datetime:
        return self._now

    def at(self, when: datetime, priority: int, action: Action) -> Timer:
        """Have `action` run at `when`; the past is refused, now comes after the current action."""
        return self._push(when, priority, action)

    def next_at(self) -> datetime | None:
        """The instant of the next action, or None when nothing is due any more."""
        while self._heap and not self._heap[0][3].pending:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def idle(self) -> bool:
        return self.next_at() is None

    def run_until(self, end: datetime) -> None:
        """Run everything due up to and including `end`; an exception of an action comes out of here."""
        if self._hub is not None:
            raise RuntimeError("the clock is running already: an action may not run it again")
        end = self._not_past(end)
        self._hub = getcurrent()
        try:
            while (instant := self.next_at()) is not None and instant <= end:
                self._run_next()
        finally:
            self._hub = None
        self._now = end

    def block_until(self, when: datetime) -> None:
        """Called from inside an action: suspend it until `when`, while all others go on."""
        blocked = getcurrent()
        if self._hub is None or blocked is self._hub:
            raise RuntimeError("only an action that the clock runs can be blocked")
        if _utc(when) > self._now:
            self._push(when, self._priority, blocked)
            self._hub.switch()

    def give_way(self, priority: int | None = None) -> None:
        """Called from inside an action: go on after what else is due now, up to `priority`, by default its own."""
        blocked = getcurrent()
        if self._hub is None or blocked is self._hub:
            raise RuntimeError("only an action that the clock runs can give way")
        self._push(self._now, self._priority if priority is None else priority, blocked)
        self._hub.switch()

    def close(self) -> None:
        """Nothing runs any more: who is blocked ends where it stands.

        A suspended greenlet keeps what is on its stack, the clock too, and no garbage collector sees through one.
        """
        blocked = [due for *_, timer in self._heap if isinstance(due := timer.due, greenlet)]
        self._heap.clear()
        for worker in [*blocked, *([self._spare] if self._spare else [])]:
            worker.parent = getcurrent()
            worker.throw()
        self._spare = None

    def _push(self, when: datetime, priority: int, due: Action | greenlet) -> Timer:
        timer = Timer(due)
        heapq.heappush(self._heap, (self._not_past(when), priority, self._inserted, timer))
        self._inserted += 1
        return timer

    def _not_past(self, when: datetime) -> datetime:
        when = _utc(when)
        if when < self._now:
            raise ValueError(f"{when.isoformat()} is past: it is {self._now.isoformat()}")
        return when

    def _run_next(self) -> None:
        self._now, self._priority, _, timer = heapq.heappop(self._heap)
        due = timer.take()
        if isinstance(due, greenlet):
            worker = due
        else:
            worker, self._action = self._free_worker(), due
        worker.parent = self._hub
        worker.switch()

    def _free_worker(self) -> greenlet:
        # Making a greenlet costs twenty switches: one whose action ended without blocking serves the next.
        worker, self._spare = self._spare or greenlet(self._work), None
        worker.gr_context = copy_context()
        return worker

    def _work(self) -> None:
        while self._action is not None and self._hub is not None:
            action, self._action = self._action, None
            action()
            if self._hub is None:
                return  # it was blocked when the clock was closed, and caught what ended it
            self._spare = getcurrent()
            self._hub.switch()


def _utc(when: datetime) -> datetime:
    if when.tzinfo is None:
        raise ValueError(f"{when.isoformat()} has no time zone")
    return when if when.tzinfo is UTC else when.astimezone(UTC)

"""Each call of ours passes here: counted on the account of the invocation that makes it, and failed as the scenario says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from interlock.simulation.faults import FaultPlan, failed_call
from interlock.simulation.history import History, Kind, Line
from interlock.simulation.tally import READS, Request, Tally


@dataclass(slots=True)
class Invocation:
    """One run of one function: what it called."""

    function: str
    step: str | None = None  # of the state machine, for the orchestrator
    event: Mapping[str, Any] = field(default_factory=dict)
    began: int = 0  # its place in the history's order
    failed: str | None = None  # as Lambda calls the error
    struck: int = 0  # faults
    tally: Tally = field(default_factory=Tally)
    lines: list[Line] = field(default_factory=list)
    # Calls of the watchdog's routine: it has the configs looked at, and notes how far its sweep has come.
    routine: Counter[str] = field(default_factory=Counter)

    @property
    def only_looked(self) -> bool:
        """Whether nothing was changed and nobody told."""
        others = (name for name in self.tally.calls if name not in READS and not name.startswith("s3."))
        return all(self.tally.calls[name] == self.routine[name] for name in others)


_current: ContextVar[Invocation] = ContextVar("invocation")


class OurCalls:
    """`Calls` for everything that our functions reach."""

    def __init__(self, faults: FaultPlan, history: History) -> None:
        self._faults, self._history = faults, history

    def before(self, call: str, pipeline: str | None, target: str = "") -> None:
        """The request is made: from here on it counts."""
        invocation = _current.get()
        invocation.tally.calls[call] += 1
        invocation.tally.requests.add(Request(invocation.function, call, target))
        invocation.lines.append(self._history.line(Kind.CALL, call, pipeline))
        self._strike(call, pipeline, after=False)

    def after(
        self, call: str, pipeline: str | None, *, read_units: float = 0, write_units: float = 0
    ) -> None:
        """The request took effect; the answer may still not arrive."""
        tally = _current.get().tally
        tally.read_units += read_units
        tally.write_units += write_units
        self._strike(call, pipeline, after=True)

    def _strike(self, call: str, pipeline: str | None, *, after: bool) -> None:
        error = self._faults.strike(call, pipeline, after=after)
        if error is not None:
            _current.get().struck += 1
            when = "after" if after else "before"
            self._history.add(Kind.FAULT, f"{call} fails with {error}, {when} it takes effect", pipeline)
            raise failed_call(call, error, after=after)

    @contextmanager
    def calling(self, call: str, pipeline: str | None, target: str = "") -> Iterator[None]:
        """Around the effect of a call that is no table's."""
        self.before(call, pipeline, target)
        yield
        self.after(call, pipeline)


def current_invocation() -> Invocation:
    """The invocation that runs here."""
    return _current.get()


def invocation_or_none() -> Invocation | None:
    """The same; None for what no function of ours does."""
    return _current.get(None)


@contextmanager
def on_account_of(invocation: Invocation) -> Iterator[None]:
    """What is called inside counts as this invocation's."""
    before = _current.get(None)
    _current.set(invocation)
    try:
        yield
    finally:
        # No `reset`: an action that is still blocked when the scenario is over ends in another context than this.
        if before is not None:
            _current.set(before)

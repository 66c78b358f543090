"""Each call of ours passes here: counted on the account of the invocation that makes it, and failed as the scenario says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from interlock.simulation.faults import STALL, FaultPlan, FunctionKilled, failed_call, kind_of
from interlock.simulation.history import History, Kind, Line
from interlock.simulation.scenario import Fault
from interlock.simulation.tally import READS, Request, Tally

_FAR = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class Invocation:
    """One run of one function: what it called."""

    function: str
    step: str | None = None  # of the state machine, for the orchestrator
    event: Mapping[str, Any] = field(default_factory=dict)
    began: int = 0  # its place in the history's order
    began_at: datetime = _FAR
    failed: str | None = None  # as Lambda calls the error
    struck: int = 0  # faults
    snapshots: list[int] = field(
        default_factory=list
    )  # when it read many rows at one instant: places as `began`
    dies_at: datetime = _FAR  # its time limit
    tally: Tally = field(default_factory=Tally)
    lines: list[Line] = field(default_factory=list)
    # Calls of the watchdog's routine: it has the configs looked at, and notes how far its sweep has come.
    routine: Counter[str] = field(default_factory=Counter)

    def killed(self) -> FunctionKilled:
        """How its time limit ends it."""
        seconds = (self.dies_at - self.began_at).total_seconds()
        return FunctionKilled(f"Task timed out after {seconds:.2f} seconds")

    @property
    def only_looked(self) -> bool:
        """Whether nothing was changed and nobody told."""
        others = (name for name in self.tally.calls if name not in READS and not name.startswith("s3."))
        return all(self.tally.calls[name] == self.routine[name] for name in others)


_SNAPSHOT = "dynamodb.TransactGetItems"
_current: ContextVar[Invocation | None] = ContextVar("invocation", default=None)


class OurCalls:
    """`Calls` for everything that our functions reach."""

    def __init__(self, faults: FaultPlan, history: History, freeze: Callable[[datetime], None]) -> None:
        """`freeze` blocks the action that calls it until that instant."""
        self._faults, self._history, self._freeze = faults, history, freeze

    def before(self, call: str, pipeline: str | None, target: str = "") -> None:
        """The request is made: from here on it counts."""
        invocation = current_invocation()
        invocation.tally.calls[call] += 1
        invocation.tally.requests.add(Request(invocation.function, call, target))
        invocation.lines.append(self._history.line(Kind.CALL, call, pipeline))
        self._strike(call, pipeline, after=False)

    def after(
        self, call: str, pipeline: str | None, *, read_units: float = 0, write_units: float = 0
    ) -> None:
        """The request took effect; the answer may still not arrive."""
        invocation = current_invocation()
        invocation.tally.read_units += read_units
        invocation.tally.write_units += write_units
        if call == _SNAPSHOT:
            invocation.snapshots.append(self._history.stamp())
        self._strike(call, pipeline, after=True)

    def answers_stale(self, pipeline: str | None) -> bool:
        """Whether a query of an index is answered with what was some writes ago."""
        invocation = current_invocation()
        fault = self._faults.strike_stale(pipeline, invocation.function)
        if fault is None:
            return False
        self._struck(invocation, kind_of(fault), "a query of the index is answered with what was", pipeline)
        return True

    def _strike(self, call: str, pipeline: str | None, *, after: bool) -> None:
        invocation = current_invocation()
        fault = self._faults.strike(call, pipeline, after=after, function=invocation.function)
        if fault is None:
            return
        when = "after" if after else "before"
        self._history.strikes[f"{invocation.function} {call} {when}"] += 1
        if fault.error == STALL:
            self._stall(invocation, fault, pipeline)
            return
        told = f"{call} fails with {fault.error}, {when} it takes effect"
        self._struck(invocation, kind_of(fault), told, pipeline)
        raise failed_call(call, fault.error, after=after)

    def _stall(self, invocation: Invocation, fault: Fault, pipeline: str | None) -> None:
        until = self._history.now() + fault.stalls_for
        killed = until >= invocation.dies_at
        where = f"{invocation.function} is frozen {'after' if fault.after else 'before'} {fault.call}"
        kind = "killed at its time limit" if killed else kind_of(fault)
        self._struck(invocation, kind, f"{where} for {fault.stalls_for.total_seconds():g} s", pipeline)
        self._freeze(min(until, invocation.dies_at))
        if killed:
            raise invocation.killed()

    def _struck(self, invocation: Invocation, kind: str, told: str, pipeline: str | None) -> None:
        invocation.struck += 1
        self._history.faults[kind] += 1
        self._history.add(Kind.FAULT, told, pipeline)

    @contextmanager
    def calling(self, call: str, pipeline: str | None, target: str = "") -> Iterator[None]:
        """Around the effect of a call that is no table's."""
        self.before(call, pipeline, target)
        yield
        self.after(call, pipeline)


def current_invocation() -> Invocation:
    """The invocation that runs here."""
    invocation = _current.get()
    assert invocation is not None, "only functions of ours make calls"
    return invocation


def invocation_or_none() -> Invocation | None:
    """The same; None for what no function of ours does."""
    return _current.get()


@contextmanager
def on_account_of(invocation: Invocation) -> Iterator[None]:
    """What is called inside counts as this invocation's."""
    before = _current.get()
    _current.set(invocation)
    try:
        yield
    finally:
        # No `reset`: an action that is still blocked when the scenario is over ends in another context than this.
        _current.set(before)

"""Our functions, invoked as AWS Lambda would: what a failure means depends on who invoked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from interlock.simulation.clock import VirtualClock
from interlock.simulation.deliveries import Deliveries
from interlock.simulation.faults import FunctionCrashed
from interlock.simulation.history import History, Kind
from interlock.simulation.our_calls import Invocation, on_account_of
from interlock.simulation.tally import Tally

# The order of what happens at one instant; the scenario's own entries come first, so that a write made exactly at a
# window's last instant is seen by the last evaluation.
TIMELINE, DELIVERY, TIMER, TICK = range(4)

# An asynchronous invocation that fails is repeated after one minute, and after two more.
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
_ASYNC_RETRIES = (timedelta(minutes=1), timedelta(minutes=2))
# As deployed. https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html
_MINUTE, _LONGEST = timedelta(minutes=1), timedelta(minutes=15)
TIME_LIMITS: Mapping[str, timedelta] = {
    "stream-router": _MINUTE,
    "orchestrator": _LONGEST,
    "sla-monitor": _MINUTE,
    "watchdog": _MINUTE,
    "event-sink": _MINUTE,
    "alert-dispatcher": _MINUTE,
    "config-sync": _LONGEST,
}

# Twenty thousand pipelines that all start at once take fewer.
MOST_AT_ONE_INSTANT = 400_000

Handler = Callable[[Mapping[str, Any], datetime], Mapping[str, Any]]


class FunctionFailed(Exception):
    """An invocation ended in an error; `error_type` is what Lambda calls it."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(f"{error_type}: {message}")
        self.error_type, self.message = error_type, message


class GoesInCircles(Exception):
    """Functions keep invoking each other and no time passes: the scenario would never end."""


@dataclass(slots=True)
class Accounts:
    """Where the calls of invocations are booked: a tick that finds nothing to do is background."""

    scenario: Tally
    background: Tally


class Functions:
    """The functions by name. An idle one leaves neither a line nor a cost behind."""

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        clock: VirtualClock,
        history: History,
        accounts: Accounts,
        invoked: Callable[[Invocation], None],
        deliveries: Deliveries,
    ) -> None:
        """`invoked` is told of each invocation as it begins."""
        self._handlers, self._clock, self._history, self.accounts = handlers, clock, history, accounts
        self._invoked, self._deliveries = invoked, deliveries
        self._open: list[Invocation] = []
        self._instant, self._invoked_at_it = clock.now(), 0

    def invoke(
        self, function: str, event: Mapping[str, Any], *, may_be_idle: bool = False
    ) -> Mapping[str, Any]:
        """Run it now and answer what it answers; raises `FunctionFailed`."""
        self._watch_for_circles(function)
        now = self._clock.now()
        invocation = Invocation(function, event.get("step"), event, self._history.stamp(), now)
        invocation.dies_at = now + TIME_LIMITS.get(function, _MINUTE)
        self._invoked(invocation)
        invocation.tally.invocations[function] += 1
        invocation.lines.append(self._history.line(Kind.FUNCTION, function))
        self._open.append(invocation)
        try:
            with on_account_of(invocation):
                answer = self._handlers[function](event, now)
        except FunctionCrashed as crash:
            raise self._failed(invocation, crash.error_type, str(crash)) from None
        except Exception as error:
            raise self._failed(invocation, type(error).__name__, str(error)) from error
        self._book(invocation, idle=may_be_idle and invocation.only_looked)
        return answer

    def book_unfinished(self) -> None:
        """The scenario is over; what still runs has cost what it has cost."""
        for invocation in list(self._open):
            self._book(invocation, idle=False)

    def _watch_for_circles(self, function: str) -> None:
        if self._clock.now() != self._instant:
            self._instant, self._invoked_at_it = self._clock.now(), 0
        self._invoked_at_it += 1
        if self._invoked_at_it > MOST_AT_ONE_INSTANT:
            raise GoesInCircles(
                f"{MOST_AT_ONE_INSTANT} invocations at {self._instant.isoformat()}, the last of {function}"
            )

    def invoke_async(
        self,
        function: str,
        event: Mapping[str, Any],
        *,
        at: datetime | None = None,
        may_be_idle: bool = False,
        tries: int = 0,
    ) -> None:
        """Run it `at` that instant, or as soon as the present is done; a failure is repeated twice, then given up."""

        def run() -> None:
            try:
                self.invoke(function, event, may_be_idle=may_be_idle)
            except FunctionFailed as failure:
                self._again(function, event, tries, failure)

        self._clock.at(at or self._clock.now(), DELIVERY, run)

    def _again(self, function: str, event: Mapping[str, Any], tries: int, failure: FunctionFailed) -> None:
        if tries == len(_ASYNC_RETRIES):
            told = f"{function} is given up and dead-lettered: {failure}"
            self._deliveries.give_up(told, event, lambda: self.invoke_async(function, event))
            return
        at = self._clock.now() + _ASYNC_RETRIES[tries]
        self._clock.at(at, TIMER, lambda: self.invoke_async(function, event, tries=tries + 1))

    def _failed(self, invocation: Invocation, error_type: str, message: str) -> FunctionFailed:
        self._book(invocation, idle=False)
        invocation.failed = error_type
        self._history.add(Kind.FUNCTION, f"{invocation.function} ends with {error_type}: {message}")
        return FunctionFailed(error_type, message)

    def _book(self, invocation: Invocation, *, idle: bool) -> None:
        self._open.remove(invocation)
        (self.accounts.background if idle else self.accounts.scenario).add(invocation.tally)
        if not idle:
            self._history.lines.extend(invocation.lines)

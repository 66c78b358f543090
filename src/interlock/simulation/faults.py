"""Calls of ours that a scenario makes fail, freeze or see the past: which, how, and how often."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from interlock.ports import CallFailed
from interlock.simulation.scenario import Fault

CRASH, TIMEOUT, STALL, STALE = "crash", "timeout", "stall", "stale"
# The one read of ours that the design has of an index, which no read of is consistent.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.ReadConsistency.html
INDEX_CALL = "dynamodb.Query"
# A 5xx says nothing about whether the call took effect.
SERVER_ERRORS = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "InternalServerException",
        "InternalServiceException",
        "ServiceException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
    }
)
_THROTTLED = re.compile(
    "Thrott|TooManyRequests|LimitExceeded|ThroughputExceeded|ConcurrentRuns|429|rate_?limited"
)


class FunctionCrashed(BaseException):
    """The function's sandbox dies here. No `except Exception` of ours may hold it up, as none could on AWS."""

    # What Lambda reports of a sandbox that died. https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
    error_type = "Runtime.ExitError"


class FunctionKilled(FunctionCrashed):
    """Lambda ends the sandbox: its time is over. https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html"""

    error_type = "Sandbox.Timedout"


@dataclass(slots=True, eq=False)
class Armed:
    """A fault that waits for its call."""

    fault: Fault
    left: int
    skip: int  # calls that still pass

    def concerns(self, pipeline: str | None, function: str | None) -> bool:
        """Whether such a call is one that it waits for."""
        return self.fault.pipeline_id in (None, pipeline) and self.fault.function in (None, function)


@dataclass(slots=True)
class FaultPlan:
    """The faults that wait for their call. Those on one call queue up: the first must be used up before the second."""

    _armed: dict[str, list[Armed]] = field(default_factory=dict)  # by call
    _stale: list[Armed] = field(default_factory=list)  # a queue of its own: other queries do not see it
    _gone: list[Armed] = field(default_factory=list)  # their time is over

    def arm(self, fault: Fault) -> Armed:
        """From now on; `disarm` takes back what is left of it."""
        armed = Armed(fault, fault.times, fault.skip)
        self._queue_of(fault).append(armed)
        return armed

    def disarm(self, armed: Armed) -> None:
        """Its time is over."""
        queue = self._queue_of(armed.fault)
        if armed in queue:
            queue.remove(armed)
            self._gone.append(armed)

    def strike(
        self, call: str, pipeline: str | None, *, after: bool, function: str | None = None
    ) -> Fault | None:
        """What this call is to meet now, if anything; it is used up thereby."""
        queue = self._armed.get(call)
        if not queue:
            return None
        first = next((armed for armed in queue if armed.concerns(pipeline, function)), None)
        if first is None or first.fault.after is not after:
            return None
        return _used(first, queue)

    def strike_stale(self, pipeline: str | None, function: str | None) -> Fault | None:
        """The fault that makes this query of the index answer what was, if any; it is used up thereby."""
        first = next((armed for armed in self._stale if armed.concerns(pipeline, function)), None)
        return None if first is None else _used(first, self._stale)

    def may_strike(self, calls: Iterable[str], function: str) -> bool:
        """Whether one of these calls of that function could meet a fault."""
        if not self._stale and not any(self._armed.values()):
            return False
        waiting = [armed for call in calls for armed in self._armed.get(call, ())]
        return any(armed.fault.function in (None, function) for armed in (*waiting, *self._stale))

    def unused(self) -> Iterator[tuple[Fault, int]]:
        """Faults whose calls never came, with how many were left."""
        for queue in (*self._armed.values(), self._stale, self._gone):
            yield from ((armed.fault, armed.left) for armed in queue)

    def _queue_of(self, fault: Fault) -> list[Armed]:
        return self._stale if fault.error == STALE else self._armed.setdefault(fault.call, [])


def _used(armed: Armed, queue: list[Armed]) -> Fault | None:
    if armed.skip:
        armed.skip -= 1
        return None
    armed.left -= 1
    if not armed.left:
        queue.remove(armed)
    return armed.fault


def failed_call(call: str, error: str, *, after: bool) -> CallFailed | FunctionCrashed:
    """What the caller gets instead of an answer."""
    if error == CRASH:
        return FunctionCrashed(f"at {call}, {'after' if after else 'before'} it took effect")
    if error == TIMEOUT:
        return CallFailed(call, "ReadTimeoutError", "no answer came", unknown_outcome=True)
    # Whatever a call that took effect answers, no caller may conclude from it that nothing happened.
    unknown = after or error in SERVER_ERRORS
    return CallFailed(call, error, "a fault of the scenario", unknown_outcome=unknown)


def kind_of(fault: Fault) -> str:
    """Under which name it is counted."""
    when = "after" if fault.after else "before"
    match fault.error:
        case "crash" | "stall":
            return f"{fault.error} {when}"
        case "timeout":
            return f"time-out {when}"
        case "stale":
            return "stale read"
    return "throttle" if _THROTTLED.search(fault.error) else f"other refusal {when}"

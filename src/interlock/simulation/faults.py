"""Calls of ours that a scenario makes fail: which, how, and how often."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from interlock.ports import CallFailed
from interlock.simulation.scenario import Fault

CRASH, TIMEOUT = "crash", "timeout"
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


class FunctionCrashed(BaseException):
    """The function's sandbox dies here. No `except Exception` of ours may hold it up, as none could on AWS."""


@dataclass(slots=True)
class _Armed:
    fault: Fault
    left: int


@dataclass(slots=True)
class FaultPlan:
    """The faults that wait for their call. Those on one call queue up: the first must be used up before the second."""

    _armed: dict[str, list[_Armed]] = field(default_factory=dict)

    def arm(self, fault: Fault) -> None:
        self._armed.setdefault(fault.call, []).append(_Armed(fault, fault.times))

    def strike(self, call: str, pipeline: str | None, *, after: bool) -> str | None:
        """The error that this call is to fail with now, if any; it is used up thereby."""
        queue = self._armed.get(call)
        if not queue:
            return None
        first = next((armed for armed in queue if armed.fault.pipeline_id in (None, pipeline)), None)
        if first is None or first.fault.after is not after:
            return None
        first.left -= 1
        if not first.left:
            queue.remove(first)
        return first.fault.error

    def any_armed(self) -> bool:
        return any(self._armed.values())

    def unused(self) -> Iterator[tuple[Fault, int]]:
        """Faults whose calls never came, with how many were left."""
        for queue in self._armed.values():
            yield from ((armed.fault, armed.left) for armed in queue)


def failed_call(call: str, error: str, *, after: bool) -> CallFailed | FunctionCrashed:
    """What the caller gets instead of an answer."""
    if error == CRASH:
        return FunctionCrashed(f"at {call}, {'after' if after else 'before'} it took effect")
    if error == TIMEOUT:
        return CallFailed(call, "ReadTimeoutError", "no answer came", unknown_outcome=True)
    # Whatever a call that took effect answers, no caller may conclude from it that nothing happened.
    unknown = after or error in SERVER_ERRORS
    return CallFailed(call, error, "a fault of the scenario", unknown_outcome=unknown)

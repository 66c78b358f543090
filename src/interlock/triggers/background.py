"""Calls that answer only when the job has ended: begun without waiting, so that "started" is not told minutes late.

The simulator brings its own `InBackground`, because in its world only one thing runs at a time and waiting is virtual.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import Protocol, TypeVar

from interlock.domain.run import Outcome

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

# A refusal (throttled, unknown function, bad request) comes at once; what is still open after this has been accepted.
EARLY_SECONDS = 2.0


class Pending(Protocol[T_co]):
    """A call under way."""

    def ended_within(self, seconds: float) -> bool:
        """Wait at most so long; whether the call has returned or raised by then."""

    def result(self) -> T_co:
        """Wait for the end; what the call returned. Raises what the call raised, every time it is asked."""


class InBackground(Protocol):
    """Begins a call and returns at once. The call runs exactly once, also when nobody asks for its result."""

    def __call__(self, call: Callable[[], T], /) -> Pending[T]: ...


class _OnThread(Pending[T]):
    def __init__(self, call: Callable[[], T]) -> None:
        self._future: Future[T] = Future()
        # A daemon: a run that is given up does not keep the process from ending.
        Thread(target=self._run, args=[call], daemon=True).start()

    def _run(self, call: Callable[[], T]) -> None:
        try:
            self._future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - raised again in `result`, on the thread that asks
            self._future.set_exception(error)

    def ended_within(self, seconds: float) -> bool:
        try:
            self._future.exception(seconds)
        except TimeoutError:
            return False
        return True

    def result(self) -> T:
        return self._future.result()


def on_a_thread(call: Callable[[], T], /) -> Pending[T]:
    """`InBackground` for production."""
    return _OnThread(call)


def begin(call: Callable[[], Outcome], in_background: InBackground) -> Callable[[], Outcome]:
    """Begin the call and return `StartedJob.answer`; raises at once what the call raises early on, a refusal."""
    pending = in_background(call)
    if pending.ended_within(EARLY_SECONDS):
        pending.result()
    return pending.result

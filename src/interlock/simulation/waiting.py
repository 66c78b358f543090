"""Calls that answer only at the end of a job, on virtual time. Implements `triggers.background.InBackground`."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, copy_context
from datetime import datetime, timedelta
from typing import Any, TypeVar

from interlock.simulation.clock import VirtualClock
from interlock.simulation.invocations import DELIVERY, TIMER
from interlock.simulation.our_calls import invocation_or_none
from interlock.triggers.background import Pending

T = TypeVar("T")

_under_way: ContextVar[_Call[Any] | None] = ContextVar("under_way", default=None)


class _Call(Pending[T]):
    """A call in an action of its own."""

    def __init__(self, clock: VirtualClock, call: Callable[[], T]) -> None:
        self._clock, self._call = clock, call
        self._outcome: Callable[[], T] | None = None
        self.answers_at: datetime = clock.now()  # as soon as the stand-in that is called knows it

    def run(self) -> None:
        _under_way.set(self)
        try:
            value = self._call()
        except BaseException as error:  # noqa: BLE001 - raised where the result is asked for, a crash too
            self._outcome = _raising(error)
        else:
            self._outcome = lambda: value

    def ended_within(self, seconds: float) -> bool:
        deadline = self._clock.now() + timedelta(seconds=seconds)
        while self._outcome is None and (self.answers_at <= deadline or self._clock.now() < deadline):
            self._wait_until(min(self.answers_at, deadline))
        return self._outcome is not None

    def result(self) -> T:
        while self._outcome is None:
            self._wait_until(self.answers_at)
        return self._outcome()

    def _wait_until(self, when: datetime) -> None:
        if when > self._clock.now():
            block_until(self._clock, when)
        else:
            # Behind what the call itself gives way to, else it would wait for us as we wait for it.
            self._clock.give_way(TIMER)


def block_until(clock: VirtualClock, when: datetime) -> None:
    """Whatever a function waits for, it waits no longer than it may live."""
    invocation = invocation_or_none()
    if invocation is None or when < invocation.dies_at:
        clock.block_until(when)
        return
    clock.block_until(invocation.dies_at)
    raise invocation.killed()


def _raising(error: BaseException) -> Callable[[], Any]:
    def outcome() -> Any:
        raise error

    return outcome


class InBackground:
    """Begins a call and returns as soon as it has either answered or begun to wait."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    def __call__(self, call: Callable[[], T], /) -> Pending[T]:
        pending = _Call(self._clock, call)
        # In the caller's context: the call is made on the account of its invocation.
        context = copy_context()
        self._clock.at(self._clock.now(), DELIVERY, lambda: context.run(pending.run))
        self._clock.give_way()
        return pending


def answer_at(clock: VirtualClock, when: datetime) -> None:
    """A stand-in takes its time: block the call until it answers."""
    call = _under_way.get()
    if call is not None:
        call.answers_at = max(when, clock.now())
    clock.block_until(when)

"""A call that answers at the end of a job begins at once and blocks nobody but whoever asks for its answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from interlock.simulation.clock import VirtualClock
from interlock.simulation.faults import FunctionCrashed
from interlock.simulation.invocations import DELIVERY, TIMER
from interlock.simulation.waiting import InBackground, answer_at
from interlock.triggers.background import EARLY_SECONDS, begin

START = datetime(2026, 3, 2, 8, tzinfo=UTC)


def _seconds(clock: VirtualClock) -> float:
    return (clock.now() - START).total_seconds()


def _acted(action: Callable[[VirtualClock], None]) -> None:
    clock = VirtualClock(START)
    clock.at(START, DELIVERY, lambda: action(clock))
    clock.run_until(START + timedelta(hours=1))


@pytest.mark.parametrize(
    ("takes", "told_after"),
    [
        pytest.param(0, 0, id="answered at once"),
        pytest.param(1, 1, id="answered early"),
        pytest.param(EARLY_SECONDS, EARLY_SECONDS, id="answered just early enough"),
        pytest.param(600, EARLY_SECONDS, id="answered late"),
    ],
)
def test_a_call_counts_as_begun_once_no_refusal_has_come(takes: float, told_after: float) -> None:
    told: list[tuple[str, float]] = []

    def action(clock: VirtualClock) -> None:
        def call() -> str:
            answer_at(clock, START + timedelta(seconds=takes))
            return "done"

        answer = begin(call, InBackground(clock))  # type: ignore[arg-type]  # an outcome is any value here
        told.append(("begun", _seconds(clock)))
        told.append((str(answer()), _seconds(clock)))

    _acted(action)

    assert told == [("begun", told_after), ("done", takes)]


@pytest.mark.parametrize("error", [ValueError("refused"), FunctionCrashed("died")])
def test_what_the_call_raises_is_raised_where_its_answer_is_asked_for(error: BaseException) -> None:
    raised: list[BaseException] = []

    def action(clock: VirtualClock) -> None:
        def call() -> None:
            raise error

        pending = InBackground(clock)(call)
        try:
            pending.result()
        except (ValueError, FunctionCrashed) as found:
            raised.append(found)

    _acted(action)

    assert raised == [error]


def test_two_calls_wait_side_by_side() -> None:
    told: list[float] = []

    def action(clock: VirtualClock) -> None:
        in_background = InBackground(clock)
        pending = [
            in_background(partial(answer_at, clock, START + timedelta(minutes=minutes))) for minutes in (2, 3)
        ]
        for one in pending:
            one.result()
            told.append(_seconds(clock))

    _acted(action)

    assert told == [120, 180]


def test_an_action_that_gives_way_goes_on_after_all_that_is_due_up_to_that_priority() -> None:
    order: list[str] = []
    clock = VirtualClock(START)

    def gives_way() -> None:
        clock.give_way(TIMER)
        order.append("gave way")

    clock.at(START, DELIVERY, gives_way)
    clock.at(START, TIMER, lambda: order.append("timer"))
    clock.at(START, TIMER + 1, lambda: order.append("tick"))
    clock.run_until(START)

    assert order == ["timer", "gave way", "tick"]

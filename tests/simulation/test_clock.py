"""The virtual clock: order, blocking, and what it refuses."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from functools import partial
from weakref import ref

import pytest

from interlock.simulation.clock import VirtualClock

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
WORD = ContextVar("WORD", default="unset")


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("due", "order"),
    [
        pytest.param([("b", 2, 0), ("a", 1, 0)], "ab", id="by instant"),
        pytest.param([("b", 1, 5), ("a", 1, -5)], "ab", id="at one instant by priority, lower first"),
        pytest.param([("a", 1, 0), ("b", 1, 0), ("c", 1, 0)], "abc", id="at one priority by insertion"),
        pytest.param([("b", 2, -9), ("a", 1, 9)], "ab", id="the instant outranks the priority"),
    ],
)
def test_actions_run_in_order(due: list[tuple[str, int, int]], order: str) -> None:
    clock, ran = VirtualClock(NOW), list[str]()
    for name, seconds, priority in due:
        clock.at(after(seconds), priority, partial(ran.append, name))

    clock.run_until(after(10))

    assert "".join(ran) == order


def test_the_end_is_inclusive_and_later_actions_stay_due() -> None:
    clock, ran = VirtualClock(NOW), list[datetime]()
    for seconds in (5, 5.001):
        clock.at(after(seconds), 0, lambda: ran.append(clock.now()))

    clock.run_until(after(5))

    assert ran == [after(5)]
    assert clock.next_at() == after(5.001)


def test_the_clock_stands_at_the_end_even_if_nothing_happened() -> None:
    clock = VirtualClock(NOW)

    clock.run_until(after(5))

    assert clock.now() == after(5)
    assert clock.idle()


def test_an_action_may_add_one_for_now_and_it_runs_by_its_priority() -> None:
    clock, ran = VirtualClock(NOW), list[str]()

    def first() -> None:
        clock.at(clock.now(), 1, lambda: ran.append("added"))

    clock.at(after(1), 0, first)
    clock.at(after(1), 2, lambda: ran.append("last"))
    clock.run_until(after(1))

    assert ran == ["added", "last"]


def test_a_cancelled_action_never_runs_and_leaves_the_clock_idle() -> None:
    clock, ran = VirtualClock(NOW), list[str]()
    timer = clock.at(after(1), 0, lambda: ran.append("cancelled"))

    timer.cancel()
    idle = clock.idle()
    clock.run_until(after(2))

    assert idle
    assert ran == []


def test_any_time_zone_goes_in_and_utc_comes_out() -> None:
    clock = VirtualClock(datetime.fromisoformat("2026-03-02T09:00:00+01:00"))

    assert clock.now() == NOW
    assert clock.now().tzinfo is UTC


@pytest.mark.parametrize(
    "when",
    [pytest.param(after(-1), id="the past"), pytest.param(NOW.replace(tzinfo=None), id="no time zone")],
)
def test_the_clock_refuses(when: datetime) -> None:
    with pytest.raises(ValueError, match=r"is past|no time zone"):
        VirtualClock(NOW).at(when, 0, lambda: None)


def test_others_go_on_while_an_action_is_blocked() -> None:
    clock, ran = VirtualClock(NOW), list[str]()

    def slow() -> None:
        ran.append("call")
        clock.block_until(after(10))
        ran.append(f"answer at +{(clock.now() - NOW).seconds}")

    clock.at(after(1), 0, slow)
    clock.at(after(5), 0, lambda: ran.append("other"))
    clock.run_until(after(20))

    assert ran == ["call", "other", "answer at +10"]


def test_blocked_actions_go_on_by_instant_and_their_own_priority() -> None:
    clock, ran = VirtualClock(NOW), list[str]()

    def block(name: str, seconds: float) -> None:
        clock.block_until(after(seconds))
        ran.append(name)

    clock.at(after(1), 7, lambda: block("low", 10))
    clock.at(after(2), 3, lambda: block("high", 10))
    clock.at(after(3), 5, lambda: block("early", 9))
    clock.run_until(after(20))

    assert ran == ["early", "high", "low"]


def test_an_action_may_block_again_and_across_runs_of_the_clock() -> None:
    clock, ran = VirtualClock(NOW), list[int]()

    def thrice() -> None:
        for seconds in (10, 20, 30):
            clock.block_until(after(seconds))
            ran.append((clock.now() - NOW).seconds)

    clock.at(NOW, 0, thrice)
    for seconds in (5, 15, 40):
        clock.run_until(after(seconds))

    assert ran == [10, 20, 30]


def test_blocking_until_now_goes_straight_on() -> None:
    clock, ran = VirtualClock(NOW), list[str]()

    def block() -> None:
        clock.block_until(clock.now())
        ran.append("went on")

    clock.at(NOW, 0, block)
    clock.at(NOW, 0, lambda: ran.append("next"))
    clock.run_until(NOW)

    assert ran == ["went on", "next"]


def test_an_action_that_gives_way_goes_on_after_all_that_is_due_now_at_its_priority() -> None:
    clock, ran = VirtualClock(NOW), list[str]()

    def polite() -> None:
        clock.give_way()
        ran.append("polite")

    clock.at(NOW, 1, polite)
    clock.at(NOW, 1, lambda: ran.append("same priority"))
    clock.at(NOW, 2, lambda: ran.append("lower priority"))
    clock.run_until(NOW)

    assert ran == ["same priority", "polite", "lower priority"]


@pytest.mark.parametrize("blocks", [False, True])
def test_what_an_action_raises_comes_out_and_the_clock_can_go_on(blocks: bool) -> None:
    clock, ran = VirtualClock(NOW), list[str]()

    def fail() -> None:
        if blocks:
            clock.block_until(after(2))
        raise KeyError("boom")

    clock.at(after(1), 0, fail)
    clock.at(after(3), 0, lambda: ran.append("later"))
    with pytest.raises(KeyError, match="boom"):
        clock.run_until(after(5))
    clock.run_until(after(5))

    assert ran == ["later"]


def test_only_an_action_can_be_blocked() -> None:
    with pytest.raises(RuntimeError, match="only an action"):
        VirtualClock(NOW).block_until(after(1))


def test_an_action_may_not_run_the_clock() -> None:
    clock = VirtualClock(NOW)
    clock.at(NOW, 0, lambda: clock.run_until(after(1)))

    with pytest.raises(RuntimeError, match="running already"):
        clock.run_until(after(1))


def test_context_variables_come_from_whoever_runs_the_clock_and_do_not_leak() -> None:
    clock, seen = VirtualClock(NOW), list[str]()

    def action() -> None:
        seen.append(WORD.get())
        WORD.set("leaked")

    clock.at(after(1), 0, action)
    clock.at(after(2), 0, action)
    outer = WORD.set("outer")
    clock.run_until(after(3))
    WORD.reset(outer)

    assert seen == ["outer", "outer"]


def test_a_clock_that_is_closed_keeps_nothing_of_what_was_blocked() -> None:
    class Held:
        """Something on the stack of an action."""

    clock, held = VirtualClock(NOW), list[ref[Held]]()

    def blocks() -> None:
        mine = Held()
        held.append(ref(mine))
        clock.block_until(after(60))

    clock.at(after(1), 0, blocks)
    clock.at(after(2), 0, lambda: None)
    clock.run_until(after(5))
    assert held[0]() is not None

    clock.close()

    assert held[0]() is None
    assert clock.idle()


def test_a_clock_is_closed_although_a_blocked_action_catches_what_ends_it() -> None:
    clock, caught = VirtualClock(NOW), list[BaseException]()

    def catches() -> None:
        try:
            clock.block_until(after(60))
        except BaseException as error:  # noqa: BLE001 - as who keeps whatever a call of its raises
            caught.append(error)

    clock.at(after(1), 0, catches)
    clock.run_until(after(5))

    clock.close()

    assert len(caught) == 1
    assert clock.idle()

"""Executions as the API shows them: names, stopping, records, transitions and what they cost."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.simulation.asl_errors import (
    ExecutionAlreadyExists,
    ExecutionDoesNotExist,
    FunctionError,
    InvalidExecutionInput,
    InvalidName,
)
from interlock.simulation.asl_execution import Step
from simulation.asl_world import AslWorld, a_machine, a_task, after, failing

SLEEPER = a_machine({"T": a_task(token=True)})
DONE = a_machine({"S": {"Type": "Succeed"}})
DAY = 86_400


def test_a_repeated_start_with_the_same_input_is_the_same_execution() -> None:
    # https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
    world = AslWorld(SLEEPER)

    first = world.walker.start("a", '{"n": 1}')
    world.clock.run_until(after(1))
    again = world.walker.start("a", '{"n": 1}')
    world.clock.run_until(after(2))

    assert first == again
    assert len(world.calls) == 1
    assert [record.name for record in world.walker.executions] == ["a"]


@pytest.mark.parametrize(
    ("definition", "text"),
    [
        pytest.param(SLEEPER, '{"n": 2}', id="it runs with another input"),
        pytest.param(SLEEPER, '{"n":1}', id="the same JSON in other words is another input"),
        pytest.param(DONE, '{"n": 1}', id="it has ended"),
    ],
)
def test_a_name_that_is_taken_is_refused(definition: Any, text: str) -> None:
    world = AslWorld(definition)
    world.walker.start("a", '{"n": 1}')
    world.clock.run_until(after(1))

    with pytest.raises(ExecutionAlreadyExists):
        world.walker.start("a", text)


def test_a_name_is_free_again_90_days_after_its_execution_ended() -> None:
    world = AslWorld(DONE)
    world.walker.start("a", "{}")
    world.clock.run_until(after(90 * DAY - 1))
    with pytest.raises(ExecutionAlreadyExists):
        world.walker.start("a", "{}")
    world.clock.run_until(after(90 * DAY))

    world.walker.start("a", "{}")
    world.clock.run_until(after(90 * DAY))

    assert [record.status for record in world.walker.executions] == ["SUCCEEDED", "SUCCEEDED"]


@pytest.mark.parametrize("name", ["", "a" * 81, "a b", "a:b", "a/b", "a#b", "a\n", "a\x7f", "<a>"])
def test_a_name_step_functions_would_refuse_is_refused(name: str) -> None:
    # https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html#service-limits-general
    with pytest.raises(InvalidName):
        AslWorld(DONE).walker.start(name, "{}")


def test_a_name_may_be_80_characters_long_with_dots_and_dashes() -> None:
    world = AslWorld(DONE)

    world.walker.start("gold.revenue_v2-2026-03-02T18-".ljust(80, "x"), "{}")

    assert len(world.walker.executions) == 1


@pytest.mark.parametrize("text", ["", "{", "NaN"])
def test_an_input_that_is_not_json_is_refused(text: str) -> None:
    world = AslWorld(DONE)

    with pytest.raises(InvalidExecutionInput):
        world.walker.start("a", text)

    assert world.walker.executions == []


def test_stopping_ends_an_execution_for_good() -> None:
    world = AslWorld(a_machine({"T": a_task(token=True, TimeoutSeconds=60)}, TimeoutSeconds=90))
    world.at(30, lambda: world.walker.stop("run", "Cancelled", "by hand"))

    record = world.run()

    assert (record.status, record.error, record.cause) == ("ABORTED", "Cancelled", "by hand")
    assert record.stopped_at == after(30)
    assert world.clock.idle()


@pytest.mark.parametrize(
    "state", [{"Type": "Wait", "Seconds": 60, "End": True}, a_task(Retry=[{"ErrorEquals": ["E"]}])]
)
def test_stopping_ends_a_wait_and_a_back_off(state: dict[str, Any]) -> None:
    world = AslWorld(a_machine({"S": state}), failing(*[FunctionError("E", "")] * 9))
    world.at(0.5, lambda: world.walker.stop("run"))

    record = world.run(seconds=0.5)

    assert (record.status, record.stopped_at) == ("ABORTED", after(0.5))
    assert world.clock.idle()


def test_stopping_what_has_ended_changes_nothing() -> None:
    world = AslWorld(DONE)
    before = world.run()

    world.walker.stop("run", "TooLate")

    assert world.walker.describe("run") == before


def test_a_call_that_is_under_way_when_its_execution_is_stopped_changes_nothing() -> None:
    world = AslWorld(a_machine({"T": a_task(Next="E"), "E": {"Type": "Succeed"}}))
    world.function = lambda _: world.clock.block_until(after(60))
    world.at(30, lambda: world.walker.stop("run"))

    record = world.run()

    assert (record.status, record.entered) == ("ABORTED", ("T",))


@pytest.mark.parametrize("call", ["describe", "stop"])
def test_an_execution_that_was_never_started_is_unknown(call: str) -> None:
    with pytest.raises(ExecutionDoesNotExist):
        getattr(AslWorld(DONE).walker, call)("a")


def test_the_first_state_is_entered_by_the_clock_not_by_the_caller() -> None:
    world = AslWorld(a_machine({"T": a_task()}))

    world.walker.start("a", "{}")
    before = list(world.calls)
    world.clock.run_until(after(0))

    assert before == []
    assert len(world.calls) == 1


def test_priority_decides_who_moves_first_at_one_instant() -> None:
    order = list[str]()
    world = AslWorld(a_machine({"T": a_task()}), lambda _: order.append("execution"), priority=5)
    world.clock.at(after(0), 9, lambda: order.append("later"))
    world.walker.start("a", "{}")
    world.clock.at(after(0), 1, lambda: order.append("earlier"))

    world.clock.run_until(after(0))

    assert order == ["earlier", "execution", "later"]


def test_every_transition_is_told() -> None:
    task = a_task(Retry=[{"ErrorEquals": ["E"], "IntervalSeconds": 3}], Next="Stop")
    world = AslWorld(
        a_machine({"T": task, "Stop": {"Type": "Fail", "Error": "Stopped"}}), failing(FunctionError("E", ""))
    )

    world.run()

    told = [(line.at, line.execution, line.step, line.state, line.error) for line in world.transitions]
    assert told == [
        (after(0), "run", Step.ENTERED, "T", None),
        (after(3), "run", Step.RETRIED, "T", "E"),
        (after(3), "run", Step.ENTERED, "Stop", None),
        (after(3), "run", Step.FAILED, "Stop", "Stopped"),
    ]


def test_states_entered_retries_start_and_end_are_billed() -> None:
    # Retries are transitions: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
    # Start and End are counted in the example on https://aws.amazon.com/step-functions/pricing/
    task = a_task(Retry=[{"ErrorEquals": ["E"]}], Next="W")
    states = {"T": task, "W": {"Type": "Wait", "Seconds": 60, "Next": "S"}, "S": {"Type": "Succeed"}}
    world = AslWorld(a_machine(states), failing(FunctionError("E", ""), FunctionError("E", "")))

    asleep = world.run(seconds=30)
    ended = world.run_on(seconds=90)

    assert (asleep.states_entered, asleep.retries, asleep.billed_transitions) == (2, 2, 5)
    assert (ended.states_entered, ended.retries, ended.billed_transitions) == (3, 2, 7)


def test_waiting_on_a_token_costs_no_transition_however_long() -> None:
    world = AslWorld(SLEEPER)

    asleep = [world.run(seconds=60).billed_transitions, world.run_on(seconds=30 * DAY).billed_transitions]

    assert asleep == [2, 2]


@pytest.mark.parametrize(
    "state",
    [
        pytest.param({"Type": "Pass", "Next": "S"}, id="a state that leads to itself"),
        pytest.param(a_task(Next="S", Output={}), id="a task that does"),
        pytest.param(
            a_task(Retry=[{"ErrorEquals": ["E"], "MaxAttempts": 99_999, "BackoffRate": 1}]), id="retries"
        ),
    ],
)
def test_a_loop_without_end_ends_at_the_quota_of_history_events(state: dict[str, Any]) -> None:
    # https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
    def fails(_payload: Any) -> None:
        raise FunctionError("E", "")

    record = AslWorld(a_machine({"S": state}), fails if "Retry" in state else None).run()

    assert (record.status, record.error) == ("FAILED", "States.Runtime")
    assert 4_000 < record.billed_transitions < 12_600

"""Tasks that sleep on a token: who may answer, when, and what a late or wrong answer does.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-wait-token
"""

from __future__ import annotations

from typing import Any

import pytest

from interlock.simulation.asl_errors import FunctionError, InvalidOutput, InvalidToken, TaskTimedOut
from simulation.asl_world import AslWorld, a_machine, a_task, after, failing, output_of


def a_sleeper(**fields: Any) -> dict[str, Any]:
    """One task that waits for its token; `Catch` may lead to `E`."""
    ends = {"E": {"Type": "Succeed"}} if "Catch" in fields else {}
    return a_machine({"T": a_task(token=True, **fields), **ends})


def test_the_answer_sent_with_the_token_is_the_result() -> None:
    world = AslWorld(a_sleeper(), lambda _: "what the function returns is not the result")
    world.succeed_at(30, {"ready": True})

    record = world.run()

    assert output_of(record) == {"ready": True}
    assert record.stopped_at == after(30)


def test_a_task_without_a_limit_sleeps_until_it_is_answered() -> None:
    world = AslWorld(a_sleeper())

    assert world.run(seconds=300 * 86_400).status == "RUNNING"


def test_a_failure_sent_with_the_token_is_caught_by_its_name() -> None:
    world = AslWorld(a_sleeper(Catch=[{"ErrorEquals": ["JobLost"], "Next": "E"}]))
    world.fail_at(30, "JobLost", "gone")

    assert output_of(world.run()) == {"Error": "JobLost", "Cause": "gone"}


def test_nobody_answers_and_the_task_times_out_at_its_limit() -> None:
    world = AslWorld(a_sleeper(TimeoutSeconds=60, Catch=[{"ErrorEquals": ["States.Timeout"], "Next": "E"}]))

    record = world.run()

    assert output_of(record) == {"Error": "States.Timeout", "Cause": ""}
    assert record.stopped_at == after(60)


def test_the_function_may_answer_before_it_returns() -> None:
    world = AslWorld(a_sleeper())
    world.function = lambda payload: world.walker.send_task_success(payload["token"], '"at once"')

    record = world.run()

    assert output_of(record) == "at once"
    assert record.stopped_at == after(0)


def test_no_heartbeat_is_expected_once_the_function_has_answered() -> None:
    states = {
        "T": a_task(token=True, HeartbeatSeconds=10, Next="W"),
        "W": {"Type": "Wait", "Seconds": 60, "Next": "E"},
        "E": {"Type": "Succeed"},
    }
    world = AslWorld(a_machine(states))
    world.function = lambda payload: world.walker.send_task_success(payload["token"], "1")

    assert world.run().stopped_at == after(60)


def test_a_function_that_answered_and_then_failed_has_answered() -> None:
    world = AslWorld(a_sleeper())

    def answer_and_fail(payload: Any) -> None:
        world.walker.send_task_success(payload["token"], "1")
        raise FunctionError("TooLate", "")

    world.function = answer_and_fail

    assert output_of(world.run()) == 1


def test_a_function_that_fails_fails_the_task_at_once() -> None:
    world = AslWorld(
        a_sleeper(TimeoutSeconds=600, Catch=[{"ErrorEquals": ["Broken"], "Next": "E"}]),
        failing(FunctionError("Broken", "")),
    )

    record = world.run()

    assert record.entered == ("T", "E")
    assert record.stopped_at == after(0)


def test_each_try_has_a_token_of_its_own_and_only_the_newest_counts() -> None:
    retry = [{"ErrorEquals": ["States.Timeout"], "IntervalSeconds": 1}]
    world = AslWorld(a_sleeper(TimeoutSeconds=10, Retry=retry))
    refused = list[str]()

    def answer_the_first() -> None:
        with pytest.raises(TaskTimedOut):
            world.walker.send_task_success(world.token(0), "1")
        refused.append(world.token(0))

    world.at(12, answer_the_first)
    world.succeed_at(13, 2, call=1)

    assert output_of(world.run()) == 2
    assert refused == [world.token(0)]
    assert world.token(0) != world.token(1)


def test_tokens_repeat_from_run_to_run_and_differ_between_executions() -> None:
    worlds = [AslWorld(a_sleeper()) for _ in range(2)]
    for world in worlds:
        world.walker.start("other", "{}")
        world.run()

    assert worlds[0].calls == worlds[1].calls
    assert worlds[0].token(0) != worlds[0].token(1)


@pytest.mark.parametrize("ended_by", ["answer", "failure", "limit", "stop"])
def test_the_token_of_a_closed_task_is_refused(ended_by: str) -> None:
    world = AslWorld(a_sleeper(TimeoutSeconds=60))
    {
        "answer": lambda: world.succeed_at(30),
        "failure": lambda: world.fail_at(30, "E"),
        "limit": lambda: None,
        "stop": lambda: world.at(30, lambda: world.walker.stop("run")),
    }[ended_by]()
    world.run()

    for send in (
        lambda token: world.walker.send_task_success(token, "{}"),
        lambda token: world.walker.send_task_failure(token, "E"),
        world.walker.send_task_heartbeat,
    ):
        with pytest.raises(TaskTimedOut):
            send(world.token())


def test_two_answers_at_one_instant_end_the_task_once() -> None:
    world = AslWorld(a_sleeper())

    def answer_twice() -> None:
        world.walker.send_task_success(world.token(), "1")
        with pytest.raises(TaskTimedOut):
            world.walker.send_task_success(world.token(), "2")

    world.at(5, answer_twice)

    assert output_of(world.run()) == 1


def test_an_unknown_token_is_refused() -> None:
    with pytest.raises(InvalidToken):
        AslWorld(a_sleeper()).walker.send_task_success("made up", "{}")


@pytest.mark.parametrize("output", ["", "not JSON", "{'a': 1}", "NaN"])
def test_an_answer_that_is_not_json_is_refused_and_the_task_sleeps_on(output: str) -> None:
    world = AslWorld(a_sleeper())
    world.run(seconds=1)

    with pytest.raises(InvalidOutput):
        world.walker.send_task_success(world.token(), output)

    assert world.walker.describe("run").status == "RUNNING"


@pytest.mark.parametrize(
    ("answered_first", "status"),
    [
        pytest.param(True, "SUCCEEDED", id="the answer was due first"),
        pytest.param(False, "FAILED", id="the limit was due first"),
    ],
)
def test_at_the_very_instant_of_the_limit_the_clocks_order_decides(answered_first: bool, status: str) -> None:
    world = AslWorld(a_sleeper(TimeoutSeconds=60), timer_priority=1 if answered_first else -1)

    def answer() -> None:
        if answered_first:
            world.walker.send_task_success(world.token(), "1")
        else:
            with pytest.raises(TaskTimedOut):
                world.walker.send_task_success(world.token(), "1")

    world.at(60, answer)

    assert world.run().status == status


@pytest.mark.parametrize(
    ("heartbeats", "ended_at", "error"),
    [
        pytest.param([], 10, "States.HeartbeatTimeout", id="none comes"),
        pytest.param([9, 18], 28, "States.HeartbeatTimeout", id="each starts the count anew"),
        pytest.param([9, 18, 27], 30, "States.Timeout", id="but the task's own limit stays"),
    ],
)
def test_a_task_that_misses_its_heartbeat_fails(heartbeats: list[int], ended_at: int, error: str) -> None:
    world = AslWorld(a_sleeper(HeartbeatSeconds=10, TimeoutSeconds=30))
    for seconds in heartbeats:
        world.at(seconds, lambda: world.walker.send_task_heartbeat(world.token()))

    record = world.run()

    assert (record.error, record.stopped_at) == (error, after(ended_at))


def test_heartbeats_are_not_expected_while_the_function_still_runs() -> None:
    # https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html
    world = AslWorld(a_sleeper(HeartbeatSeconds=10))

    def slow(payload: Any) -> None:
        world.clock.block_until(after(15))
        world.walker.send_task_heartbeat(payload["token"])
        world.clock.block_until(after(25))

    world.function = slow

    assert world.run().stopped_at == after(35)


def test_a_limit_can_be_an_expression() -> None:
    # This is how a run sleeps until the last instant of its window.
    sleep = a_task(
        token=True,
        TimeoutSeconds="{% $max([1, $floor(($toMillis($states.input.until) - $millis()) / 1000)]) %}",
    )

    record = AslWorld(a_machine({"T": sleep})).run({"until": "2026-03-02T08:59:59.500Z"})

    assert (record.error, record.stopped_at) == ("States.Timeout", after(3599))

"""Task states: the call and its result, Retry, Catch and time limits.

Rules and examples: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from interlock.simulation.asl_errors import FunctionError, catches
from simulation.asl_world import AslWorld, a_machine, a_task, after, failing, output_of


def error(name: str = "ErrorA", message: str = "no") -> FunctionError:
    return FunctionError(name, message)


def with_fallback(task: dict[str, Any], *catchers: dict[str, Any]) -> dict[str, Any]:
    """The task, and a state `Caught` that every catcher leads to."""
    catch = [{"Next": "Caught", **catcher} for catcher in catchers]
    return a_machine({"T": {**task, "Catch": catch}, "Caught": {"Type": "Succeed"}})


def test_a_task_sends_its_payload_and_gets_the_answer_with_metadata() -> None:
    # https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html
    world = AslWorld(a_machine({"T": a_task()}), lambda payload: {"echo": payload})

    output = output_of(world.run({"n": 1}))

    assert world.calls == [(0, {"given": {"n": 1}})]
    assert output["Payload"] == {"echo": {"given": {"n": 1}}}
    assert (output["StatusCode"], output["ExecutedVersion"]) == (200, "$LATEST")


def test_output_and_assign_see_the_result() -> None:
    task = a_task(
        Output="{% $states.result.Payload.given %}",
        Assign={"code": "{% $states.result.StatusCode %}"},
        Next="E",
    )
    end = {"Type": "Succeed", "Output": ["{% $states.input %}", "{% $code %}"]}

    assert output_of(AslWorld(a_machine({"T": task, "E": end})).run(5)) == [5, 200]


def test_arguments_may_be_one_expression_and_the_payload_missing() -> None:
    task = a_task(Arguments="{% {'FunctionName': $states.input.name} %}")
    world = AslWorld(a_machine({"T": task}))

    world.run({"name": "g"})

    assert world.calls == [(0, {})]


def test_a_function_cannot_reach_into_the_execution_through_its_payload() -> None:
    def greedy(payload: dict[str, Any]) -> dict[str, Any]:
        payload["given"]["changed"] = True
        return payload

    task = a_task(Output="{% $states.input %}")

    assert output_of(AslWorld(a_machine({"T": task}), greedy).run({"n": 1})) == {"n": 1}


def test_a_function_error_is_known_by_its_type_and_its_cause_is_json() -> None:
    record = AslWorld(a_machine({"T": a_task()}), failing(error("ThrottlingException", "slow down"))).run()

    assert (record.status, record.error) == ("FAILED", "ThrottlingException")
    assert json.loads(record.cause or "") == {"errorMessage": "slow down", "errorType": "ThrottlingException"}


def test_any_other_exception_of_a_function_is_a_bug_and_comes_out() -> None:
    world = AslWorld(
        a_machine({"T": a_task(Retry=[{"ErrorEquals": ["States.ALL"]}])}), failing(KeyError("bug"))
    )

    with pytest.raises(KeyError, match="bug"):
        world.run()


RETRY_TABLE = [
    pytest.param({}, [0, 1, 3, 7], id="defaults: three retries after 1, 2 and 4 seconds"),
    pytest.param(
        {"IntervalSeconds": 3, "MaxAttempts": 3, "BackoffRate": 2}, [0, 3, 9, 21], id="guide, BackoffRate"
    ),
    pytest.param(
        {"IntervalSeconds": 3, "MaxAttempts": 2, "BackoffRate": 1}, [0, 3, 6], id="guide, example 1"
    ),
    pytest.param(
        {"IntervalSeconds": 3, "MaxAttempts": 3, "BackoffRate": 2, "MaxDelaySeconds": 5},
        [0, 3, 8, 13],
        id="guide, example 2 without jitter",
    ),
    pytest.param({"BackoffRate": 1.5, "MaxAttempts": 2}, [0, 1, 2.5], id="delays are not rounded"),
    pytest.param({"MaxAttempts": 0}, [0], id="never retried"),
]


@pytest.mark.parametrize(("retrier", "calls"), RETRY_TABLE)
def test_when_a_task_is_tried_again(retrier: dict[str, Any], calls: list[float]) -> None:
    task = a_task(Retry=[{"ErrorEquals": ["ErrorA"], **retrier}])
    world = AslWorld(a_machine({"T": task}), failing(*[error()] * 9))

    record = world.run()

    assert world.call_times == calls
    assert (record.status, record.error, record.retries) == ("FAILED", "ErrorA", len(calls) - 1)


def test_full_jitter_stays_below_the_delay_and_repeats_itself() -> None:
    retrier = {"ErrorEquals": ["ErrorA"], "IntervalSeconds": 2, "MaxAttempts": 3, "JitterStrategy": "FULL"}
    worlds = [AslWorld(a_machine({"T": a_task(Retry=[retrier])}), failing(*[error()] * 9)) for _ in range(2)]
    for world in worlds:
        world.run()

    first, second = (world.call_times for world in worlds)
    delays = [later - earlier for earlier, later in pairwise(first)]

    assert first == second
    assert all(0 <= delay <= most for delay, most in zip(delays, (2, 4, 8), strict=True))
    assert delays != [2, 4, 8]


def test_the_guides_complex_scenario() -> None:
    # "Example 4": A, B, C and B fail in turn; the first retrier allows two retries over A and B together.
    retry = [
        {"ErrorEquals": ["ErrorA", "ErrorB"], "IntervalSeconds": 1, "BackoffRate": 2.0, "MaxAttempts": 2},
        {"ErrorEquals": ["ErrorC"], "IntervalSeconds": 5},
    ]
    definition = with_fallback(a_task(Retry=retry), {"ErrorEquals": ["States.ALL"]})
    world = AslWorld(definition, failing(*[error(f"Error{which}") for which in "ABCB"]))

    record = world.run()

    assert world.call_times == [0, 1, 3, 8]
    assert record.entered == ("T", "Caught")


def test_a_used_up_retrier_does_not_pass_the_error_to_the_next_one() -> None:
    retry = [{"ErrorEquals": ["ErrorA"], "MaxAttempts": 1}, {"ErrorEquals": ["States.ALL"], "MaxAttempts": 9}]
    world = AslWorld(a_machine({"T": a_task(Retry=retry)}), failing(*[error()] * 9))

    world.run()

    assert world.call_times == [0, 1]


def test_retries_are_counted_anew_when_the_state_is_entered_again() -> None:
    retry = [{"ErrorEquals": ["ErrorA"], "MaxAttempts": 1}]
    again = {"Type": "Choice", "Choices": [{"Condition": "{% $n < 2 %}", "Next": "T"}], "Default": "End"}
    states = {
        "Zero": {"Type": "Pass", "Assign": {"n": 0}, "Next": "T"},
        "T": a_task(Retry=retry, Assign={"n": "{% $n + 1 %}"}, Next="Again"),
        "Again": again,
        "End": {"Type": "Succeed"},
    }

    record = AslWorld(a_machine(states), failing(error(), None, error(), None)).run()

    assert (record.status, record.retries) == ("SUCCEEDED", 2)


def test_a_caught_error_is_the_output_unless_the_catcher_says_otherwise() -> None:
    catcher = {"ErrorEquals": ["ErrorA"]}
    plain = AslWorld(with_fallback(a_task(), catcher), failing(error())).run()
    told = {**catcher, "Output": {"was": "{% $states.input.n %}", "error": "{% $states.errorOutput.Error %}"}}
    shaped = AslWorld(with_fallback(a_task(), told), failing(error())).run({"n": 1})

    assert output_of(plain) == {
        "Error": "ErrorA",
        "Cause": json.dumps({"errorMessage": "no", "errorType": "ErrorA"}),
    }
    assert output_of(shaped) == {"was": 1, "error": "ErrorA"}


def test_a_catcher_assigns_variables() -> None:
    task = a_task(
        Catch=[{"ErrorEquals": ["ErrorA"], "Assign": {"why": "{% $states.errorOutput.Error %}"}, "Next": "E"}]
    )
    end = {"Type": "Succeed", "Output": "{% $why %}"}

    assert output_of(AslWorld(a_machine({"T": task, "E": end}), failing(error())).run()) == "ErrorA"


def test_the_first_catcher_that_matches_decides() -> None:
    names = ["ErrorB", "ErrorA", "States.ALL"]
    catch = [{"ErrorEquals": [name], "Next": f"By {name}"} for name in names]
    ends = {f"By {name}": {"Type": "Succeed"} for name in names}

    record = AslWorld(a_machine({"T": a_task(Catch=catch), **ends}), failing(error())).run()

    assert record.entered == ("T", "By ErrorA")


def test_an_error_nobody_catches_fails_the_execution() -> None:
    record = AslWorld(with_fallback(a_task(), {"ErrorEquals": ["ErrorB"]}), failing(error())).run()

    assert (record.status, record.error) == ("FAILED", "ErrorA")


@pytest.mark.parametrize(
    ("waits_for", "happened", "caught"),
    [
        (["ErrorA"], "ErrorA", True),
        (["errora"], "ErrorA", False),
        (["States.ALL"], "ErrorA", True),
        (["States.ALL"], "States.Timeout", True),
        (["States.ALL"], "States.QueryEvaluationError", True),
        (["States.ALL"], "States.DataLimitExceeded", False),
        (["States.DataLimitExceeded"], "States.DataLimitExceeded", True),
        (["States.ALL"], "States.Runtime", False),
        (["States.Runtime"], "States.Runtime", False),
        (["States.TaskFailed"], "ErrorA", True),
        (["States.TaskFailed"], "States.QueryEvaluationError", True),
        (["States.TaskFailed"], "States.Timeout", False),
        (["States.TaskFailed"], "States.HeartbeatTimeout", False),
        (["States.TaskFailed"], "States.DataLimitExceeded", False),
        (["States.Timeout"], "States.Timeout", True),
        (["States.Timeout"], "States.HeartbeatTimeout", True),
        (["States.HeartbeatTimeout"], "States.HeartbeatTimeout", True),
        (["States.HeartbeatTimeout"], "States.Timeout", False),
        (["ErrorB", "States.Timeout"], "ErrorA", False),
    ],
)
def test_which_error_names_match(waits_for: list[str], happened: str, caught: bool) -> None:
    assert catches(waits_for, happened) is caught


def test_too_large_a_result_passes_by_a_catch_of_everything() -> None:
    definition = with_fallback(a_task(), {"ErrorEquals": ["States.ALL"]})

    record = AslWorld(definition, lambda _: "x" * 256 * 1024).run()

    assert (record.status, record.error) == ("FAILED", "States.DataLimitExceeded")


@pytest.mark.parametrize("field", ["Arguments", "Output", "Assign", "TimeoutSeconds"])
def test_an_expression_that_fails_in_a_task_can_be_caught(field: str) -> None:
    # https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html, "Handling expression errors"
    broken: dict[str, Any] = {
        "Arguments": {"FunctionName": "f", "Payload": "{% $states.input.missing %}"},
        "Output": "{% $states.result.missing %}",
        "Assign": {"x": "{% 1 + 'a' %}"},
        "TimeoutSeconds": "{% -1 %}",
    }
    definition = with_fallback(
        a_task(**{field: broken[field]}), {"ErrorEquals": ["States.QueryEvaluationError"]}
    )

    record = AslWorld(definition).run()

    assert record.entered == ("T", "Caught")
    assert field in output_of(record)["Cause"]


def test_an_expression_that_fails_in_a_catcher_cannot_be_caught() -> None:
    catcher = {"ErrorEquals": ["ErrorA"], "Output": "{% $states.errorOutput.missing %}"}
    everything = {"ErrorEquals": ["States.ALL"]}

    record = AslWorld(with_fallback(a_task(), catcher, everything), failing(error())).run()

    assert (record.status, record.error) == ("FAILED", "States.QueryEvaluationError")


@pytest.mark.parametrize("timeout", [10, "{% $states.input.limit %}"])
def test_a_call_that_takes_longer_than_the_limit_times_out(timeout: Any) -> None:
    definition = with_fallback(a_task(TimeoutSeconds=timeout), {"ErrorEquals": ["States.Timeout"]})
    world = AslWorld(definition)
    world.function = lambda _: world.clock.block_until(after(60))

    record = world.run({"limit": 10})

    assert record.entered == ("T", "Caught")
    assert record.stopped_at == after(10)


def test_a_slow_call_within_its_limit_succeeds_when_it_answers() -> None:
    world = AslWorld(a_machine({"T": a_task(TimeoutSeconds=61)}))
    world.function = lambda _: world.clock.block_until(after(60))

    assert world.run().stopped_at == after(60)


def test_the_limit_counts_anew_for_each_try() -> None:
    task = a_task(
        TimeoutSeconds=10, Retry=[{"ErrorEquals": ["States.Timeout"], "IntervalSeconds": 5, "MaxAttempts": 1}]
    )
    world = AslWorld(a_machine({"T": task}))
    world.function = lambda _: world.clock.block_until(world.clock.now() + timedelta(minutes=1))

    record = world.run()

    assert world.call_times == [0, 15]
    assert (record.error, record.stopped_at) == ("States.Timeout", after(25))


def test_the_machines_own_limit_ends_it_and_no_catch_sees_that() -> None:
    task = a_task(token=True, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Caught"}])
    definition = a_machine({"T": task, "Caught": {"Type": "Succeed"}}, TimeoutSeconds=100)

    record = AslWorld(definition).run()

    assert (record.status, record.error, record.stopped_at) == ("TIMED_OUT", "States.Timeout", after(100))
    assert record.entered == ("T",)

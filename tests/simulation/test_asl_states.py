"""Pass, Choice, Wait, Succeed, Fail and variables, as the Step Functions guide describes them."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.simulation.asl_errors import FunctionError
from simulation.asl_world import AslWorld, a_machine, a_task, after, failing, output_of

READY = "{% $states.input.ready %}"


def run_of(states: dict[str, Any], given: Any = None) -> Any:
    return output_of(AslWorld(a_machine(states)).run(given))


@pytest.mark.parametrize(
    ("state", "output"),
    [
        pytest.param({"Type": "Pass", "End": True}, {"a": 1}, id="Pass hands its input on"),
        pytest.param(
            {"Type": "Pass", "Output": {"b": [True]}, "End": True}, {"b": [True]}, id="a constant Output"
        ),
        pytest.param({"Type": "Pass", "Output": None, "End": True}, None, id="an Output of null"),
        pytest.param(
            {"Type": "Pass", "Output": "{% $states.input.a + 1 %}", "End": True}, 2, id="an expression"
        ),
        pytest.param(
            {"Type": "Pass", "Output": {"x": ["{% $states.input.a %}", "$a"]}, "End": True},
            {"x": [1, "$a"]},
            id="only strings in {% %} are evaluated, at any depth",
        ),
        pytest.param({"Type": "Succeed"}, {"a": 1}, id="Succeed hands its input on"),
        pytest.param({"Type": "Succeed", "Output": "{% $states.input.a %}"}, 1, id="Succeed has an Output"),
        pytest.param(
            {"Type": "Wait", "Seconds": 1, "Output": "waited", "End": True}, "waited", id="so has Wait"
        ),
    ],
)
def test_what_a_state_gives_on(state: dict[str, Any], output: Any) -> None:
    assert run_of({"S": state}, {"a": 1}) == output


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({"n": 10}, ["C", "Big"]),
        ({"n": 9}, ["C", "Some"]),
        ({"n": 0}, ["C", "Default"]),
    ],
)
def test_the_first_rule_that_holds_decides(given: Any, taken: list[str]) -> None:
    rules = [
        {"Condition": "{% $states.input.n >= 10 %}", "Next": "Big"},
        {"Condition": "{% $states.input.n > 0 %}", "Next": "Some"},
    ]
    ends = {name: {"Type": "Succeed"} for name in ("Big", "Some", "Default")}
    world = AslWorld(a_machine({"C": {"Type": "Choice", "Choices": rules, "Default": "Default"}, **ends}))

    assert list(world.run(given).entered) == taken


@pytest.mark.parametrize(
    ("ready", "way"),
    [
        pytest.param(True, {"by": "rule"}, id="a rule that holds: its own fields"),
        pytest.param(False, {"by": "default"}, id="no rule holds: those of the state"),
    ],
)
def test_assign_and_output_of_a_choice_belong_to_the_way_taken(ready: bool, way: Any) -> None:
    # https://docs.aws.amazon.com/step-functions/latest/dg/state-choice.html#state-choice-assign
    choice = {
        "Type": "Choice",
        "Choices": [{"Condition": READY, "Next": "End", "Assign": {"by": "rule"}, "Output": "of rule"}],
        "Default": "End",
        "Assign": {"by": "default"},
        "Output": "of default",
    }
    end = {"Type": "Succeed", "Output": {"by": "{% $by %}", "output": "{% $states.input %}"}}

    assert run_of({"C": choice, "End": end}, {"ready": ready}) == {**way, "output": f"of {way['by']}"}


def test_a_choice_with_no_way_out_fails_the_execution() -> None:
    choice = {"Type": "Choice", "Choices": [{"Condition": READY, "Next": "End"}]}

    record = AslWorld(a_machine({"C": choice, "End": {"Type": "Succeed"}})).run({"ready": False})

    assert (record.status, record.error) == ("FAILED", "States.Runtime")


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        pytest.param({"Seconds": 30}, 30, id="a number of seconds"),
        pytest.param({"Seconds": 0}, 0, id="zero"),
        pytest.param({"Seconds": "{% $states.input.delay * 60 %}"}, 120, id="seconds from an expression"),
        pytest.param({"Timestamp": "2026-03-02T08:10:00Z"}, 600, id="an instant"),
        pytest.param({"Timestamp": "2026-03-02T10:10:00+02:00"}, 600, id="an instant with an offset"),
        pytest.param({"Timestamp": "2026-03-02T08:10:00.999Z"}, 600, id="milliseconds are cut off"),
        pytest.param({"Timestamp": "{% $states.input.until %}"}, 60, id="an instant from an expression"),
        pytest.param({"Timestamp": "2020-01-01T00:00:00Z"}, 0, id="an instant long past"),
    ],
)
def test_how_long_a_wait_waits(fields: dict[str, Any], seconds: float) -> None:
    # https://docs.aws.amazon.com/step-functions/latest/dg/state-wait.html
    world = AslWorld(a_machine({"W": {"Type": "Wait", **fields, "End": True}}))

    assert world.run({"delay": 2, "until": "2026-03-02T08:01:00Z"}).stopped_at == after(seconds)


@pytest.mark.parametrize(
    ("fields", "error", "cause"),
    [
        ({}, None, None),
        ({"Error": "Stopped", "Cause": "by a rule"}, "Stopped", "by a rule"),
        ({"Error": "{% 'E' & $states.input.n %}", "Cause": "{% $string($states.input) %}"}, "E7", '{"n":7}'),
    ],
)
def test_fail_ends_with_its_error_and_cause(
    fields: dict[str, Any], error: str | None, cause: str | None
) -> None:
    record = AslWorld(a_machine({"F": {"Type": "Fail", **fields}})).run({"n": 7})

    assert (record.status, record.error, record.cause, record.output) == ("FAILED", error, cause, None)


def test_assign_and_output_see_the_variables_as_on_entry() -> None:
    # https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html, "Evaluation order"
    states = {
        "Set": {"Type": "Pass", "Assign": {"x": 3, "a": 6}, "Next": "Swap"},
        "Swap": {
            "Type": "Pass",
            "Assign": {"x": "{% $a %}", "nextX": "{% $x %}"},
            "Output": "{% $x %}",
            "Next": "End",
        },
        "End": {"Type": "Succeed", "Output": ["{% $states.input %}", "{% $x %}", "{% $nextX %}"]},
    }

    assert run_of(states) == [3, 6, 3]


def test_a_variable_outlives_the_states_between() -> None:
    states = {
        "Set": {
            "Type": "Wait",
            "Seconds": 1,
            "Assign": {"kept": "{% $states.input %}"},
            "Output": {},
            "Next": "Other",
        },
        "Other": {"Type": "Pass", "Assign": {"other": 1}, "Output": "other", "Next": "End"},
        "End": {"Type": "Succeed", "Output": "{% $kept.a %}"},
    }

    assert run_of(states, {"a": None}) is None


def test_nothing_is_assigned_when_the_output_fails() -> None:
    # The retry must see the variables as they were on entry.
    task = a_task(
        Assign={"n": "{% $n + 1 %}"},
        Output="{% $n + $states.result.Payload %}",
        Retry=[{"ErrorEquals": ["States.QueryEvaluationError"]}],
        Next="End",
    )
    states = {
        "Set": {"Type": "Pass", "Assign": {"n": 1}, "Next": "T"},
        "T": task,
        "End": {"Type": "Succeed", "Output": ["{% $states.input %}", "{% $n %}"]},
    }
    answers = iter(["not a number", 10])

    record = AslWorld(a_machine(states), lambda _: next(answers)).run()

    assert output_of(record) == [11, 2]


def test_the_context_object_tells_where_we_are() -> None:
    # https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
    arn = "arn:aws:states:eu-west-1:123456789012:stateMachine:dev-interlock"
    states = {
        "Wait": {"Type": "Wait", "Seconds": 90, "Next": "Look"},
        "Look": {"Type": "Succeed", "Output": "{% $states.context %}"},
    }

    record = AslWorld(a_machine(states), arn=arn, role_arn="arn:aws:iam::1:role/r").run({"key": "k"})

    assert output_of(record) == {
        "Execution": {
            "Id": "arn:aws:states:eu-west-1:123456789012:execution:dev-interlock:run",
            "Input": {"key": "k"},
            "Name": "run",
            "RoleArn": "arn:aws:iam::1:role/r",
            "StartTime": "2026-03-02T08:00:00Z",
            "RedriveCount": 0,
        },
        "StateMachine": {"Id": arn, "Name": "dev-interlock"},
        "State": {"Name": "Look", "EnteredTime": "2026-03-02T08:01:30Z", "RetryCount": 0},
    }


def test_the_context_object_counts_retries() -> None:
    task = a_task(Retry=[{"ErrorEquals": ["States.ALL"]}])
    task["Arguments"]["Payload"] = "{% $states.context.State.RetryCount %}"
    world = AslWorld(a_machine({"T": task}), failing(FunctionError("E", "once"), FunctionError("E", "twice")))

    world.run()

    assert [payload for _, payload in world.calls] == [0, 1, 2]


def test_more_than_256_kib_is_more_than_a_state_can_give_on() -> None:
    # https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
    fits, too_much = {"a": "x" * (256 * 1024 - 8)}, {"a": "x" * (256 * 1024 - 7)}
    double = {"Type": "Pass", "Output": "{% $states.input.a %}", "End": True}

    assert AslWorld(a_machine({"S": {"Type": "Succeed"}})).run(fits).status == "SUCCEEDED"
    assert AslWorld(a_machine({"S": {"Type": "Succeed"}})).run(too_much).error == "States.DataLimitExceeded"
    assert AslWorld(a_machine({"S": double})).run(too_much).status == "SUCCEEDED"

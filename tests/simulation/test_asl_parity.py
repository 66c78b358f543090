"""The walker does what the embedded stack does: the same states entered, the same end.

Time limits are the only thing that takes real time there, so they are short; waits are scaled down.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from interlock.local.emulator import Emulator
from simulation.asl_parity import Function, Outside, on_emulator, on_walker
from simulation.asl_world import a_machine, a_task

pytestmark = pytest.mark.embedded

MACHINE = Path(__file__).parents[2] / "statemachine" / "pipeline_run.asl.json"
ORCHESTRATOR = "${orchestrator_arn}"
END = {"Type": "Succeed"}
RESULT = "{% $states.result.Payload %}"
ERROR = "{% $states.errorOutput.Error %}"


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator({"SFN_WAIT_SCALE": "0.01"}) as emulator:
        yield emulator


def echo(event: Any, _outside: Outside) -> Any:
    return event


def errors_in_turn(event: Any, outside: Outside) -> Any:
    """Raises the errors its input names, one a call, then answers how often it was called."""
    calls, errors = outside.count("calls"), event["given"]["errors"]
    if calls <= len(errors):
        raise type(errors[calls - 1], (Exception,), {})("as told")
    return calls


def answers(event: Any, outside: Outside) -> None:
    outside.succeed(event["token"], {"ready": True})


def answers_with_a_failure(event: Any, outside: Outside) -> None:
    outside.fail(event["token"], "JobLost")


def answers_the_second_time(event: Any, outside: Outside) -> None:
    if outside.count("calls") == 2:
        outside.succeed(event["token"], "second")


def breaks(_event: Any, _outside: Outside) -> None:
    raise KeyError("broken")


def answers_then_breaks(event: Any, outside: Outside) -> None:
    outside.succeed(event["token"], 1)
    raise KeyError("too late")


def sleeps(_event: Any, outside: Outside) -> str:
    outside.sleep(3)
    return "woke up"


def caught(name: str = "States.ALL", **fields: Any) -> list[dict[str, Any]]:
    return [{"ErrorEquals": [name], "Next": "Caught", "Output": ERROR, **fields}]


def with_caught(task: dict[str, Any]) -> dict[str, Any]:
    return a_machine({"T": task, "Caught": END})


COUNT_TO_THREE = {
    "Zero": {"Type": "Pass", "Assign": {"n": 0, "seen": []}, "Next": "Count"},
    "Count": {
        "Type": "Pass",
        "Assign": {"n": "{% $n + 1 %}", "seen": "{% $append($seen, $n) %}"},
        "Next": "Enough",
    },
    "Enough": {
        "Type": "Choice",
        "Choices": [{"Condition": "{% $n < 3 %}", "Next": "Count"}],
        "Default": "End",
        "Assign": {"n": "all"},
    },
    "End": {
        "Type": "Pass",
        "End": True,
        "Output": {"n": "{% $n %}", "seen": "{% $seen %}", "given": "{% $states.input %}"},
    },
}
SWAP = {
    "Set": {"Type": "Pass", "Assign": {"x": 3, "a": 6}, "Next": "Swap"},
    "Swap": {
        "Type": "Pass",
        "Assign": {"x": "{% $a %}", "a": "{% $x %}"},
        "Output": "{% $x %}",
        "Next": "End",
    },
    "End": {"Type": "Pass", "End": True, "Output": "{% [$states.input, $x, $a] %}"},
}
RULES = {
    "C": {
        "Type": "Choice",
        "Choices": [
            {
                "Condition": "{% $states.input.rows > 10 and $states.input.ready %}",
                "Next": "E",
                "Output": "many",
            },
            {"Condition": "{% $states.input.missing = 1 %}", "Next": "E", "Output": "never"},
            {
                "Condition": "{% $states.input.kind in ['a', 'b'] %}",
                "Next": "E",
                "Assign": {"k": 1},
                "Output": "kind",
            },
        ],
        "Default": "E",
    },
    "E": END,
}
WAITS = {
    "Seconds": {
        "Type": "Wait",
        "Seconds": "{% $states.input.delay %}",
        "Output": {"a": 1},
        "Next": "Instant",
    },
    "Instant": {"Type": "Wait", "Timestamp": "2020-01-01T00:00:00Z", "Assign": {"b": 2}, "Next": "End"},
    "End": {"Type": "Pass", "End": True, "Output": ["{% $states.input.a %}", "{% $b %}"]},
}
FUNCTIONS_OF_JSONATA = {
    "P": {
        "Type": "Pass",
        "Output": {
            "partition": "{% $partition([1, 2, 3], 2) %}",
            "range": "{% $range(0, 5, 2) %}",
            "hash": "{% $hash('a', 'SHA-1') %}",
            "parse": "{% $parse('{\"a\": null}') %}",
            "null": "{% $states.input.none %}",
            "filtered": "{% $states.input.rows[n > 1].n %}",
            "merged": "{% $merge([$states.input.rows, {'z': $count($states.input.rows)}]) %}",
            "millis": "{% $toMillis('2026-03-02T08:00:00Z') %}",
        },
        "End": True,
    }
}
COMPLEX_RETRY = [
    {"ErrorEquals": ["ErrorA", "ErrorB"], "IntervalSeconds": 1, "BackoffRate": 2.0, "MaxAttempts": 2},
    {"ErrorEquals": ["ErrorC"], "IntervalSeconds": 5},
]
# How a sleeping run looks once more at the end of its window.
LOOK_AGAIN = a_task(
    token=True,
    function="f",
    TimeoutSeconds="{% $states.input.limit %}",
    Catch=[{"ErrorEquals": ["States.Timeout"], "Next": "T", "Assign": {"looks": 2}, "Output": {"limit": 30}}],
)

CASES = [
    pytest.param(a_machine(COUNT_TO_THREE), {"a": None}, {}, id="a loop over variables"),
    pytest.param(a_machine(SWAP), {}, {}, id="variables are read as on entry"),
    pytest.param(a_machine(RULES), {"rows": 11, "ready": True}, {}, id="first rule"),
    pytest.param(a_machine(RULES), {"rows": 11, "ready": False, "kind": "b"}, {}, id="third rule"),
    pytest.param(a_machine(RULES), {"rows": 11, "ready": False, "kind": "c"}, {}, id="default"),
    pytest.param(a_machine(WAITS), {"delay": 60}, {}, id="waits"),
    pytest.param(
        a_machine(FUNCTIONS_OF_JSONATA),
        {"none": None, "rows": [{"n": 1}, {"n": 2}]},
        {},
        id="JSONata's functions",
    ),
    pytest.param(a_machine({"F": {"Type": "Fail", "Error": "{% 'E' & 1 %}"}}), {}, {}, id="Fail"),
    pytest.param(
        a_machine({"T": a_task(Output=RESULT)}), {"a": [1, {"b": None}]}, {"f": echo}, id="a result"
    ),
    pytest.param(
        a_machine({"T": a_task(Output=RESULT, Retry=[{"ErrorEquals": ["ErrorA"]}])}),
        {"errors": ["ErrorA", "ErrorA"]},
        {"f": errors_in_turn},
        id="retries until it succeeds",
    ),
    pytest.param(
        with_caught(a_task(Output=RESULT, Retry=COMPLEX_RETRY, Catch=caught())),
        {"errors": ["ErrorA", "ErrorB", "ErrorC", "ErrorB"]},
        {"f": errors_in_turn},
        id="the guide's complex retry",
    ),
    pytest.param(
        with_caught(
            a_task(Retry=[{"ErrorEquals": ["States.TaskFailed"], "MaxAttempts": 1}], Catch=caught("ErrorB"))
        ),
        {"errors": ["ErrorA", "ErrorB"]},
        {"f": errors_in_turn},
        id="retried by a wildcard, caught by name",
    ),
    pytest.param(
        with_caught(a_task(Catch=caught("ErrorB"))),
        {"errors": ["ErrorA"]},
        {"f": errors_in_turn},
        id="not caught",
    ),
    pytest.param(
        with_caught(
            a_task(Output="{% $states.result.Payload.none %}", Catch=caught("States.QueryEvaluationError"))
        ),
        {},
        {"f": echo},
        id="an expression that gives nothing",
    ),
    pytest.param(
        with_caught(a_task(TimeoutSeconds=1, Catch=caught("States.Timeout"))),
        {},
        {"f": sleeps},
        id="a call too long",
    ),
    pytest.param(a_machine({"T": a_task(token=True)}), {}, {"f": answers}, id="a token answered"),
    pytest.param(
        with_caught(a_task(token=True, Catch=caught("JobLost"))),
        {},
        {"f": answers_with_a_failure},
        id="with a failure",
    ),
    pytest.param(
        with_caught(a_task(token=True, TimeoutSeconds=30, Catch=caught())),
        {},
        {"f": breaks},
        id="never handed out",
    ),
    pytest.param(
        a_machine({"T": a_task(token=True)}), {}, {"f": answers_then_breaks}, id="answered, then broken"
    ),
    pytest.param(
        with_caught(a_task(token=True, TimeoutSeconds=1, Catch=caught("States.Timeout"))),
        {},
        {"f": echo},
        id="no answer",
    ),
    pytest.param(
        a_machine({"T": LOOK_AGAIN}), {"limit": 1}, {"f": answers_the_second_time}, id="looks again"
    ),
]


@pytest.mark.parametrize(("definition", "given", "functions"), CASES)
def test_both_do_the_same(
    emulator: Emulator, definition: dict[str, Any], given: Any, functions: Mapping[str, Function]
) -> None:
    assert on_walker(definition, given, functions) == on_emulator(emulator, definition, given, functions)


def plays_a_run(event: Any, outside: Outside) -> Any:
    """An orchestrator that answers each step by the story told in the run's name."""
    from datetime import UTC, datetime, timedelta

    def error(name: str) -> Exception:
        failure: Exception = type(name, (Exception,), {})("as told")
        return failure

    run, step = event["run"], event["step"]
    visits = outside.count(step)
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if run == f"over at {step}":
        raise error("RunOver")
    if run == f"broken at {step}" and visits == 1:
        raise error("Boom")
    if run == "refused twice" and step == "StartJob" and visits <= 2:
        raise error("StartRefused")
    if run == "ready no more" and step == "StartJob" and visits == 1:
        raise error("NoLongerReady")
    if step in ("EvaluateReadiness", "AwaitJob"):
        outside.succeed(event["taskToken"], {})
        return None
    if step == "StartJob":
        return {"jobEndsBy": soon}
    if step == "RecordFailure":
        return None
    if run == "fails, then succeeds" and visits == 1:
        return {"status": "WAITING", "retryAt": "2020-01-01T00:00:00Z", "windowEndsAt": soon}
    return {"status": "FAILED" if run == "fails" else "SUCCEEDED"}


@pytest.mark.parametrize(
    ("story", "states"),
    [
        ("succeeds", "EvaluateReadiness StartJob AwaitJob CompleteRun Judged Succeeded"),
        ("fails", "EvaluateReadiness StartJob AwaitJob CompleteRun Judged Failed"),
        ("over at EvaluateReadiness", "EvaluateReadiness RunOver"),
        ("over at AwaitJob", "EvaluateReadiness StartJob AwaitJob RunOver"),
        ("broken at StartJob", "EvaluateReadiness StartJob AwaitJob CompleteRun Judged Succeeded"),
        ("refused twice", "EvaluateReadiness StartJob AwaitJob CompleteRun Judged Succeeded"),
        (
            "ready no more",
            "EvaluateReadiness StartJob EvaluateReadiness StartJob AwaitJob CompleteRun Judged Succeeded",
        ),
        (
            "fails, then succeeds",
            "EvaluateReadiness StartJob AwaitJob CompleteRun Judged BackOff"
            " EvaluateReadiness StartJob AwaitJob CompleteRun Judged Succeeded",
        ),
    ],
)
def test_both_walk_the_real_machine_alike(emulator: Emulator, story: str, states: str) -> None:
    definition = json.loads(MACHINE.read_text())
    window_ends_at = datetime.now(UTC) + timedelta(hours=1)
    given = {"run": story, "windowEndsAt": window_ends_at.isoformat(timespec="milliseconds")}
    functions = {ORCHESTRATOR: plays_a_run}

    walked = on_walker(definition, given, functions)

    assert " ".join(walked.entered) == states
    assert walked == on_emulator(emulator, definition, given, functions)

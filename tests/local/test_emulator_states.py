"""State machines on the emulator retry, wait for their tokens, time out and start as on Step Functions."""

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from interlock.local.emulator import Emulator
from interlock.local.emulator_states import delay_seconds
from local.emulator_kit import (
    callback_task,
    deploy,
    eventually,
    finished,
    make_machine,
    make_queue,
    messages,
    run,
    shared,
    start,
    task,
    unique,
)

pytestmark = pytest.mark.embedded

RAISES = """
    class TableIsGone(Exception):
        pass

    def handler(event, context):
        raise TableIsGone("no such table")
"""

ANSWERS = "def handler(event, context): return event"

DIES = "import os\ndef handler(event, context): os._exit(1)"

# Puts what it is called with into the queue named in its input, so that a test can answer with the token.
HANDS_OUT_TOKEN = """
    import json, boto3

    def handler(event, context):
        boto3.client("sqs").send_message(QueueUrl=event["queue"], MessageBody=json.dumps(event))
"""

COUNTS_ITS_CALLS = """
    import json, boto3

    class NotYet(Exception):
        pass

    def handler(event, context):
        boto3.client("sqs").send_message(QueueUrl=event["queue"], MessageBody=json.dumps(event))
        %s
"""

CATCH_ALL = [
    {"ErrorEquals": ["States.ALL"], "Next": "Caught", "Output": "{% $states.errorOutput %}"},
]


def output(execution: dict[str, Any]) -> Any:
    assert execution["status"] == "SUCCEEDED", execution
    return json.loads(execution["output"])


def error_code(raised: pytest.ExceptionInfo[ClientError]) -> str:
    return raised.value.response["Error"]["Code"]


def token_of(emulator: Emulator, queue: str) -> str:
    """The token that the function handed out."""
    return eventually(lambda: messages(emulator, queue))[0]["token"]


@pytest.mark.parametrize("kind", [task, callback_task], ids=["a plain task", "a task with a token"])
@pytest.mark.parametrize(
    ("source", "error"),
    [
        pytest.param(RAISES, "TableIsGone", id="raises"),
        pytest.param(DIES, "Runtime.ExitError", id="dies"),
    ],
)
def test_a_failing_function_fails_its_task_at_once_by_the_name_of_its_error(
    emulator: Emulator, kind: Any, source: str, error: str
) -> None:
    catch = [{"ErrorEquals": [error], "Next": "Caught", "Output": "{% $states.errorOutput %}"}]

    caught = output(run(emulator, kind(shared(emulator, source), Catch=catch, TimeoutSeconds=60)))

    assert caught["Error"] == error
    assert json.loads(caught["Cause"])["errorType"] == error


def test_the_cause_of_a_failed_task_is_the_function_s_whole_error(emulator: Emulator) -> None:
    caught = output(run(emulator, task(shared(emulator, RAISES), Catch=CATCH_ALL)))

    cause = json.loads(caught["Cause"])
    assert cause["errorMessage"] == "no such table"
    assert cause.keys() == {"errorMessage", "errorType", "requestId", "stackTrace"}


@pytest.mark.parametrize(
    ("failure", "error"),
    [("raise NotYet()", "NotYet"), ("import os; os._exit(1)", "Runtime.ExitError")],
    ids=["raises", "dies"],
)
def test_a_task_is_retried_by_the_name_of_its_error(emulator: Emulator, failure: str, error: str) -> None:
    url, _ = make_queue(emulator)
    retry = [
        {"ErrorEquals": ["SomethingElse"], "MaxAttempts": 9},
        {
            "ErrorEquals": [error],
            "IntervalSeconds": 1,
            "MaxAttempts": 2,
            "MaxDelaySeconds": 2,
            "BackoffRate": 1,
            "JitterStrategy": "FULL",
        },
    ]
    function = shared(emulator, COUNTS_ITS_CALLS % failure)

    execution = run(emulator, callback_task(function, Retry=retry), {"queue": url})

    assert (execution["status"], execution["error"]) == ("FAILED", error)
    assert len(messages(emulator, url)) == 3


@pytest.mark.parametrize(
    ("retrier", "retries", "least", "most"),
    [
        pytest.param({}, 0, 1, 1, id="first by default"),
        pytest.param({}, 3, 8, 8, id="doubling by default"),
        pytest.param({"IntervalSeconds": 5, "BackoffRate": 1.5}, 2, 11.25, 11.25, id="as configured"),
        pytest.param({"IntervalSeconds": 5, "MaxDelaySeconds": 12}, 2, 12, 12, id="at most"),
        pytest.param({"IntervalSeconds": 60}, 1, 120, 120, id="longer than a minute"),
        pytest.param({"IntervalSeconds": 8, "JitterStrategy": "FULL"}, 0, 0, 8, id="jittered"),
    ],
)
def test_the_delay_before_a_retry(retrier: dict[str, Any], retries: int, least: float, most: float) -> None:
    assert least <= delay_seconds(retrier, retries) <= most


def test_each_attempt_has_a_token_of_its_own(emulator: Emulator) -> None:
    url, _ = make_queue(emulator)
    retry = [{"ErrorEquals": ["NotYet"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    function = shared(emulator, COUNTS_ITS_CALLS % "raise NotYet()")

    run(emulator, callback_task(function, Retry=retry), {"queue": url})

    assert len({message["token"] for message in messages(emulator, url)}) == 2


def test_a_throttled_function_fails_its_task_as_too_many_requests(emulator: Emulator) -> None:
    function = deploy(emulator, ANSWERS)
    emulator.client("lambda").put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)

    assert (
        output(run(emulator, task(function, Catch=CATCH_ALL)))["Error"] == "Lambda.TooManyRequestsException"
    )


def test_a_function_may_answer_with_the_token_of_the_call_it_is_in(emulator: Emulator) -> None:
    source = """
        import boto3, json

        def handler(event, context):
            boto3.client("stepfunctions").send_task_success(
                taskToken=event["token"], output=json.dumps({"ready": True})
            )
            return "ignored"
    """

    assert output(run(emulator, callback_task(shared(emulator, source)))) == {"ready": True}


def test_a_task_goes_on_with_its_token_while_its_function_still_runs(emulator: Emulator) -> None:
    source = """
        import boto3, time

        def handler(event, context):
            boto3.client("stepfunctions").send_task_success(taskToken=event["token"], output="1")
            time.sleep(8)
    """
    started = time.monotonic()

    assert output(run(emulator, callback_task(shared(emulator, source)))) == 1
    assert time.monotonic() - started < 6


def test_a_token_answered_from_outside_completes_the_task(emulator: Emulator) -> None:
    url, _ = make_queue(emulator)
    machine = make_machine(emulator, callback_task(shared(emulator, HANDS_OUT_TOKEN)))
    execution = start(emulator, machine, {"queue": url})

    emulator.client("stepfunctions").send_task_success(
        taskToken=token_of(emulator, url), output='{"woken": 1}'
    )

    assert output(finished(emulator, execution)) == {"woken": 1}


def test_a_failure_sent_with_a_token_is_caught_by_its_name(emulator: Emulator) -> None:
    url, _ = make_queue(emulator)
    catch = [{"ErrorEquals": ["JobFailed"], "Next": "Caught", "Output": "{% $states.errorOutput %}"}]
    machine = make_machine(emulator, callback_task(shared(emulator, HANDS_OUT_TOKEN), Catch=catch))
    execution = start(emulator, machine, {"queue": url})

    emulator.client("stepfunctions").send_task_failure(
        taskToken=token_of(emulator, url), error="JobFailed", cause="rate exceeded"
    )

    assert output(finished(emulator, execution)) == {"Error": "JobFailed", "Cause": "rate exceeded"}


@pytest.mark.parametrize("ending", ["answered", "timed out", "stopped"])
def test_a_token_that_nobody_waits_for_any_more_has_timed_out(emulator: Emulator, ending: str) -> None:
    url, _ = make_queue(emulator)
    states = emulator.client("stepfunctions")
    definition = callback_task(shared(emulator, HANDS_OUT_TOKEN), TimeoutSeconds=1)
    if ending != "timed out":
        definition["States"]["Work"]["TimeoutSeconds"] = 60
    execution = start(emulator, make_machine(emulator, definition), {"queue": url})
    token = token_of(emulator, url)
    if ending == "answered":
        states.send_task_success(taskToken=token, output="1")
    if ending == "stopped":
        states.stop_execution(executionArn=execution)
    finished(emulator, execution)

    for send, values in [
        (states.send_task_success, {"output": "2"}),
        (states.send_task_failure, {"error": "E"}),
        (states.send_task_heartbeat, {}),
    ]:
        with pytest.raises(ClientError) as raised:
            send(taskToken=token, **values)
        assert error_code(raised) == "TaskTimedOut"


def test_a_token_s_output_must_be_json(emulator: Emulator) -> None:
    with pytest.raises(ClientError) as raised:
        emulator.client("stepfunctions").send_task_success(taskToken="any", output="{")

    assert error_code(raised) == "InvalidOutput"


def test_a_token_nobody_gave_out_does_not_exist(emulator: Emulator) -> None:
    with pytest.raises(ClientError) as raised:
        emulator.client("stepfunctions").send_task_success(taskToken="made up", output="1")

    assert error_code(raised) == "TaskDoesNotExist"


def test_a_stopped_execution_stays_aborted_and_retries_nothing(emulator: Emulator) -> None:
    url, _ = make_queue(emulator)
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 5}]
    machine = make_machine(emulator, callback_task(shared(emulator, HANDS_OUT_TOKEN), Retry=retry))
    execution = start(emulator, machine, {"queue": url})
    token_of(emulator, url)

    emulator.client("stepfunctions").stop_execution(executionArn=execution)

    time.sleep(1.3)  # longer than the retry would have waited
    assert finished(emulator, execution)["status"] == "ABORTED"
    assert messages(emulator, url) == []


@pytest.mark.parametrize(
    "expression",
    [
        "{% $states.input.seconds %}",
        "{% $max([1, $states.input.seconds]) %}",
        "{% $ceil(($toMillis($states.context.State.EnteredTime) + 900 - $millis()) / 1000) %}",
    ],
)
def test_a_time_out_may_be_computed_from_input_and_context(emulator: Emulator, expression: str) -> None:
    url, _ = make_queue(emulator)
    definition = callback_task(shared(emulator, HANDS_OUT_TOKEN), TimeoutSeconds=expression, Catch=CATCH_ALL)

    assert output(run(emulator, definition, {"queue": url, "seconds": 1}))["Error"] == "States.Timeout"


@pytest.mark.parametrize("expression", ["{% 0 %}", "{% 1.5 %}", "{% 'soon' %}", "{% $nothing %}"])
def test_a_time_out_that_is_no_positive_integer_fails_the_task(emulator: Emulator, expression: str) -> None:
    definition = task(shared(emulator, ANSWERS), TimeoutSeconds=expression, Catch=CATCH_ALL)

    assert output(run(emulator, definition))["Error"] == "States.QueryEvaluationError"


def test_a_plain_task_that_is_too_slow_times_out(emulator: Emulator) -> None:
    slow = deploy(emulator, "import time\ndef handler(event, context): time.sleep(5)")

    caught = output(run(emulator, task(slow, TimeoutSeconds=1, Catch=CATCH_ALL)))

    assert caught["Error"] == "States.Timeout"


def test_a_time_out_caught_back_into_the_same_state_hands_out_a_new_token(emulator: Emulator) -> None:
    url, _ = make_queue(emulator)
    again = [{"ErrorEquals": ["States.Timeout"], "Next": "Work", "Output": "{% $states.input %}"}]
    machine = make_machine(
        emulator, callback_task(shared(emulator, HANDS_OUT_TOKEN), TimeoutSeconds=2, Catch=again)
    )
    execution = start(emulator, machine, {"queue": url})
    first = token_of(emulator, url)
    second = token_of(emulator, url)

    emulator.client("stepfunctions").send_task_success(taskToken=second, output="2")

    assert first != second
    assert output(finished(emulator, execution)) == 2


def test_the_context_names_execution_machine_and_state(emulator: Emulator) -> None:
    context = "{% $states.context %}"
    function = deploy(emulator, ANSWERS)
    machine = make_machine(emulator, task(function, Arguments={"FunctionName": function, "Payload": context}))
    execution = start(emulator, machine, {"a": 1}, name=unique("run"))

    seen = output(finished(emulator, execution))

    assert seen["Execution"]["Id"] == execution
    assert seen["Execution"]["Name"] == execution.split(":")[-1]
    assert seen["Execution"]["Input"] == {"a": 1}
    assert seen["State"]["Name"] == "Work"
    assert seen["State"]["RetryCount"] == 0
    assert seen["State"]["EnteredTime"] >= seen["Execution"]["StartTime"]
    assert seen["StateMachine"]["Id"] == machine


def test_a_catcher_shapes_its_output_and_assigns_variables(emulator: Emulator) -> None:
    catch = [
        {
            "ErrorEquals": ["TableIsGone"],
            "Next": "Caught",
            "Output": {"why": "{% $states.errorOutput.Error %}", "was": "{% $states.input.a %}"},
            "Assign": {"failures": "{% $states.input.a + 1 %}"},
        }
    ]
    definition = task(shared(emulator, RAISES), Catch=catch)
    definition["States"]["Caught"]["Output"] = {
        "in": "{% $states.input %}",
        "failures": "{% $failures %}",
    }

    caught = output(run(emulator, definition, {"a": 1}))

    assert caught == {"in": {"why": "TableIsGone", "was": 1}, "failures": 2}


def test_variables_are_assigned_all_at_once(emulator: Emulator) -> None:
    swap = {"a": "{% $b %}", "b": "{% $a %}"}
    definition = {
        "StartAt": "Set",
        "States": {
            "Set": {"Type": "Pass", "Assign": {"a": 1, "b": 2}, "Next": "Swap"},
            "Swap": {"Type": "Pass", "Assign": swap, "Next": "Show"},
            "Show": {"Type": "Pass", "Output": "{% [$a, $b] %}", "End": True},
        },
    }

    assert output(run(emulator, definition)) == [2, 1]


def test_a_jsonpath_machine_still_runs(emulator: Emulator) -> None:
    function = deploy(emulator, ANSWERS)
    definition = {
        "QueryLanguage": "JSONPath",
        "StartAt": "Work",
        "States": {
            "Work": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": {"FunctionName": function, "Payload.$": "$.order"},
                "ResultSelector": {"got.$": "$.Payload"},
                "ResultPath": "$.result",
                "TimeoutSeconds": 5,
                "End": True,
            }
        },
    }

    assert output(run(emulator, definition, {"order": [1]})) == {"order": [1], "result": {"got": [1]}}


def test_a_start_repeated_while_it_runs_answers_the_same(emulator: Emulator) -> None:
    machine = make_machine(
        emulator, {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 30, "End": True}}}
    )
    states = emulator.client("stepfunctions")
    call = {"stateMachineArn": machine, "name": unique("run"), "input": '{"a": 1}'}

    first = states.start_execution(**call)
    second = states.start_execution(**call)

    assert second["executionArn"] == first["executionArn"]
    assert second["startDate"] == first["startDate"]


@pytest.mark.parametrize("change", ["other input", "closed"])
def test_a_start_with_other_input_or_of_a_closed_execution_is_refused(
    emulator: Emulator, change: str
) -> None:
    machine = make_machine(
        emulator, {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 30, "End": True}}}
    )
    states = emulator.client("stepfunctions")
    call = {"stateMachineArn": machine, "name": unique("run"), "input": '{"a": 1}'}
    execution = states.start_execution(**call)["executionArn"]
    if change == "closed":
        states.stop_execution(executionArn=execution)
    else:
        call["input"] = '{"a": 2}'

    with pytest.raises(ClientError) as raised:
        states.start_execution(**call)

    assert error_code(raised) == "ExecutionAlreadyExists"


@pytest.mark.parametrize("name", ["a" * 81, "a b", "a/b", "a:b", "a#b"])
def test_a_name_that_aws_refuses_is_refused(emulator: Emulator, name: str) -> None:
    machine = make_machine(emulator, {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})

    with pytest.raises(ClientError) as raised:
        emulator.client("stepfunctions").start_execution(stateMachineArn=machine, name=name)

    assert error_code(raised) == "InvalidName"


def test_an_execution_s_changes_of_status_are_events_on_the_default_bus(emulator: Emulator) -> None:
    machine = make_machine(emulator, {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
    url, arn = make_queue(emulator)
    events = emulator.client("events")
    rule = unique("rule")
    pattern = {"source": ["aws.states"], "detail": {"stateMachineArn": [machine]}}
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": arn}])
    seen: list[Any] = []

    execution = start(emulator, machine)

    eventually(lambda: seen.extend(messages(emulator, url)) or len(seen) == 2)
    running, succeeded = sorted(seen, key=lambda event: event["detail"]["status"])
    assert succeeded["detail-type"] == "Step Functions Execution Status Change"
    assert [running["detail"]["status"], succeeded["detail"]["status"]] == ["RUNNING", "SUCCEEDED"]
    assert succeeded["detail"]["executionArn"] == execution
    assert succeeded["detail"]["name"] == execution.split(":")[-1]
    assert succeeded["detail"]["stopDate"] >= succeeded["detail"]["startDate"]


def test_the_history_lists_the_states_entered(emulator: Emulator) -> None:
    execution = run(emulator, task(shared(emulator, RAISES), Catch=CATCH_ALL))

    history = emulator.client("stepfunctions").get_execution_history(executionArn=execution["executionArn"])

    entered = [
        event["stateEnteredEventDetails"]["name"]
        for event in history["events"]
        if "stateEnteredEventDetails" in event
    ]
    failed = [event for event in history["events"] if event["type"] == "TaskFailed"]
    assert entered == ["Work", "Caught"]
    assert failed[0]["taskFailedEventDetails"]["error"] == "TableIsGone"

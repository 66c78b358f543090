"""Starting executions and waking tasks, as Step Functions answers."""

import json
import logging

import pytest
from botocore.stub import ANY

from aws.stubs import stubbed
from interlock.aws.state_machine import StepFunctionsMachine
from interlock.ports import CallFailed

ARN = "arn:aws:states:eu-west-1:123456789012:stateMachine:test-interlock-pipeline-run"


@pytest.fixture
def client(session):
    return session.client("stepfunctions")


def a_definition():
    return json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})


def test_a_start_gives_the_machine_its_input_under_the_name(aws):
    client = aws("stepfunctions")
    role = "arn:aws:iam::123456789012:role/states"
    made = client.create_state_machine(name="test", definition=a_definition(), roleArn=role)

    StepFunctionsMachine(client, made["stateMachineArn"]).start(
        "gold-cron-2026-03-01-1.0", {"date": "2026-03-01"}
    )

    (execution,) = client.list_executions(stateMachineArn=made["stateMachineArn"])["executions"]
    started = client.describe_execution(executionArn=execution["executionArn"])
    assert execution["name"] == "gold-cron-2026-03-01-1.0"
    assert json.loads(started["input"]) == {"date": "2026-03-01"}


def test_a_name_that_is_taken_is_success(client, caplog):
    caplog.set_level(logging.INFO)

    with stubbed(client) as stub:
        stub.add_client_error("start_execution", "ExecutionAlreadyExists")
        StepFunctionsMachine(client, ARN).start("taken", {})

    assert [(line.levelname, line.execution) for line in caplog.records if hasattr(line, "execution")] == [
        ("INFO", "taken")
    ]


@pytest.mark.parametrize("code", ["StateMachineDoesNotExist", "InvalidName", "ThrottlingException"])
def test_any_other_refusal_of_a_start_is_a_failed_call(client, code):
    with stubbed(client) as stub:
        stub.add_client_error("start_execution", code)
        with pytest.raises(CallFailed) as failed:
            StepFunctionsMachine(client, ARN).start("name", {})

    assert (failed.value.call, failed.value.code) == ("stepfunctions.StartExecution", code)


def test_a_task_is_woken_with_its_token(client):
    with stubbed(client) as stub:
        stub.add_response("send_task_success", {}, {"taskToken": "token", "output": "{}"})
        StepFunctionsMachine(client, ARN).succeed("token")


def test_a_task_fails_with_an_error_and_a_cause_as_long_as_aws_allows(client):
    request = {"taskToken": "token", "error": "e" * 256, "cause": "c" * 32768}

    with stubbed(client) as stub:
        stub.add_response("send_task_failure", {}, request)
        StepFunctionsMachine(client, ARN).fail("token", "e" * 300, "c" * 40000)


WAKE = [
    pytest.param("send_task_success", lambda machine: machine.succeed("token"), id="succeed"),
    pytest.param("send_task_failure", lambda machine: machine.fail("token", "Gone", "why"), id="fail"),
]


@pytest.mark.parametrize(("method", "wake"), WAKE)
@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_a_token_that_is_closed_is_a_lost_race(client, method, wake, code):
    with stubbed(client) as stub:
        stub.add_client_error(method, code, expected_params={"taskToken": "token", **_rest(method)})
        wake(StepFunctionsMachine(client, ARN))


@pytest.mark.parametrize(("method", "wake"), WAKE)
def test_any_other_refusal_of_a_token_is_a_failed_call(client, method, wake):
    with stubbed(client) as stub:
        stub.add_client_error(method, "ThrottlingException")
        with pytest.raises(CallFailed):
            wake(StepFunctionsMachine(client, ARN))


def _rest(method):
    return {"output": ANY} if method == "send_task_success" else {"error": ANY, "cause": ANY}

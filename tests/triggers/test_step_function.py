"""Step Functions on the wire."""

import json

import pytest
from botocore.stub import Stubber
from moto import mock_aws

from interlock.domain.run import FailureCategory, JobEnd
from interlock.ports import TriggerError
from interlock.triggers import execution_states
from interlock.triggers.outside import Outside
from interlock.triggers.step_function import StepFunctionTrigger, execution_arn
from triggers.aws_services import ACCOUNT, a_client
from triggers.requests_for import RUN_ID, a_request

MACHINE = f"{ACCOUNT}:stateMachine:etl"
EXECUTION = f"{ACCOUNT}:execution:etl:{RUN_ID}"
HANDLE = {"executionArn": EXECUTION}
PERIOD = {
    "pipeline": "gold-revenue",
    "date": "2026-03-01",
    "hour": "18",
    "par_day": "20260301",
    "par_hour": "18",
    "attempt": 1,
    "run_id": RUN_ID,
}


REFUSALS = [
    ("StateMachineDoesNotExist", 400, True, False),
    ("StateMachineDeleting", 400, True, False),
    ("InvalidArn", 400, True, False),
    ("InvalidExecutionInput", 400, True, False),
    ("InvalidName", 400, True, False),
    ("ValidationException", 400, True, False),
    ("AccessDeniedException", 400, True, False),
    ("KmsAccessDeniedException", 400, True, False),
    ("KmsInvalidStateException", 400, True, False),
    ("KmsThrottlingException", 400, False, False),
    ("ExecutionLimitExceeded", 400, False, False),
    ("ThrottlingException", 400, False, False),
    ("ServiceUnavailable", 503, False, True),
]


@pytest.fixture
def states():
    with Stubber(a_client("stepfunctions")) as stub:
        yield stub
        stub.assert_no_pending_responses()


def trigger_of(client):
    return StepFunctionTrigger(
        Outside(clients=lambda _: client, http=None, processes=None, in_background=None)
    )


def expect_start(stub, execution_input, execution=EXECUTION):
    asked = {"stateMachineArn": MACHINE, "name": RUN_ID, "input": execution_input}
    stub.add_response("start_execution", {"executionArn": execution, "startDate": 0}, asked)


@pytest.mark.parametrize(
    ("config", "sent"),
    [
        ({"input": '{"day": "2026-03-01"}'}, '{"day": "2026-03-01"}'),
        ({"input": {"day": "2026-03-01", "n": 1}}, '{"day": "2026-03-01", "n": 1}'),
        ({}, json.dumps(PERIOD)),
    ],
)
def test_a_start_is_named_after_the_run_and_told_its_input_or_period(states, config, sent):
    expect_start(states, sent)

    started = trigger_of(states.client).start(a_request({"stateMachineArn": MACHINE, **config}))

    assert (started.handle, started.remote_id, started.answer) == (HANDLE, EXECUTION, None)


def test_an_execution_that_exists_already_is_the_one_an_earlier_try_started(states):
    states.add_client_error("start_execution", "ExecutionAlreadyExists", http_status_code=400)

    started = trigger_of(states.client).start(a_request({"stateMachineArn": MACHINE}))

    assert (started.handle, started.remote_id) == (HANDLE, EXECUTION)


@pytest.mark.parametrize(("code", "status", "permanent", "unknown"), REFUSALS)
def test_what_a_refused_start_means(states, code, status, permanent, unknown):
    states.add_client_error("start_execution", code, http_status_code=status)

    with pytest.raises(TriggerError, match=code) as error:
        trigger_of(states.client).start(a_request({"stateMachineArn": MACHINE}))

    assert (error.value.permanent, error.value.unknown_outcome) == (permanent, unknown)


def test_every_refusal_that_the_service_model_names_has_its_meaning():
    operation = a_client("stepfunctions").meta.service_model.operation_model("StartExecution")

    known = {code for code, *_ in REFUSALS} | {"ExecutionAlreadyExists"}
    assert {shape.name for shape in operation.error_shapes} <= known


def test_an_express_machine_is_refused_for_its_end_could_not_be_seen(states):
    express = f"{ACCOUNT}:express:etl:{RUN_ID}:f7d8a1c0"
    expect_start(states, json.dumps(PERIOD), express)

    with pytest.raises(TriggerError, match="use a STANDARD one") as error:
        trigger_of(states.client).start(a_request({"stateMachineArn": MACHINE}))

    assert (error.value.permanent, error.value.unknown_outcome) == (True, True)


@pytest.mark.parametrize(
    ("machine", "execution"),
    [
        (MACHINE, f"{ACCOUNT}:execution:etl:run-1"),
        (f"{MACHINE}:3", f"{ACCOUNT}:execution:etl:run-1"),
        (f"{MACHINE}:PROD", f"{ACCOUNT}:execution:etl:run-1"),
        (
            "arn:aws-cn:states:cn-north-1:1:stateMachine:etl",
            "arn:aws-cn:states:cn-north-1:1:execution:etl:run-1",
        ),
    ],
)
def test_the_arn_of_an_execution_follows_from_its_machines(machine, execution):
    assert execution_arn(machine, "run-1") == execution


@pytest.mark.parametrize(
    "machine", ["etl", "arn:aws:lambda:eu-west-1:1:function:etl", f"{ACCOUNT}:activity:etl", ""]
)
def test_what_is_not_the_arn_of_a_machine_is_a_permanent_error(states, machine):
    with pytest.raises(TriggerError, match="stateMachineArn") as error:
        trigger_of(states.client).start(a_request({"stateMachineArn": machine}))

    assert error.value.permanent


@pytest.mark.parametrize(
    ("status", "end", "category"),
    [
        ("SUCCEEDED", JobEnd.SUCCESS, None),
        ("FAILED", JobEnd.FAIL, None),
        ("TIMED_OUT", JobEnd.TIMEOUT, FailureCategory.TIMEOUT),
        ("ABORTED", JobEnd.FAIL, FailureCategory.PERMANENT),
    ],
)
def test_how_an_execution_ended(states, status, end, category):
    expect_description(states, status, error="Boom", cause="it broke")

    outcome = trigger_of(states.client).status(HANDLE)

    assert (outcome.end, outcome.category) == (end, category)
    assert outcome.error == (None if end is JobEnd.SUCCESS else f"execution {status}: Boom: it broke")


def expect_description(stub, status, **more):
    description = {"executionArn": EXECUTION, "stateMachineArn": MACHINE, "status": status, "startDate": 0}
    stub.add_response("describe_execution", description | more, {"executionArn": EXECUTION})


def test_the_statuses_are_those_of_the_service_model():
    statuses = a_client("stepfunctions").meta.service_model.shape_for("ExecutionStatus").enum

    assert set(statuses) == execution_states.RUNNING | set(execution_states.ENDED)


@pytest.mark.parametrize("status", ["RUNNING", "PENDING_REDRIVE"])
def test_an_execution_goes_on(states, status):
    expect_description(states, status)

    assert trigger_of(states.client).status(HANDLE) is None


@pytest.mark.parametrize(
    ("code", "permanent"),
    [
        ("ExecutionDoesNotExist", True),
        ("InvalidArn", True),
        ("AccessDeniedException", False),
        ("KmsAccessDeniedException", False),
        ("ThrottlingException", False),
    ],
)
def test_a_status_that_is_refused_to_us_says_nothing_of_the_execution(states, code, permanent):
    states.add_client_error("describe_execution", code, http_status_code=400)

    with pytest.raises(TriggerError, match=code) as refused:
        trigger_of(states.client).status(HANDLE)

    assert refused.value.permanent is permanent


def test_cancelling_an_execution_that_is_long_forgotten_is_no_error(states):
    states.add_client_error("stop_execution", "ExecutionDoesNotExist", http_status_code=400)

    trigger_of(states.client).cancel(HANDLE)


@pytest.mark.parametrize(
    ("code", "permanent"), [("ThrottlingException", False), ("AccessDeniedException", True)]
)
def test_a_look_up_that_fails_leaves_it_unknown_whether_the_execution_was_started(states, code, permanent):
    states.add_client_error("describe_execution", code, http_status_code=400)

    with pytest.raises(TriggerError) as raised:
        trigger_of(states.client).find(a_request({"stateMachineArn": MACHINE}))

    assert (raised.value.permanent, raised.value.unknown_outcome) == (permanent, True)


@mock_aws
def test_two_starts_are_one_execution_on_moto():
    client = a_client("stepfunctions", url=None)
    machine = client.create_state_machine(
        name="etl",
        definition='{"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 60, "End": true}}}',
        roleArn="arn:aws:iam::123456789012:role/etl",
    )["stateMachineArn"]
    trigger, request = trigger_of(client), a_request({"stateMachineArn": machine})

    assert trigger.find(request) is None
    first = trigger.start(request)
    again = trigger.start(request)

    assert first == again == trigger.find(request)
    assert len(client.list_executions(stateMachineArn=machine)["executions"]) == 1
    assert trigger.status(first.handle) is None
    trigger.cancel(first.handle)
    trigger.cancel(first.handle)
    assert trigger.status(first.handle).end is JobEnd.FAIL

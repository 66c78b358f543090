"""A job of each type that runs on this machine, from the write at which its rules hold to its end."""

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flow.world import DATE, World
from interlock.aws import keys
from interlock.domain.run import Run, RunStatus
from local.emulator_kit import deploy, eventually, make_machine, make_queue, messages
from triggers.loopback import Exchange, loopback

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("flow")]

# Leaves what it was called with in a queue, and answers as its payload says.
TELLS = """
    import json, boto3

    def handler(event, context):
        boto3.client("sqs").send_message(QueueUrl=event["queue"], MessageBody=json.dumps(event))
        return event["answer"]
"""


def played(world: World, job: Mapping[str, Any], becomes: RunStatus) -> Run:
    """Declare it, open its run with every rule holding, and see it to its end."""
    pipeline = world.declare(job, maxRetries=0)
    world.open_ready(pipeline)
    return world.reaches(pipeline, becomes)


@pytest.mark.parametrize(("status", "becomes"), [(200, RunStatus.SUCCEEDED), (404, RunStatus.FAILED)])
def test_an_http_job_ends_as_its_endpoint_answers(world: World, status: int, becomes: RunStatus) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.answer(status)

    with loopback(answer) as server:
        config = {"url": f"{server.url}/exports", "body": {"date": "${DATE}"}}
        run = played(world, {"type": "http", "config": config}, becomes)

    (request,) = server.received
    assert (request.path, request.json) == ("/exports", {"date": DATE})
    assert request.headers["idempotency-key"] == run.run_id


@pytest.mark.parametrize(
    ("answer", "becomes"),
    [({"statusCode": 200}, RunStatus.SUCCEEDED), ({"statusCode": 500}, RunStatus.FAILED)],
)
def test_a_lambda_job_ends_as_its_function_answers(
    world: World, answer: dict[str, int], becomes: RunStatus
) -> None:
    emulator = world.session.emulator
    queue, _ = make_queue(emulator)
    payload = {"queue": queue, "answer": answer, "date": "${DATE}"}
    config = {"functionName": deploy(emulator, TELLS), "payload": payload}

    played(world, {"type": "lambda", "config": config}, becomes)

    assert [call["date"] for call in messages(emulator, queue)] == [DATE]


def called_back(world: World, pipeline: str, event: str, **said: Any) -> None:
    """The job of the run under way writes a `JOB#` record, as its last act."""
    run = world.reaches(pipeline, RunStatus.RUNNING)
    partition, sort = keys.job_key(run.key, datetime.now(UTC), run.attempt)
    world.put("joblog", {"PK": partition, "SK": sort, "event": event, "runId": run.run_id, **said})


CALLED_BACK = pytest.mark.parametrize(
    ("event", "becomes"), [("success", RunStatus.SUCCEEDED), ("fail", RunStatus.FAILED)]
)


@CALLED_BACK
def test_a_lambda_job_that_is_not_waited_for_ends_by_its_callback(
    world: World, event: str, becomes: RunStatus
) -> None:
    emulator = world.session.emulator
    queue, _ = make_queue(emulator)
    config = {
        "functionName": deploy(emulator, TELLS),
        "payload": {"queue": queue, "answer": 1},
        "async": True,
    }
    pipeline = world.declare({"type": "lambda", "config": config}, maxRetries=0)

    world.open_ready(pipeline)
    called_back(world, pipeline, event, recordsProcessed=7)

    run = world.reaches(pipeline, becomes)
    assert run.outcome is not None
    assert run.outcome.report == {"recordsProcessed": 7}
    assert [call["answer"] for call in eventually(lambda: messages(emulator, queue))] == [1]


@CALLED_BACK
def test_an_http_job_that_calls_back_is_not_ended_by_its_answer(
    world: World, event: str, becomes: RunStatus
) -> None:
    with loopback(lambda exchange: exchange.answer(202)) as server:
        config = {"url": f"{server.url}/exports", "callback": True}
        pipeline = world.declare({"type": "http", "config": config}, maxRetries=0)

        world.open_ready(pipeline)
        called_back(world, pipeline, event)

        world.reaches(pipeline, becomes)
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("last", "becomes"),
    [
        ({"Type": "Succeed"}, RunStatus.SUCCEEDED),
        ({"Type": "Fail", "Error": "NoOrders", "Cause": "none came"}, RunStatus.FAILED),
    ],
)
def test_a_step_function_job_ends_as_its_execution_does(
    world: World, last: dict[str, str], becomes: RunStatus
) -> None:
    machine = make_machine(world.session.emulator, {"StartAt": "Last", "States": {"Last": last}})
    config = {"stateMachineArn": machine, "input": {"date": "${DATE}"}}

    run = played(world, {"type": "step-function", "config": config}, becomes)

    states = world.session.emulator.client("stepfunctions")
    (execution,) = states.list_executions(stateMachineArn=machine)["executions"]
    described = states.describe_execution(executionArn=execution["executionArn"])
    assert json.loads(described["input"]) == {"date": DATE}
    assert execution["executionArn"] == run.remote_id


def test_the_execution_of_a_run_whose_workflow_is_stopped_is_stopped(world: World) -> None:
    emulator = world.session.emulator
    waits = {"Type": "Wait", "Seconds": 600, "End": True}
    machine = make_machine(emulator, {"StartAt": "Waits", "States": {"Waits": waits}})
    pipeline = world.declare({"type": "step-function", "config": {"stateMachineArn": machine}}, maxRetries=0)
    world.open_ready(pipeline)

    world.stop_workflow(pipeline)

    world.reaches(pipeline, RunStatus.FAILED)
    listed = emulator.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    assert [execution["status"] for execution in listed] == ["ABORTED"]


@pytest.mark.parametrize(("exit_code", "becomes"), [(0, RunStatus.SUCCEEDED), (3, RunStatus.FAILED)])
def test_a_command_ends_with_its_exit_code(
    world: World, tmp_path: Path, exit_code: int, becomes: RunStatus
) -> None:
    written = tmp_path / "written"
    program = (
        f"import pathlib, sys; pathlib.Path({str(written)!r}).write_text(sys.argv[1]); sys.exit({exit_code})"
    )
    config = {"command": [sys.executable, "-c", program, "${DATE}"]}

    played(world, {"type": "command", "config": config}, becomes)

    assert written.read_text() == DATE

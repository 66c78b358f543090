"""Adapters against the emulator, where it answers truthfully for the service: Step Functions, Lambda, CloudWatch Logs.

It cannot play Glue (a job succeeds at once, without RUNNING, arguments or insights: a stand-in does), nor refuse as Step
Functions does: it accepts an EXPRESS machine as any other, and has no quota of open executions. There `triggers/` holds
each request and answer against the service model.
"""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest

from flow.world import DATE, World
from interlock.aws import keys
from interlock.domain.run import FailureCategory, JobEnd, RunKey, RunStatus
from interlock.local.job_services import JobRun, LocalJob
from interlock.ports import JobRequest
from interlock.triggers.background import on_a_thread
from interlock.triggers.lambda_function import LambdaTrigger
from interlock.triggers.outside import Outside
from interlock.triggers.step_function import StepFunctionTrigger
from local.emulator_kit import deploy, eventually, make_machine, unique
from triggers.requests_for import a_request

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("flow")]

WAITS = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}}
FAILS = {"StartAt": "Fail", "States": {"Fail": {"Type": "Fail", "Error": "NoOrders", "Cause": "none came"}}}


def outside(world: World) -> Outside:
    clients: Any = world.session.emulator.client
    no: Any = None
    return Outside(clients=clients, http=no, processes=no, in_background=on_a_thread)


def executions_of(world: World, machine: str) -> list[Any]:
    states = world.session.emulator.client("stepfunctions")
    return list(states.list_executions(stateMachineArn=machine)["executions"])


def a_start(config: Mapping[str, Any]) -> JobRequest:
    return a_request(config, run_id=unique("run"))


def test_an_execution_whose_starter_was_killed_is_found_and_a_repeated_start_is_the_same(
    world: World,
) -> None:
    machine = make_machine(world.session.emulator, WAITS)
    request = a_start({"stateMachineArn": machine})
    killed, next_try = StepFunctionTrigger(outside(world)), StepFunctionTrigger(outside(world))

    assert next_try.find(request) is None
    started = killed.start(request)

    assert next_try.find(request) == started == next_try.start(request)
    assert len(executions_of(world, machine)) == 1
    next_try.cancel(started.handle)


def test_an_execution_that_is_cancelled_stops_and_may_be_cancelled_again(world: World) -> None:
    trigger = StepFunctionTrigger(outside(world))
    started = trigger.start(a_start({"stateMachineArn": make_machine(world.session.emulator, WAITS)}))
    before = trigger.status(started.handle)

    trigger.cancel(started.handle)
    trigger.cancel(started.handle)

    ended = trigger.status(started.handle)
    assert before is None
    assert ended is not None
    assert (ended.end, ended.category) == (JobEnd.FAIL, FailureCategory.PERMANENT)


def test_a_failed_execution_says_why(world: World) -> None:
    trigger = StepFunctionTrigger(outside(world))
    started = trigger.start(a_start({"stateMachineArn": make_machine(world.session.emulator, FAILS)}))

    outcome = eventually(lambda: trigger.status(started.handle))

    assert outcome is not None
    assert (outcome.end, outcome.error) == (JobEnd.FAIL, "execution FAILED: NoOrders: none came")


def test_an_execution_that_a_person_stops_fails_its_run_at_once(world: World) -> None:
    machine = make_machine(world.session.emulator, WAITS)
    pipeline = world.declare({"type": "step-function", "config": {"stateMachineArn": machine}}, maxRetries=0)
    world.open_ready(pipeline)
    run = world.reaches(pipeline, RunStatus.RUNNING)

    world.session.emulator.client("stepfunctions").stop_execution(executionArn=run.remote_id)

    failed = world.reaches(pipeline, RunStatus.FAILED)
    assert failed.outcome is not None
    assert "ABORTED" in str(failed.outcome.error)


def test_a_glue_success_that_its_insights_disprove_fails_its_run(world: World) -> None:
    # The stand-in for Glue says SUCCEEDED; the log stream is the emulator's.
    logs, group = world.session.emulator.client("logs"), "/aws-glue/jobs/error"
    record = {"Event": "GlueExceptionAnalysisJobFailed", "Failure Reason": "No space left on device"}

    def swallows(_: Mapping[str, str], run: JobRun) -> None:
        stream = f"{run.id}-job-insights-rca-driver"
        with suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        told = [
            {
                "timestamp": int(time.time() * 1000),
                "message": f"[Glue Exception Analysis] {json.dumps(record)}",
            }
        ]
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=told)

    pipeline = world.declare(LocalJob(swallows), maxRetries=0)
    world.open_ready(pipeline)

    failed = world.reaches(pipeline, RunStatus.FAILED)

    assert failed.outcome is not None
    assert "No space left on device" in str(failed.outcome.error)


def test_a_function_that_raises_has_failed_with_what_it_raised(world: World) -> None:
    raises = "def handler(event, context):\n    raise ValueError('no orders')\n"
    function = deploy(world.session.emulator, raises)

    answer = LambdaTrigger(outside(world)).start(a_start({"functionName": function})).answer

    assert answer is not None
    outcome = answer()
    assert outcome.end is JobEnd.FAIL
    assert "ValueError: no orders" in str(outcome.error)


def test_an_asynchronous_function_ends_by_its_callback(world: World) -> None:
    function = deploy(world.session.emulator, "def handler(event, context):\n    pass\n")
    pipeline = world.declare({"type": "lambda", "config": {"functionName": function, "async": True}})
    world.open_ready(pipeline)
    run = world.reaches(pipeline, RunStatus.RUNNING)

    assert run.started_at is not None
    partition, sort = keys.job_key(RunKey(pipeline, "stream", DATE), run.started_at, run.attempt)
    world.put("joblog", {"PK": partition, "SK": sort, "event": "success", "runId": run.run_id})

    world.reaches(pipeline, RunStatus.SUCCEEDED)

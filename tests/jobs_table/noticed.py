"""How soon the end of a job is noticed on the embedded stack: from its remote end until its run is SUCCEEDED."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from flow.world import DATE, World
from interlock.aws import keys
from interlock.domain.run import RunKey, RunStatus
from interlock.local.job_services import LocalJob
from local.emulator_kit import deploy, eventually, make_machine, make_queue, messages
from triggers.loopback import Exchange, loopback

_RUNS = 5
_TAKES_SECONDS = 0.5  # longer than AwaitJob takes to fall asleep
# When a job ends between two polls is chance; these stand for it.
_POLLED_TAKE_SECONDS = (5, 25, 45)
_POLLED_SECONDS = 300.0

_FUNCTION = """
    import json, time, boto3

    def handler(event, context):
        time.sleep(event["takes"])
        boto3.client("sqs").send_message(QueueUrl=event["queue"], MessageBody=json.dumps(time.time()))
        return {"statusCode": 200}
"""
_COMMAND = (
    "import pathlib, sys, time; time.sleep(0.5); pathlib.Path(sys.argv[1]).write_text(str(time.time()))"
)


@dataclass(frozen=True)
class Noticed:
    """The ends of one type's jobs."""

    by: str
    seconds: list[float]  # of each run


def noticed(world: World) -> dict[str, Noticed]:
    """By type, as `nine_types` calls them."""
    functions = {"functionName": deploy(world.session.emulator, _FUNCTION)}
    once: dict[str, tuple[str, Callable[[], float]]] = {
        "glue": ("event", partial(_played, world, "glue", _TAKES_SECONDS)),
        "emr": ("event", partial(_played, world, "emr", _TAKES_SECONDS)),
        "emr-serverless": ("event", partial(_played, world, "emr-serverless", _TAKES_SECONDS)),
        "step-function": ("event", partial(_execution, world)),
        "lambda": ("answer", partial(_function, world, functions)),
        "lambda, async": ("callback", partial(_function_that_calls_back, world, functions)),
        "http": ("answer", partial(_request, world)),
        "http, callback": ("callback", partial(_request_that_calls_back, world)),
        "command": ("answer", partial(_process, world)),
    }
    found = {kind: Noticed(by, [measure() for _ in range(_RUNS)]) for kind, (by, measure) in once.items()}
    return found | _polled(world)


def _polled(world: World) -> dict[str, Noticed]:
    """All at the same time: each waits for the minute of its poll, and for the watchdog's."""
    kinds = [(kind, takes) for kind in ("databricks", "airflow") for takes in _POLLED_TAKE_SECONDS]
    with ThreadPoolExecutor(len(kinds)) as runs:
        seconds = list(runs.map(lambda each: _played(world, *each), kinds))
    by_kind = {
        kind: [took for (of, _), took in zip(kinds, seconds, strict=True) if of == kind] for kind, _ in kinds
    }
    return {kind: Noticed("poll", took) for kind, took in by_kind.items()}


def _played(world: World, job_type: str, takes: float) -> float:
    pipeline, name = world.declare_played(job_type, LocalJob(lambda _, run: run.sleep(takes)))
    succeeded_at = _succeeded_at(world, pipeline)
    (run,) = world.session.job_services[job_type].runs(name)
    assert run.ended_at is not None
    return succeeded_at - run.ended_at


def _execution(world: World) -> float:
    states = world.session.emulator.client("stepfunctions")
    waits = {"Type": "Wait", "Seconds": 1, "End": True}
    machine = make_machine(world.session.emulator, {"StartAt": "Waits", "States": {"Waits": waits}})
    pipeline = world.declare({"type": "step-function", "config": {"stateMachineArn": machine}})
    succeeded_at = _succeeded_at(world, pipeline)
    (execution,) = states.list_executions(stateMachineArn=machine)["executions"]
    stopped: datetime = execution["stopDate"]
    return succeeded_at - stopped.timestamp()


def _function(world: World, config: Mapping[str, Any]) -> float:
    queue, _ = make_queue(world.session.emulator)
    payload = {"queue": queue, "takes": _TAKES_SECONDS}
    pipeline = world.declare({"type": "lambda", "config": {**config, "payload": payload}})
    succeeded_at = _succeeded_at(world, pipeline)
    (ended_at,) = messages(world.session.emulator, queue)
    return float(succeeded_at - ended_at)


def _function_that_calls_back(world: World, config: Mapping[str, Any]) -> float:
    queue, _ = make_queue(world.session.emulator)
    payload = {"queue": queue, "takes": 0}
    asynchronous = {**config, "payload": payload, "async": True}
    return _called_back(world, world.declare({"type": "lambda", "config": asynchronous}))


def _request(world: World) -> float:
    ended: list[float] = []

    def answer(exchange: Exchange) -> None:
        time.sleep(_TAKES_SECONDS)
        ended.append(time.time())
        exchange.answer(200)

    with loopback(answer) as server:
        pipeline = world.declare({"type": "http", "config": {"url": server.url}})
        return _succeeded_at(world, pipeline) - ended[0]


def _request_that_calls_back(world: World) -> float:
    with loopback(lambda exchange: exchange.answer(202)) as server:
        config = {"url": server.url, "callback": True}
        return _called_back(world, world.declare({"type": "http", "config": config}))


def _process(world: World) -> float:
    with tempfile.TemporaryDirectory() as folder:
        ended = Path(folder, "ended")
        config = {"command": [sys.executable, "-S", "-c", _COMMAND, str(ended)]}
        pipeline = world.declare({"type": "command", "config": config})
        return _succeeded_at(world, pipeline) - float(ended.read_text())


def _called_back(world: World, pipeline: str) -> float:
    """The job writes its `JOB#` record as its last act."""
    world.open_ready(pipeline)
    run = world.reaches(pipeline, RunStatus.RUNNING)
    eventually(lambda: world.control.due_runs_of(pipeline))  # it has fallen asleep
    time.sleep(_TAKES_SECONDS)
    now = datetime.now(UTC)
    partition, sort = keys.job_key(RunKey(pipeline, "stream", DATE), now, run.attempt)
    world.put("joblog", {"PK": partition, "SK": sort, "event": "success", "runId": run.run_id})
    return _until_succeeded(world, pipeline) - now.timestamp()


def _succeeded_at(world: World, pipeline: str) -> float:
    world.open_ready(pipeline)
    return _until_succeeded(world, pipeline)


def _until_succeeded(world: World, pipeline: str) -> float:
    """When the row was first seen so: up to 20 ms late."""

    def succeeded() -> bool:
        run = world.run(pipeline)
        return run is not None and run.status is RunStatus.SUCCEEDED

    eventually(succeeded, _POLLED_SECONDS)
    return time.time()

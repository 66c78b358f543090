"""AWS's job services as their wire protocols show them, on loopback; boto3's real clients talk to them.

Each keeps what it started, so that a test can say how many jobs there are. What the next start meets is laid out in
`then`: nothing (it works), a refusal, or a line that is cut after the job was started.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config

from triggers.loopback import Exchange

ACCOUNT = "arn:aws:states:eu-west-1:123456789012"


@dataclass(frozen=True)
class Refusal:
    """An error answer; what it says repeats the request, as services do."""

    status: int
    code: str


class Lost:
    """The start takes effect, and the answer never arrives."""


@dataclass
class Service:
    then: list[Refusal | Lost] = field(default_factory=list)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)  # remote id -> job
    cancelled: list[str] = field(default_factory=list)

    def respond(self, exchange: Exchange) -> None:
        if exchange.received.path.startswith("/applications/"):
            return self._job_runs(exchange)
        if "x-amz-target" not in exchange.received.headers:
            return self._invoke(exchange)
        operation = exchange.received.headers["x-amz-target"].split(".")[1]
        return getattr(self, f"_{operation}")(exchange, exchange.received.json)

    def set_state(self, state: str) -> None:
        for job in self.jobs.values():
            job["state"] = state

    def _start(self, exchange: Exchange, remote_id: str, job: dict[str, Any], answer: Any) -> None:
        behaviour = self.then.pop(0) if self.then else None
        if isinstance(behaviour, Refusal):
            return _refuse(exchange, behaviour)
        self.jobs[remote_id] = job
        return exchange.drop() if behaviour else exchange.answer(200, json.dumps(answer))

    def _StartJobRun(self, exchange: Exchange, asked: dict[str, Any]) -> None:
        run_id = f"jr_{len(self.jobs) + 1}"
        self._start(
            exchange, run_id, {"state": "RUNNING", "arguments": asked["Arguments"]}, {"JobRunId": run_id}
        )

    def _GetJobRuns(self, exchange: Exchange, _: dict[str, Any]) -> None:
        runs = [{"Id": run_id, "Arguments": job["arguments"]} for run_id, job in self.jobs.items()]
        exchange.answer(200, json.dumps({"JobRuns": runs[::-1]}))

    def _GetJobRun(self, exchange: Exchange, asked: dict[str, Any]) -> None:
        run = {"Id": asked["RunId"], "JobRunState": self.jobs[asked["RunId"]]["state"]}
        exchange.answer(200, json.dumps({"JobRun": run}))

    def _BatchStopJobRun(self, exchange: Exchange, asked: dict[str, Any]) -> None:
        (run_id,) = asked["JobRunIds"]
        errors: list[Any] = []
        if self.jobs[run_id]["state"] == "STOPPED":
            errors = [{"JobRunId": run_id, "ErrorDetail": {"ErrorCode": "JobRunNotRunning"}}]
        self.jobs[run_id]["state"] = "STOPPED"
        exchange.answer(200, json.dumps({"Errors": errors}))

    def _AddJobFlowSteps(self, exchange: Exchange, asked: dict[str, Any]) -> None:
        (step,) = asked["Steps"]
        step_id = f"s-{len(self.jobs) + 1}"
        job = {"state": "PENDING", "name": step["Name"], "args": step["HadoopJarStep"]["Args"]}
        self._start(exchange, step_id, job, {"StepIds": [step_id]})

    def _ListSteps(self, exchange: Exchange, _: dict[str, Any]) -> None:
        steps = [{"Id": step_id, "Name": job["name"]} for step_id, job in self.jobs.items()]
        exchange.answer(200, json.dumps({"Steps": steps[::-1]}))

    def _DescribeStep(self, exchange: Exchange, asked: dict[str, Any]) -> None:
        status = {"State": self.jobs[asked["StepId"]]["state"]}
        exchange.answer(200, json.dumps({"Step": {"Id": asked["StepId"], "Status": status}}))

    def _CancelSteps(self, exchange: Exchange, asked: dict[str, Any]) -> None:
        (step_id,) = asked["StepIds"]
        told = {"StepId": step_id, "Status": "SUBMITTED"}
        if self.jobs[step_id]["state"] == "CANCELLED":
            told = {"StepId": step_id, "Status": "FAILED", "Reason": "it has ended"}
        self.jobs[step_id]["state"] = "CANCELLED"
        exchange.answer(200, json.dumps({"CancelStepsInfoList": [told]}))

    def _job_runs(self, exchange: Exchange) -> None:
        """EMR Serverless: `/applications/<id>/jobruns` and `/<job run id>` below it."""
        method, (_, _, _, _, *run) = (
            exchange.received.method,
            exchange.received.path.split("?")[0].split("/"),
        )
        if method == "POST":
            return self._start_job_run(exchange, exchange.received.json)
        if not run:
            listed = [{"id": run_id, "name": job["name"]} for run_id, job in self.jobs.items()]
            return exchange.answer(200, json.dumps({"jobRuns": listed}))
        job = self.jobs[run[0]]
        if method == "DELETE":
            if job["state"] == "CANCELLED":
                return _refuse(exchange, Refusal(400, "ValidationException"))
            job["state"] = "CANCELLED"
        return exchange.answer(200, json.dumps({"jobRun": {"state": job["state"]}}))

    def _start_job_run(self, exchange: Exchange, asked: dict[str, Any]) -> None:
        run_id = f"{len(self.jobs) + 1:016}"
        job = {"state": "SUBMITTED", "name": asked["name"], "driver": asked["jobDriver"]}
        self._start(exchange, run_id, job, {"jobRunId": run_id})

    def _StartExecution(self, exchange: Exchange, asked: dict[str, Any]) -> None:
        arn = f"{asked['stateMachineArn'].replace(':stateMachine:', ':execution:')}:{asked['name']}"
        if arn in self.jobs:
            return _refuse(exchange, Refusal(400, "ExecutionAlreadyExists"))
        return self._start(exchange, arn, {"state": "RUNNING"}, {"executionArn": arn, "startDate": 0})

    def _DescribeExecution(self, exchange: Exchange, asked: dict[str, Any]) -> None:
        if asked["executionArn"] not in self.jobs:
            return _refuse(exchange, Refusal(400, "ExecutionDoesNotExist"))
        state = self.jobs[asked["executionArn"]]["state"]
        return exchange.answer(200, json.dumps({"executionArn": asked["executionArn"], "status": state}))

    def _StopExecution(self, exchange: Exchange, asked: dict[str, Any]) -> None:
        self.jobs[asked["executionArn"]]["state"] = "ABORTED"
        exchange.answer(200, json.dumps({"stopDate": 0}))

    def _invoke(self, exchange: Exchange) -> None:
        job = {"state": "RUNNING", "payload": exchange.received.body}
        asynchronous = exchange.received.headers["x-amz-invocation-type"] == "Event"
        self._start(exchange, str(len(self.jobs)), job, None if asynchronous else {"statusCode": 200})


def _refuse(exchange: Exchange, refusal: Refusal) -> None:
    body = {
        "__type": refusal.code,
        "message": f"refused: {exchange.received.headers.get('x-amz-target', '')}",
    }
    exchange.answer(refusal.status, json.dumps(body), x_amzn_ErrorType=refusal.code)


def clients_of(url: str) -> Any:
    """`Outside.clients`: boto3's own, asking loopback, without the patience they have in production."""
    config = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1})
    return lambda service: a_client(service, url, config)


NOWHERE = "http://127.0.0.1:9"


def a_client(service: str, url: str | None = NOWHERE, config: Config | None = None) -> Any:
    """For a Stubber, unless there is a URL; with None it is moto that answers."""
    return boto3.client(
        service,
        region_name="eu-west-1",
        endpoint_url=url,
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=config,
    )

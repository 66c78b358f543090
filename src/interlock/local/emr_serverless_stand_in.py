"""EMR Serverless as its API speaks (REST-JSON): the job runs of applications that are always ready."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from interlock.local.job_services import JobRun, JobRuns, RunState
from interlock.local.stand_in import Answer, Asked, Event, aws_refusal

# https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/job-states.html
_STATES: Mapping[RunState, str] = {
    RunState.RUNNING: "RUNNING",
    RunState.SUCCEEDED: "SUCCESS",
    RunState.FAILED: "FAILED",
    RunState.STOPPED: "CANCELLED",
}
_OPERATIONS = {
    ("POST", False): "StartJobRun",
    ("GET", False): "ListJobRuns",
    ("GET", True): "GetJobRun",
    ("DELETE", True): "CancelJobRun",
}
_RELEASE = "emr-7.9.0"
_PAGE = 50


class EmrServerless:
    """`Dialect`. A job is known by its application's id. https://docs.aws.amazon.com/emr-serverless/latest/APIReference"""

    service = "emr-serverless"

    def operation(self, asked: Asked) -> str:
        """Of `/applications/<id>/jobruns` and `/applications/<id>/jobruns/<id>`."""
        if asked.steps[:1] != ("applications",) or asked.steps[2:3] != ("jobruns",):
            return "unknown"
        return _OPERATIONS.get((asked.method, len(asked.steps) == 4), "unknown")

    def answer(self, operation: str, asked: Asked, runs: JobRuns) -> Answer:
        if operation == "unknown":
            knows = ", ".join(_OPERATIONS.values())
            return aws_refusal("ValidationException", f"this stand-in knows {knows}")
        application = asked.steps[1]
        if not runs.knows(application):
            return _not_found(f"Application {application} does not exist")
        if operation == "StartJobRun":
            return _start(application, asked.body, runs)
        if operation == "ListJobRuns":
            return _list(application, asked.query, runs)
        run = runs.find(asked.steps[3], application)
        if run is None:
            return _not_found(f"Job run {asked.steps[3]} does not exist")
        return Answer(200, {"jobRun": _described(run)}) if operation == "GetJobRun" else _cancel(run)

    def end_event(self, run: JobRun) -> Event:
        # https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/using-eventbridge.html
        instants = {
            "createdAt": _instant(run.started_at),
            "updatedAt": _instant(run.ended_at or run.started_at),
        }
        detail = {
            "jobRunId": run.id,
            "applicationId": run.job,
            "arn": _arn(run),
            "releaseLabel": _RELEASE,
            "state": _STATES[run.state],
            "previousState": "CANCELLING" if run.state is RunState.STOPPED else "RUNNING",
            "createdBy": "arn:aws:sts::000000000000:assumed-role/local/local",
        }
        return Event("aws.emr-serverless", "EMR Serverless Job Run State Change", detail | instants)


def _start(application: str, request: Mapping[str, Any], runs: JobRuns) -> Answer:
    token = request.get("clientToken")
    if not token or not request.get("executionRoleArn"):
        return aws_refusal("ValidationException", "clientToken and executionRoleArn are required")
    begun = runs.begin(application, dict(request), lambda number: f"00lo{number:012d}", str(token))
    answer = {"applicationId": application, "jobRunId": begun.run.id, "arn": _arn(begun.run)}
    return Answer(200, answer, starts_job=begun.is_new)


def _list(application: str, query: Mapping[str, str], runs: JobRuns) -> Answer:
    after = query.get("createdAtAfter")
    since = 0.0 if after is None else datetime.fromisoformat(after).timestamp()
    found = [run for run in reversed(runs.of(application)) if run.started_at >= since]
    first, most = int(query.get("nextToken", 0)), int(query.get("maxResults", _PAGE))
    page: dict[str, Any] = {"jobRuns": [_summary(run) for run in found[first : first + most]]}
    more = {"nextToken": str(first + most)} if len(found) > first + most else {}
    return Answer(200, page | more)


def _cancel(run: JobRun) -> Answer:
    if not run.is_alive:
        return aws_refusal("ValidationException", f"Job run {run.id} is in the state {_STATES[run.state]}")
    run.stop.set()
    return Answer(200, {"applicationId": run.job, "jobRunId": run.id})


def _described(run: JobRun) -> dict[str, Any]:
    whole = {"jobRunId": run.id, "jobDriver": run.arguments.get("jobDriver", {})}
    ended = {"endedAt": run.ended_at} if run.ended_at else {}
    return _shared(run) | whole | ended


def _summary(run: JobRun) -> dict[str, Any]:
    return _shared(run) | {"id": run.id}


def _shared(run: JobRun) -> dict[str, Any]:
    named = {"name": run.arguments["name"]} if "name" in run.arguments else {}
    return named | {
        "applicationId": run.job,
        "arn": _arn(run),
        "createdBy": "arn:aws:sts::000000000000:assumed-role/local/local",
        "createdAt": run.started_at,
        "updatedAt": run.ended_at or run.started_at,
        "executionRole": run.arguments["executionRoleArn"],
        "state": _STATES[run.state],
        "stateDetails": run.error or "",
        "releaseLabel": _RELEASE,
    }


def _arn(run: JobRun) -> str:
    return f"arn:aws:emr-serverless:us-east-1:000000000000:/applications/{run.job}/jobruns/{run.id}"


def _instant(epoch_seconds: float) -> str:
    return f"{datetime.fromtimestamp(epoch_seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _not_found(message: str) -> Answer:
    return aws_refusal("ResourceNotFoundException", message, HTTPStatus.NOT_FOUND)

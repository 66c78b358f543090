"""Databricks as its Jobs API 2.1 speaks: runs of jobs, and one-time runs, behind a bearer token."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from interlock.local.job_services import JobRun, JobRuns, RunState, TooManyRuns
from interlock.local.stand_in import Answer, Asked

# https://docs.databricks.com/api/workspace/jobs/getrun
_RESULTS: Mapping[RunState, str] = {
    RunState.SUCCEEDED: "SUCCESS",
    RunState.FAILED: "FAILED",
    RunState.STOPPED: "CANCELED",
}
_OPERATIONS = {
    ("POST", "jobs/run-now"): "run_now",
    ("POST", "jobs/runs/submit"): "submit",
    ("GET", "jobs/runs/get"): "get_run",
    ("GET", "jobs/runs/list"): "list_runs",
    ("POST", "jobs/runs/cancel"): "cancel_run",
}


class Databricks:
    """`Dialect`. A job is known by its id; a one-time run by the `task_key` of its first task."""

    service = "databricks"

    def __init__(self, token: str) -> None:
        self._token = token

    def operation(self, asked: Asked) -> str:
        version, path = asked.steps[:2], "/".join(asked.steps[2:])
        return _OPERATIONS.get((asked.method, path), "unknown") if version == ("api", "2.1") else "unknown"

    def answer(self, operation: str, asked: Asked, runs: JobRuns) -> Answer:
        if asked.headers.get("authorization") != f"Bearer {self._token}":
            return _refusal(HTTPStatus.UNAUTHORIZED, "UNAUTHENTICATED", "Credential was not accepted.")
        if operation == "unknown":
            return _refusal(HTTPStatus.NOT_FOUND, "ENDPOINT_NOT_FOUND", f"No API found for {asked.steps}")
        if operation in ("run_now", "submit"):
            return _start(operation, asked.body, runs)
        if operation == "list_runs":
            return _list(asked.query, runs)
        run_id = str({**asked.query, **asked.body}.get("run_id"))
        run = runs.find(run_id)
        if run is None:
            return _bad_request("INVALID_PARAMETER_VALUE", f"Run {run_id} does not exist.")
        if operation == "get_run":
            return Answer(200, _described(run))
        run.stop.set()  # one that has ended stays as it is
        return Answer(200, {})

    def end_event(self, run: JobRun) -> None:  # noqa: ARG002  nothing reaches EventBridge
        return None


def _start(operation: str, request: Mapping[str, Any], runs: JobRuns) -> Answer:
    job = str(request.get("job_id")) if operation == "run_now" else _first_task(request)
    if not runs.knows(job):
        return _bad_request("INVALID_PARAMETER_VALUE", f"Job {job} does not exist.")
    try:
        # A token that is known gives the run that it started. https://docs.databricks.com/api/workspace/jobs/runnow
        begun = runs.begin(job, dict(request), str, request.get("idempotency_token"))
    except TooManyRuns:
        # https://docs.databricks.com/aws/en/resources/limits
        return _refusal(HTTPStatus.TOO_MANY_REQUESTS, "RESOURCE_EXHAUSTED", "Too many concurrent runs.")
    return Answer(200, {"run_id": int(begun.run.id)}, starts_job=begun.is_new)


def _first_task(request: Mapping[str, Any]) -> str:
    tasks = request.get("tasks") or [{}]
    return str(tasks[0].get("task_key"))


def _list(query: Mapping[str, str], runs: JobRuns) -> Answer:
    # https://docs.databricks.com/api/workspace/jobs/listruns
    found = [run for run in reversed(runs.of(query.get("job_id"))) if _is_asked_for(run, query)]
    first, most = int(query.get("page_token", 0)), int(query.get("limit", 20))
    page = {"runs": [_described(run) for run in found[first : first + most]]}
    more = len(found) > first + most
    return Answer(200, page | ({"has_more": True, "next_page_token": str(first + most)} if more else {}))


def _is_asked_for(run: JobRun, query: Mapping[str, str]) -> bool:
    if query.get("run_type", _run_type(run)) != _run_type(run):
        return False
    if run.started_at * 1000 < int(query.get("start_time_from", 0)):
        return False
    return query.get("completed_only" if run.is_alive else "active_only") != "true"


def _run_type(run: JobRun) -> str:
    return "SUBMIT_RUN" if "tasks" in run.arguments else "JOB_RUN"


def _described(run: JobRun) -> dict[str, Any]:
    state: dict[str, Any] = {"life_cycle_state": "RUNNING", "state_message": run.error or ""}
    if not run.is_alive:
        state |= {"life_cycle_state": "TERMINATED", "result_state": _RESULTS[run.state]}
    of_a_job = {"job_id": int(run.job)} if run.job.isdecimal() else {}
    return of_a_job | {
        "run_id": int(run.id),
        "run_name": run.arguments.get("run_name", "Untitled"),
        "run_type": _run_type(run),
        "job_parameters": [
            {"name": name, "value": value}
            for name, value in (run.arguments.get("job_parameters") or {}).items()
        ],
        "state": state,
        "start_time": int(run.started_at * 1000),
        "end_time": int((run.ended_at or 0) * 1000),
    }


def _bad_request(code: str, message: str) -> Answer:
    return _refusal(HTTPStatus.BAD_REQUEST, code, message)


def _refusal(status: int, code: str, message: str) -> Answer:
    return Answer(status, {"error_code": code, "message": message})

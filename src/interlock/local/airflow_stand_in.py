"""Apache Airflow 3 as its REST API v2 speaks: the runs of DAGs, behind a token that user and password are exchanged for.

https://airflow.apache.org/docs/apache-airflow/stable/stable-rest-api-ref.html
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from interlock.local.job_services import JobRun, JobRuns, RunState
from interlock.local.stand_in import Answer, Asked

# https://airflow.apache.org/docs/apache-airflow/stable/core-concepts/dag-run.html
_STATES: Mapping[RunState, str] = {
    RunState.RUNNING: "running",
    RunState.SUCCEEDED: "success",
    RunState.FAILED: "failed",
    RunState.STOPPED: "failed",  # a run is stopped by calling it failed
}
_OPERATIONS = {
    ("GET", ()): "get_dag",
    ("POST", ("dagRuns",)): "trigger",
    ("GET", ("dagRuns", "<id>")): "get_run",
    ("PATCH", ("dagRuns", "<id>")): "patch_run",
    ("GET", ("dagRuns", "<id>", "taskInstances")): "get_task_instances",
}


class Airflow:
    """`Dialect`. A job is known by its DAG's id."""

    service = "airflow"

    def __init__(self, username: str, password: str) -> None:
        self._login = {"username": username, "password": password}
        self._tokens: set[str] = set()

    def operation(self, asked: Asked) -> str:
        """Of `/auth/token`, and below `/api/v2/dags/<id>`."""
        if asked.steps == ("auth", "token"):
            return "token"
        if asked.steps[:3] != ("api", "v2", "dags") or len(asked.steps) < 4:
            return "unknown"
        below = tuple("<id>" if place == 1 else step for place, step in enumerate(asked.steps[4:]))
        return _OPERATIONS.get((asked.method, below), "unknown")

    def answer(self, operation: str, asked: Asked, runs: JobRuns) -> Answer:
        if operation == "token":
            return self._token(asked.body)
        if asked.headers.get("authorization", "").removeprefix("Bearer ") not in self._tokens:
            return _refusal(HTTPStatus.UNAUTHORIZED, "Not authenticated")
        if operation == "unknown":
            return _refusal(HTTPStatus.NOT_FOUND, "Not Found")
        dag = asked.steps[3]
        if not runs.knows(dag):
            return _refusal(HTTPStatus.NOT_FOUND, f"DAG with dag_id: '{dag}' not found")
        if operation == "get_dag":
            return Answer(200, {"dag_id": dag, "is_paused": False})
        if operation == "trigger":
            return _trigger(dag, asked.body, runs)
        run = runs.find(asked.steps[5], dag)
        if run is None:
            reason = f"The DagRun with dag_id: `{dag}` and run_id: `{asked.steps[5]}` was not found"
            return _refusal(HTTPStatus.NOT_FOUND, reason)
        if operation == "patch_run":
            return _patch(run, asked.body)
        return Answer(200, _described(run) if operation == "get_run" else _tasks(run))

    def end_event(self, run: JobRun) -> None:  # noqa: ARG002  nothing reaches EventBridge
        return None

    def _token(self, login: Mapping[str, Any]) -> Answer:
        if login != self._login:
            return _refusal(HTTPStatus.UNAUTHORIZED, "Invalid credentials")
        token = secrets.token_urlsafe()
        self._tokens.add(token)
        return Answer(HTTPStatus.CREATED, {"access_token": token})


def _trigger(dag: str, request: Mapping[str, Any], runs: JobRuns) -> Answer:
    if "logical_date" not in request:
        missing = {"type": "missing", "loc": ["body", "logical_date"], "msg": "Field required"}
        return Answer(HTTPStatus.UNPROCESSABLE_ENTITY, {"detail": [missing]})
    run_id = request.get("dag_run_id")
    named = (lambda number: f"manual__{number:06d}") if run_id is None else (lambda _: str(run_id))
    begun = runs.begin(dag, dict(request.get("conf") or {}), named, run_id)
    if not begun.is_new:
        reason = {"reason": "Unique constraint violation", "orig_error": "dag_run.dag_id, dag_run.run_id"}
        return Answer(HTTPStatus.CONFLICT, {"detail": reason})
    return Answer(200, _described(begun.run), starts_job=True)


def _patch(run: JobRun, request: Mapping[str, Any]) -> Answer:
    if request.get("state") != "failed":
        return _refusal(HTTPStatus.BAD_REQUEST, "this stand-in can only be told that a run has failed")
    run.stop.set()
    # Somebody's word counts, whatever the run itself came to. One that is alive ends a moment later.
    run.state = RunState.STOPPED
    return Answer(200, _described(run))


def _described(run: JobRun) -> dict[str, Any]:
    return {
        "dag_run_id": run.id,
        "dag_id": run.job,
        "logical_date": None,
        "run_type": "manual",
        "state": _STATES[run.state],
        "start_date": _instant(run.started_at),
        "end_date": None if run.ended_at is None else _instant(run.ended_at),
        "conf": dict(run.arguments),
    }


def _tasks(run: JobRun) -> dict[str, Any]:
    """Every DAG here has one task."""
    task = {"task_id": "work", "dag_run_id": run.id, "state": _STATES[run.state]}
    return {"task_instances": [task], "total_entries": 1}


def _instant(epoch_seconds: float) -> str:
    return datetime.fromtimestamp(epoch_seconds, UTC).isoformat()


def _refusal(status: int, detail: str) -> Answer:
    return Answer(status, {"detail": detail})

"""An Airflow of the simulated world, as its REST API v2 or v1 answers: DAG runs, over `JobServices`."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from interlock.ports import CallFailed
from interlock.simulation.job_answers import Words, pipeline_of, state_of
from interlock.simulation.job_services import Job, JobServices, Refused, no_one, pipeline_being_started
from interlock.simulation.job_targets import status_of_error, status_of_fault
from interlock.simulation.our_calls import OurCalls
from interlock.triggers.http_calls import BODY_BYTES, HttpAnswer

# https://airflow.apache.org/docs/apache-airflow/stable/stable-rest-api-ref.html
_PATH = re.compile(
    r".*/api/(?P<version>v[12])/dags/(?P<dag>[^/]+)(?P<runs>/dagRuns(/(?P<run>[^/]+)(?P<tasks>/taskInstances)?)?)?"
)
# A fault strikes a call by the name on the right.
_CALLS = {
    ("GET", "dag"): "get_dag",
    ("POST", "runs"): "trigger",
    ("GET", "run"): "get_run",
    ("PATCH", "run"): "cancel_run",
    ("GET", "tasks"): "list_tasks",
}
_WORDS = Words(stopped="failed", timeout="failed", lasting="failed", succeeded="success")


@dataclass(frozen=True, slots=True)
class _Asked:
    call: str
    version: str
    dag: str
    run: str | None
    body: Mapping[str, Any]


class AirflowTarget:
    """Implements `triggers.http_calls.HttpCalls`. Any DAG exists; a call without one of `credentials` is refused."""

    def __init__(
        self, jobs: JobServices, calls: OurCalls, credentials: Callable[[], Collection[str]]
    ) -> None:
        self._jobs, self._calls, self._credentials = jobs, calls, credentials

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: str | None,
        within_seconds: float,  # noqa: ARG002  it answers at once
        *,
        most_body_bytes: int = BODY_BYTES,  # noqa: ARG002  and briefly
    ) -> HttpAnswer:
        path, told = urlsplit(url).path, {} if body is None else json.loads(body)
        try:
            if (method, path.endswith("/auth/token")) == ("POST", True):
                with self._calls.calling("airflow.token", pipeline_being_started()):
                    return self._token(told)
            asked = _asked(method, path, told)
            if asked is None:
                return _refusal(404, "Not Found")
            with self._calls.calling(f"airflow.{asked.call}", self._pipeline(asked)):
                return self._answer(asked, headers.get("Authorization", ""))
        except CallFailed as failure:
            return _failed(failure)

    def _token(self, login: Mapping[str, Any]) -> HttpAnswer:
        if login.get("password") not in self._credentials():
            return _refusal(401, "Invalid credentials")
        return HttpAnswer(201, json.dumps({"access_token": _token_for(login["password"])}))

    def _answer(self, asked: _Asked, authorization: str) -> HttpAnswer:
        if not any(_opens(password, authorization) for password in self._credentials()):
            return _refusal(401, "Not authenticated")
        if asked.call == "get_dag":
            return HttpAnswer(200, json.dumps({"dag_id": asked.dag, "is_paused": False}))
        if asked.call == "trigger":
            return self._trigger(asked)
        job = self._find(asked.dag, asked.run)
        if job is None:
            return _refusal(
                404, f"The DagRun with dag_id: `{asked.dag}` and run_id: `{asked.run}` was not found"
            )
        if asked.call == "list_tasks":
            return HttpAnswer(200, json.dumps({"task_instances": [{"task_id": "load"}]}))
        if asked.call == "cancel_run":
            self._jobs.stop(job)
        return self._described(job)

    def _trigger(self, asked: _Asked) -> HttpAnswer:
        # v2 demands a logical date, which may be null; v1 takes the present, and knows no null.
        if ("logical_date" in asked.body) is not (asked.version == "v2"):
            return _refusal(
                422, "logical_date is required" if asked.version == "v2" else "logical_date is null"
            )
        if self._find(asked.dag, asked.body["dag_run_id"]) is not None:
            return _refusal(409, "Unique constraint violation")
        config = {"dag_id": asked.dag, **asked.body}
        try:
            job = self._jobs.begin("airflow", config, no_one, asked.body["dag_run_id"])
        except Refused as refused:
            return _refusal(status_of_error(str(refused), 400), str(refused))
        return self._described(job)

    def _described(self, job: Job) -> HttpAnswer:
        known = {key: job.record.config[key] for key in ("dag_id", "dag_run_id", "conf")}
        state = state_of(job, self._jobs.clock.now(), _WORDS).lower()
        return HttpAnswer(200, json.dumps({**known, "state": state}))

    def _find(self, dag: str, run: str | None) -> Job | None:
        runs = (job for job in self._jobs.jobs if job.service == "airflow" and job.name == run)
        return next((job for job in runs if job.record.config["dag_id"] == dag), None)

    def _pipeline(self, asked: _Asked) -> str | None:
        return pipeline_of(self._find(asked.dag, asked.run)) or pipeline_being_started()


def _asked(method: str, path: str, body: Mapping[str, Any]) -> _Asked | None:
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    below = next((part for part in ("tasks", "run", "runs") if found[part]), "dag")
    call = _CALLS.get((method, below))
    if call is None:
        return None
    run = unquote(found["run"]) if found["run"] else None
    return _Asked(call, found["version"], unquote(found["dag"]), run, body)


def _token_for(password: str) -> str:
    return f"token-for-{password}"


def _opens(password: str, authorization: str) -> bool:
    kind, _, given = authorization.partition(" ")
    if kind == "Bearer":
        return given in (password, _token_for(password))
    try:
        return kind == "Basic" and base64.b64decode(given).decode().partition(":")[2] == password
    except ValueError:
        return False


def _refusal(status: int, detail: str) -> HttpAnswer:
    return HttpAnswer(status, json.dumps({"detail": detail}))


def _failed(failure: CallFailed) -> HttpAnswer:
    """A fault of the scenario, as Airflow would show it."""
    return _refusal(status_of_fault(failure, {}), str(failure))

"""A Databricks workspace of the simulated world, as its Jobs API 2.1 answers: runs, over `JobServices`."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from interlock.ports import CallFailed
from interlock.simulation.job_answers import Words, pipeline_of, state_of
from interlock.simulation.job_services import Job, JobServices, Refused, no_one, pipeline_being_started
from interlock.simulation.job_targets import status_of_error, status_of_fault
from interlock.simulation.our_calls import OurCalls
from interlock.triggers.http_calls import BODY_BYTES, HttpAnswer

# https://docs.databricks.com/api/workspace/jobs; a fault strikes a call by the second name.
_CALLS = {
    ("POST", "/api/2.1/jobs/run-now"): "run_now",
    ("POST", "/api/2.1/jobs/runs/submit"): "submit",
    ("GET", "/api/2.1/jobs/runs/get"): "get_run",
    ("GET", "/api/2.1/jobs/runs/list"): "list_runs",
    ("POST", "/api/2.1/jobs/runs/cancel"): "cancel_run",
}
_STATUS_OF_CODE = {
    "INVALID_PARAMETER_VALUE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "RESOURCE_DOES_NOT_EXIST": 404,
    "REQUEST_LIMIT_EXCEEDED": 429,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL_ERROR": 500,
    "TEMPORARILY_UNAVAILABLE": 503,
}
_WORDS = Words(stopped="CANCELED", timeout="TIMEDOUT", lasting="DISABLED", succeeded="SUCCESS")
# Run ids have 64 bits; these are more than fit into a float.
_FIRST_RUN = 9_007_199_254_740_993


class DatabricksTarget:
    """Implements `triggers.http_calls.HttpCalls`. A call without one of `credentials`, as they are now, is refused."""

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
        target = urlsplit(url)
        call = _CALLS.get((method, target.path))
        if call is None:
            return _refusal("ENDPOINT_NOT_FOUND", 404)
        asked = dict(parse_qsl(target.query)) if body is None else json.loads(body)
        try:
            with self._calls.calling(f"databricks.{call}", self._pipeline(asked)):
                if not self._knows(headers.get("Authorization", "")):
                    return _refusal("UNAUTHENTICATED")
                return self._answer(call, asked)
        except CallFailed as failure:
            return _failed(failure)

    def _answer(self, call: str, asked: Mapping[str, Any]) -> HttpAnswer:
        if call in ("run_now", "submit"):
            return self._start(asked)
        if call == "list_runs":
            return HttpAnswer(200, json.dumps({"runs": self._listed(asked), "has_more": False}))
        job = self._find(asked)
        if job is None:
            return _refusal("INVALID_PARAMETER_VALUE")
        if call == "get_run":
            return HttpAnswer(200, json.dumps(self._run(job)))
        self._jobs.stop(job)
        return HttpAnswer(200, "{}")

    def _start(self, asked: Mapping[str, Any]) -> HttpAnswer:
        token = asked["idempotency_token"]
        same = (job for job in self._runs() if job.record.config["idempotency_token"] == token)
        job = next(same, None)
        if job is None:
            name = str(_FIRST_RUN + len(self._jobs.jobs))
            try:
                job = self._jobs.begin("databricks", asked, no_one, name)
            except Refused as refused:
                return _refusal(str(refused))
        return HttpAnswer(200, json.dumps({"run_id": int(job.name)}))

    def _listed(self, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
        now = self._jobs.clock.now()
        ended = asked.get("completed_only") == "true"
        of_kind = [job for job in self._runs() if job.has_ended(now) is ended and _is_asked_for(job, asked)]
        runs = [self._run(job) for job in reversed(of_kind)]
        return [run for run in runs if run["start_time"] >= int(asked.get("start_time_from", 0))]

    def _run(self, job: Job) -> dict[str, Any]:
        config = job.record.config
        shown = [{"name": name, "value": value} for name, value in config.get("job_parameters", {}).items()]
        return {
            "run_id": int(job.name),
            "run_name": config.get("run_name", ""),
            "job_parameters": shown,
            "start_time": int(job.record.started_at.timestamp() * 1000),
            "state": {**self._state(job), "state_message": job.play.error or ""},
        }

    def _state(self, job: Job) -> dict[str, str]:
        word = state_of(job, self._jobs.clock.now(), _WORDS)
        if word in ("RUNNING", job.play.state):
            return {"life_cycle_state": word}
        return {"life_cycle_state": "TERMINATED", "result_state": word}

    def _runs(self) -> list[Job]:
        return [job for job in self._jobs.jobs if job.service == "databricks"]

    def _find(self, asked: Mapping[str, Any]) -> Job | None:
        run_id = str(asked.get("run_id"))
        return next((job for job in self._runs() if job.name == run_id), None)

    def _pipeline(self, asked: Mapping[str, Any]) -> str | None:
        return pipeline_of(self._find(asked)) or pipeline_being_started()

    def _knows(self, authorization: str) -> bool:
        return any(authorization == f"Bearer {token}" for token in self._credentials())


def _is_asked_for(job: Job, asked: Mapping[str, Any]) -> bool:
    config = job.record.config
    if "job_id" in asked:
        return str(config.get("job_id")) == str(asked["job_id"])
    return "run_name" in config


def _refusal(code: str, status: int | None = None) -> HttpAnswer:
    status = status or _STATUS_OF_CODE.get(code) or status_of_error(code, 400)
    return HttpAnswer(status, json.dumps({"error_code": code, "message": f"refused: {code}"}))


def _failed(failure: CallFailed) -> HttpAnswer:
    """A fault of the scenario, as the workspace would show it."""
    return _refusal(failure.code, status_of_fault(failure, _STATUS_OF_CODE))

"""A Databricks workspace on loopback, as far as the adapter speaks to it: it checks method, path, token and body.

https://docs.databricks.com/api/workspace/jobs
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from triggers.loopback import Exchange, Loopback, loopback

JOB = 1122334455667788
FIRST_RUN = 9007199254740993  # the first whole number that a JavaScript number cannot hold
PAGE = 20


@dataclass(frozen=True)
class Refusal:
    """An error answer. It quotes the whole request, credentials included."""

    status: int
    error_code: Any


class Lost:
    """The call takes effect, and its answer never arrives."""


Behaviour = Refusal | Lost | str  # a text is answered as it stands, with 200


@dataclass
class Workspace:
    token: str
    then: list[Behaviour] = field(default_factory=list)  # what the next calls meet
    runs: list[dict[str, Any]] = field(default_factory=list)  # the oldest first
    cancelled: list[int] = field(default_factory=list)
    now: int = 1_772_388_000_000  # milliseconds
    url: str = ""
    _tokens: dict[str, int] = field(default_factory=dict)
    _served: Loopback | None = None

    @property
    def received(self) -> list[tuple[str, str, Any]]:
        """Method, path with query, and body of each request."""
        assert self._served is not None
        return [(one.method, one.path, one.json if one.body else None) for one in self._served.received]

    def set_state(self, life_cycle_state: str, result_state: str | None = None, message: str = "") -> None:
        for run in self.runs:
            run["state"] = {"life_cycle_state": life_cycle_state, "state_message": message}
            if result_state:
                run["state"]["result_state"] = result_state

    def respond(self, exchange: Exchange) -> None:
        received = exchange.received
        if received.headers.get("authorization") != f"Bearer {self.token}":
            return _refuse(exchange, Refusal(403, "403"))
        behaviour = self.then.pop(0) if self.then else None
        if isinstance(behaviour, Refusal):
            return _refuse(exchange, behaviour)
        if isinstance(behaviour, str):
            return exchange.answer(200, behaviour)
        target = urlsplit(received.path)
        call = self._calls().get((received.method, target.path))
        if call is None:
            return _refuse(exchange, Refusal(404, "ENDPOINT_NOT_FOUND"))
        asked = dict(parse_qsl(target.query)) if received.method == "GET" else received.json
        if received.method == "POST" and received.headers.get("content-type") != "application/json":
            return _refuse(exchange, Refusal(400, "MALFORMED_REQUEST"))
        answer = call(asked)
        if isinstance(answer, Refusal):
            return _refuse(exchange, answer)
        return exchange.drop() if behaviour else exchange.answer(200, json.dumps(answer))

    def _calls(self) -> Mapping[tuple[str, str], Callable[[dict[str, Any]], Any]]:
        return {
            ("POST", "/api/2.1/jobs/run-now"): self._run_now,
            ("POST", "/api/2.1/jobs/runs/submit"): self._submit,
            ("GET", "/api/2.1/jobs/runs/get"): self._get,
            ("GET", "/api/2.1/jobs/runs/list"): self._list,
            ("POST", "/api/2.1/jobs/runs/cancel"): self._cancel,
        }

    def _run_now(self, asked: dict[str, Any]) -> Any:
        if asked.pop("job_id") != JOB:
            return Refusal(400, "INVALID_PARAMETER_VALUE")
        told = asked.pop("job_parameters", {})
        shown = [{"name": name, "default": "", "value": value} for name, value in told.items()]
        return self._begin(asked, {"job_id": JOB, "run_type": "JOB_RUN", "job_parameters": shown})

    def _submit(self, asked: dict[str, Any]) -> Any:
        tasks, name = asked.pop("tasks"), asked.pop("run_name", "Untitled")
        if not all(task.get("task_key") for task in tasks):
            return Refusal(400, "INVALID_PARAMETER_VALUE")
        return self._begin(asked, {"run_type": "SUBMIT_RUN", "run_name": name})

    def _begin(self, asked: dict[str, Any], run: dict[str, Any]) -> Any:
        token = asked.pop("idempotency_token")
        if asked != {"queue": {"enabled": True}} or len(token) > 64:
            return Refusal(400, "MALFORMED_REQUEST")
        if token not in self._tokens:
            self._tokens[token] = FIRST_RUN + len(self.runs)
            state = {"life_cycle_state": "PENDING", "state_message": ""}
            self.runs.append({"run_id": self._tokens[token], "start_time": self.now, "state": state, **run})
        return {"run_id": self._tokens[token], "number_in_job": self._tokens[token]}

    def _get(self, asked: dict[str, Any]) -> Any:
        found = [run for run in self.runs if str(run["run_id"]) == asked["run_id"]]
        return found[0] if found else Refusal(400, "INVALID_PARAMETER_VALUE")

    def _list(self, asked: dict[str, Any]) -> Any:
        listed = [run for run in self.runs[::-1] if _matches(run, asked)]
        begin = int(asked.get("page_token", 0))
        page: dict[str, Any] = {"has_more": len(listed) > begin + PAGE}
        if listed:
            page["runs"] = listed[begin : begin + PAGE]
        if page["has_more"]:
            page["next_page_token"] = str(begin + PAGE)
        return page

    def _cancel(self, asked: dict[str, Any]) -> Any:
        run_id = asked["run_id"]
        if not any(run["run_id"] == run_id for run in self.runs):
            return Refusal(400, "INVALID_PARAMETER_VALUE")
        self.cancelled.append(run_id)
        return {}


def _matches(run: Mapping[str, Any], asked: Mapping[str, str]) -> bool:
    ended = run["state"]["life_cycle_state"] in ("TERMINATED", "SKIPPED", "INTERNAL_ERROR")
    return (
        str(run.get("job_id")) == asked.get("job_id", str(run.get("job_id")))
        and run["run_type"] == asked.get("run_type", run["run_type"])
        and not (ended and asked.get("active_only") == "true")
        and (ended or asked.get("completed_only") != "true")
        and run["start_time"] >= int(asked.get("start_time_from", 0))
    )


def _refuse(exchange: Exchange, refusal: Refusal) -> None:
    received = exchange.received
    said = f"refused: {received.path} {received.headers} {received.body.decode()}"
    exchange.answer(refusal.status, json.dumps({"error_code": refusal.error_code, "message": said}))


@contextmanager
def a_workspace(token: str) -> Iterator[Workspace]:
    workspace = Workspace(token)
    with loopback(workspace.respond) as served:
        workspace.url, workspace._served = served.url, served
        yield workspace

"""An Airflow on loopback, as far as the adapter speaks to it: it checks method, path, credentials and body.

v2: https://airflow.apache.org/docs/apache-airflow/stable/stable-rest-api-ref.html
v1: https://airflow.apache.org/docs/apache-airflow/2.11.0/stable-rest-api-ref.html
"""

from __future__ import annotations

import base64
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from triggers.loopback import Exchange, Loopback, Received, loopback

USER = "interlock"
DAG = "load orders/ü"  # no id that Airflow would take, but one that must be quoted

_PATHS = {
    "token": re.compile(r"/auth/token"),
    "dag": re.compile(r"/api/v[12]/dags/([^/]+)"),
    "runs": re.compile(r"/api/v[12]/dags/([^/]+)/dagRuns"),
    "run": re.compile(r"/api/v[12]/dags/([^/]+)/dagRuns/([^/]+)"),
    "tasks": re.compile(r"/api/v[12]/dags/([^/]+)/dagRuns/([^/]+)/taskInstances"),
}
_CALLS = {
    ("POST", "token"): "token",
    ("GET", "dag"): "dag",
    ("POST", "runs"): "trigger",
    ("GET", "run"): "get_run",
    ("PATCH", "run"): "cancel_run",
    ("GET", "tasks"): "tasks",
}


class Lost:
    """The call takes effect, and its answer never arrives."""


# What a call meets instead of its answer: a status, with the whole request quoted as a careless proxy does; this text with
# 200; a status and a text.
Behaviour = int | str | tuple[int, str] | Lost


@dataclass
class Airflow:
    """One of its DAGs, and the runs of it."""

    password: str
    version: str
    then: defaultdict[str, list[Behaviour]] = field(
        default_factory=lambda: defaultdict(list)
    )  # by the call's name
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    failed_tasks: list[str] = field(default_factory=list)
    paused: bool = False
    tokens: int = 0  # given out
    url: str = ""
    _served: Loopback | None = None

    @property
    def requests(self) -> list[Received]:
        assert self._served is not None
        return self._served.received

    @property
    def received(self) -> list[tuple[str, str, Any]]:
        """Method, path with query, and body of each request."""
        return [(one.method, one.path, one.json if one.body else None) for one in self.requests]

    @property
    def auth(self) -> dict[str, str]:
        kind = "jwt" if self.version == "v2" else "basic"
        return {"type": kind, "username": USER, "password": self.password}

    def set_state(self, state: str) -> None:
        for run in self.runs.values():
            run["state"] = state

    def respond(self, exchange: Exchange) -> None:
        received = exchange.received
        path = urlsplit(received.path).path
        kind, ids = next(
            (
                (kind, found.groups())
                for kind, pattern in _PATHS.items()
                if (found := pattern.fullmatch(path))
            ),
            ("", ()),
        )
        call = _CALLS.get((received.method, kind), "")
        behaviour = self.then[call].pop(0) if self.then[call] else None
        if isinstance(behaviour, int):
            return exchange.answer(behaviour, f"{received.path} {received.headers} {received.body!r}")
        if isinstance(behaviour, str | tuple):
            return exchange.answer(*((200, behaviour) if isinstance(behaviour, str) else behaviour))
        status, body = self._answer(call, exchange, [unquote(one) for one in ids])
        return exchange.drop() if behaviour else exchange.answer(status, json.dumps(body))

    def _answer(self, call: str, exchange: Exchange, ids: list[str]) -> tuple[int, Any]:
        received = exchange.received
        if received.body and received.headers.get("content-type") != "application/json":
            return 415, {"detail": "Unsupported media type"}
        if call == "token" and self.version == "v2":
            return self._token(received.json)
        if not call or not received.path.startswith(f"/api/{self.version}/"):
            return 404, {"detail": "Not Found"}
        if received.headers.get("authorization") != self._credentials():
            return 401, {"detail": f"Not authenticated: {received.headers}"}
        if ids[0] != DAG and call in ("dag", "trigger"):
            return 404, {"detail": f"The Dag with ID: `{ids[0]}` was not found"}
        answers: dict[str, Callable[..., tuple[int, Any]]] = {
            "dag": lambda *_: (200, {"dag_id": DAG, "is_paused": self.paused}),
            "trigger": lambda _: self._trigger(received.json),
            "get_run": self._run,
            "cancel_run": lambda dag, run: self._patch(dag, run, received.json),
            "tasks": lambda *_: (200, {"task_instances": [{"task_id": task} for task in self.failed_tasks]}),
        }
        return answers[call](*ids)

    def _token(self, asked: Any) -> tuple[int, Any]:
        if asked != {"username": USER, "password": self.password}:
            return 401, {"detail": f"Invalid credentials: {asked}"}
        self.tokens += 1
        return 201, {"access_token": self._bearer()}

    def _bearer(self) -> str:
        return f"issued-t0ken-{self.tokens}"

    def _credentials(self) -> str:
        if self.version == "v2":
            return f"Bearer {self._bearer()}"
        return "Basic " + base64.b64encode(f"{USER}:{self.password}".encode()).decode()

    def _trigger(self, asked: Any) -> tuple[int, Any]:
        expected = {"dag_run_id", "conf"} | ({"logical_date"} if self.version == "v2" else set())
        if set(asked) != expected or asked.get("logical_date") is not None:
            return 422, {"detail": "that is no DAG run"}
        run_id = asked["dag_run_id"]
        if run_id in self.runs:
            return 409, {"detail": {"reason": "Unique constraint violation"}}
        self.runs[run_id] = {"dag_id": DAG, "dag_run_id": run_id, "state": "queued", "conf": asked["conf"]}
        return 200, self.runs[run_id]

    def _run(self, dag: str, run: str) -> tuple[int, Any]:
        if dag != DAG or run not in self.runs:
            return 404, {"detail": f"The DagRun with dag_id: `{dag}` and run_id: `{run}` was not found"}
        return 200, self.runs[run]

    def _patch(self, dag: str, run: str, asked: Any) -> tuple[int, Any]:
        if asked != {"state": "failed"}:
            return 422, {"detail": "that is no change"}
        status, found = self._run(dag, run)
        if status == 200:
            found["state"] = "failed"
        return status, found


@contextmanager
def an_airflow(password: str, version: str = "v2") -> Iterator[Airflow]:
    """Serves until the test is over."""
    airflow = Airflow(password, version)
    with loopback(airflow.respond) as served:
        airflow.url, airflow._served = served.url, served
        yield airflow

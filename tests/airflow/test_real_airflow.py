"""The adapter before an Apache Airflow that is one: its REST API v2, its tokens, its scheduler, its tasks."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest

from airflow.real_airflow import RealAirflow
from flow.world import DATE, World
from interlock.domain.run import JobEnd, Outcome, RunStatus
from interlock.local.session import embedded_stack
from interlock.ports import JobRequest, JobTrigger, StartedJob, TriggerError
from interlock.triggers.background import on_a_thread
from interlock.triggers.http_client import HttpClient
from interlock.triggers.outside import Outside
from interlock.triggers.processes import OsProcesses
from interlock.triggers.public_address import AddressRules
from interlock.triggers.table import TriggerTable
from local.emulator_kit import eventually, unique
from local.processes import bound_addresses, is_alive, needs_proc
from triggers.requests_for import a_request

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("airflow"), needs_proc]

PATIENCE = 60.0  # while other tests have the processors


Answer = TypeVar("Answer")


class Patient(JobTrigger):
    """The adapter, and who calls it: what a refusal that passes kept from being done is tried again, as our workflow does."""

    def __init__(self, adapter: JobTrigger) -> None:
        self._adapter, self.asked_with = adapter, adapter.asked_with

    def start(self, request: JobRequest) -> StartedJob:
        return tried(lambda: self._adapter.start(request))

    def find(self, request: JobRequest) -> StartedJob | None:
        return tried(lambda: self._adapter.find(request))

    def status(self, handle: Mapping[str, Any]) -> Outcome | None:
        return tried(lambda: self._adapter.status(handle))

    def cancel(self, handle: Mapping[str, Any]) -> None:
        tried(lambda: self._adapter.cancel(handle))


def tried(call: Callable[[], Answer], times: int = 3) -> Answer:
    for _ in range(times - 1):
        try:
            return call()
        except TriggerError as error:
            if error.permanent:
                raise
            time.sleep(1)
    return call()


@pytest.fixture
def trigger() -> JobTrigger:
    http = HttpClient(AddressRules(["127.0.0.0/8"]))
    return Patient(TriggerTable(Outside(None, http, OsProcesses(), on_a_thread)).of_type("airflow"))


def asked_for(airflow: RealAirflow, dag: str, **changes: Any) -> JobRequest:
    """A start of an attempt that nobody else makes."""
    config = {"url": airflow.url, "dagId": dag, "auth": airflow.auth, **changes}
    return a_request(config, date=DATE, run_id=unique("gold-revenue-cron-2026-03-01-1"))


def handle(started: StartedJob, request: JobRequest, trigger: JobTrigger) -> dict[str, Any]:
    """As the steps give it to `status` and `cancel`."""
    known = {key: request.config[key] for key in trigger.asked_with if key in request.config}
    return {**started.handle, **known}


def ended(trigger: JobTrigger, given: dict[str, Any]) -> Outcome:
    outcome = eventually(lambda: trigger.status(given), PATIENCE)
    assert outcome is not None
    return outcome


def runs_of(airflow: RealAirflow, request: JobRequest) -> list[str]:
    """Those of the DAG that bear the attempt's id, or are made of it, by Airflow's own list."""
    login = {"username": airflow.username, "password": airflow.password}
    token = answered(airflow, "POST", "/auth/token", json.dumps(login))["access_token"]
    path = f"/api/v2/dags/{request.config['dagId']}/dagRuns?limit=100"
    listed = answered(airflow, "GET", path, authorization=f"Bearer {token}")["dag_runs"]
    return [run["dag_run_id"] for run in listed if request.run_id in run["dag_run_id"]]


def answered(airflow: RealAirflow, method: str, path: str, body: str | None = None, **headers: str) -> Any:
    connection = http.client.HTTPConnection(airflow.url.removeprefix("http://"), timeout=PATIENCE)
    connection.request(method, path, body, {"content-type": "application/json", **headers})
    try:
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def test_a_dag_run_that_succeeds_is_seen_to_succeed(airflow: RealAirflow, trigger: JobTrigger) -> None:
    request = asked_for(airflow, "load_orders")

    given = handle(trigger.start(request), request, trigger)

    assert ended(trigger, given) == Outcome(JobEnd.SUCCESS)


def test_a_dag_run_that_fails_says_which_task_failed(airflow: RealAirflow, trigger: JobTrigger) -> None:
    request = asked_for(airflow, "spoil_orders")

    given = handle(trigger.start(request), request, trigger)

    assert ended(trigger, given) == Outcome(JobEnd.FAIL, error="DAG run failed: task load")


def test_two_starts_of_one_attempt_are_one_dag_run(airflow: RealAirflow, trigger: JobTrigger) -> None:
    request = asked_for(airflow, "load_orders")

    first, second = trigger.start(request), trigger.start(request)

    assert first == second
    assert trigger.find(request) == first
    assert runs_of(airflow, request) == [request.run_id]


def test_what_was_never_started_is_not_found(airflow: RealAirflow, trigger: JobTrigger) -> None:
    assert trigger.find(asked_for(airflow, "load_orders")) is None
    assert trigger.find(asked_for(airflow, "no_such_dag")) is None


def test_a_cancelled_dag_run_ends_its_task(airflow: RealAirflow, trigger: JobTrigger, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    request = asked_for(airflow, "hold_orders", conf={"pid_file": str(pid_file)})
    given = handle(trigger.start(request), request, trigger)
    pid = int(eventually(lambda: pid_file.exists() and pid_file.read_text(), PATIENCE))
    assert is_alive(pid)

    for _ in range(2):
        trigger.cancel(given)

    assert ended(trigger, given).end is JobEnd.FAIL
    eventually(lambda: not is_alive(pid), PATIENCE)


def test_a_cancelled_success_stays_one(airflow: RealAirflow, trigger: JobTrigger) -> None:
    request = asked_for(airflow, "load_orders")
    given = handle(trigger.start(request), request, trigger)
    ended(trigger, given)

    trigger.cancel(given)

    assert ended(trigger, given).end is JobEnd.SUCCESS


@pytest.mark.parametrize(
    ("dag", "auth", "said", "permanent"),
    [
        (
            "load_orders",
            {"password": "mistyped"},
            r"answered 401: .*Invalid credentials.*check job\.config\.auth",
            True,
        ),
        ("load_orders", {"type": "bearer", "token": "mistyped"}, r"answered 403: .*Invalid JWT token", True),
        ("no_such_dag", {}, r"answered 404: .*no_such_dag. was not found", True),
        ("paused_orders", {}, "paused_orders is paused", False),
    ],
)
def test_a_start_that_airflow_refuses_says_why(
    airflow: RealAirflow, trigger: JobTrigger, dag: str, auth: dict[str, str], said: str, permanent: bool
) -> None:
    with pytest.raises(TriggerError, match=said) as refused:
        trigger.start(asked_for(airflow, dag, auth={**airflow.auth, **auth}))

    assert (refused.value.permanent, refused.value.unknown_outcome) == (permanent, False)
    assert "mistyped" not in str(refused.value)


def test_a_run_of_the_stack_starts_a_dag_run_and_sees_it_succeed(
    airflow: RealAirflow, trigger: JobTrigger
) -> None:
    secret = unique("airflow")
    auth = {**airflow.auth, "password": f"${{secret:{secret}}}"}
    config = {"url": airflow.url, "dagId": "load_orders", "auth": auth}
    with embedded_stack({}) as session:
        world = World(session)
        session.emulator.client("secretsmanager").create_secret(Name=secret, SecretString=airflow.password)
        pipeline = world.declare({"type": "airflow", "config": config}, maxRetries=0)

        world.open_ready(pipeline)
        run = world.reaches(pipeline, RunStatus.RUNNING)
        ended(trigger, {**(run.handle or {}), "url": airflow.url, "auth": airflow.auth})
        eventually(lambda: world.control.due_runs_of(pipeline), PATIENCE)
        world.poll_now(pipeline)
        seen = world.reaches(pipeline, RunStatus.SUCCEEDED)

    assert run.handle == {"dagId": "load_orders", "dagRunId": run.run_id}
    assert (seen.attempt, airflow.password in repr(seen)) == (1, False)


def test_nothing_of_it_listens_beyond_loopback(airflow: RealAirflow) -> None:
    addresses: set[str] = set()
    for pid in airflow.processes:
        with suppress(FileNotFoundError, ProcessLookupError):  # a task's, which has ended meanwhile
            addresses |= bound_addresses(pid)

    assert addresses == {"0100007F"}

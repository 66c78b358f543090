"""What every adapter promises, whatever it starts. A new type adds one row to `RIGS`."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from interlock.domain.run import JobEnd
from interlock.ports import JobRequest, JobTrigger, OnlyRepeatingTells, StartedJob, TriggerError
from interlock.triggers.allowed_commands import AllowedCommands
from interlock.triggers.background import on_a_thread
from interlock.triggers.http_client import HttpClient
from interlock.triggers.outside import Outside
from interlock.triggers.processes import OsProcesses
from interlock.triggers.public_address import AddressRules
from interlock.triggers.table import ADAPTERS, TriggerTable
from triggers import airflow_server as airflow
from triggers import databricks_workspace as databricks
from triggers.aws_services import ACCOUNT, Lost, Refusal, Service, clients_of
from triggers.loopback import Exchange, loopback
from triggers.requests_for import RUN_ID, a_request

SECRET = "hunter2-hunter2"


@dataclass
class Rig:
    """One adapter before a world that the test can spoil."""

    trigger: JobTrigger
    config: dict[str, Any]
    refuse_for_good: Callable[[], None]
    refuse_for_now: Callable[[], None]
    lose_the_answer: Callable[[], None]
    started: Callable[[], int]  # how many remote jobs there are
    set_state: Callable[[str], None] = lambda _state: None
    states: dict[str, JobEnd | None] = field(default_factory=dict)  # what `status` makes of each
    answers: bool = False  # synchronous

    def request(self, **changes: Any) -> JobRequest:
        return a_request(self.config, **changes)

    @property
    def lookup(self) -> bool:
        return self.trigger.can_be_asked

    def earlier(self) -> StartedJob | None:
        """The job of an earlier try, as the step finds it: by looking, or by the same start made again."""
        try:
            return self.trigger.find(self.request(idempotent=True))
        except OnlyRepeatingTells:
            return self.trigger.start(self.request())

    def asked_of(self, started: StartedJob) -> dict[str, Any]:
        """What `status` and `cancel` are given."""
        return {**started.handle, **{key: self.config[key] for key in self.trigger.asked_with}}


def _outside(**known: Any) -> Outside:
    parts: dict[str, Any] = {
        "clients": None,
        "http": None,
        "processes": None,
        "in_background": on_a_thread,
        "answer_seconds": 2,
    }
    return Outside(**(parts | known))


@contextmanager
def _aws(job_type: str, config: dict[str, Any], **known: Any) -> Iterator[Rig]:
    service = Service()
    with loopback(service.respond) as served:
        yield Rig(
            trigger=TriggerTable(_outside(clients=clients_of(served.url))).of_type(job_type),
            config=config,
            refuse_for_good=lambda: service.then.append(Refusal(400, "AccessDeniedException")),
            refuse_for_now=lambda: service.then.append(Refusal(429, "TooManyRequestsException")),
            lose_the_answer=lambda: service.then.append(Lost()),
            started=lambda: len(service.jobs),
            set_state=service.set_state,
            **known,
        )


@contextmanager
def _http(**config: Any) -> Iterator[Rig]:
    then: list[int] = []
    taken: list[str] = []

    def respond(exchange: Exchange) -> None:
        status = then.pop(0) if then else 200
        if status in (0, 200):
            taken.append(exchange.received.path)
        if status == 0:
            exchange.drop()
        else:
            # As a careless service does: the whole request in the error page.
            exchange.answer(status, f"{exchange.received.path} {exchange.received.headers}")

    with loopback(respond) as served:
        http = HttpClient(AddressRules(["127.0.0.0/8"]))
        yield Rig(
            trigger=TriggerTable(_outside(http=http)).of_type("http"),
            config={
                "url": f"{served.url}/jobs?key={SECRET}",
                "headers": {"Authorization": f"Bearer {SECRET}"},
                **config,
            },
            refuse_for_good=lambda: then.append(403),
            refuse_for_now=lambda: then.append(503),
            lose_the_answer=lambda: then.append(0),
            started=lambda: len(taken),
            answers="callback" not in config,
        )


@contextmanager
def _databricks(**config: Any) -> Iterator[Rig]:
    with databricks.a_workspace(SECRET) as workspace:
        yield Rig(
            trigger=TriggerTable(_outside(http=HttpClient(AddressRules(["127.0.0.0/8"])))).of_type(
                "databricks"
            ),
            config={"workspaceUrl": workspace.url, "token": SECRET, **config},
            refuse_for_good=lambda: workspace.then.append(databricks.Refusal(400, "INVALID_PARAMETER_VALUE")),
            refuse_for_now=lambda: workspace.then.append(databricks.Refusal(429, "REQUEST_LIMIT_EXCEEDED")),
            lose_the_answer=lambda: workspace.then.append(databricks.Lost()),
            started=lambda: len(workspace.runs),
            set_state=lambda state: workspace.set_state(*state.split()),
            states=RUN_STATES,
        )


@contextmanager
def _airflow(version: str) -> Iterator[Rig]:
    with airflow.an_airflow(SECRET, version) as served:
        yield Rig(
            trigger=TriggerTable(_outside(http=HttpClient(AddressRules(["127.0.0.0/8"])))).of_type("airflow"),
            config={
                "url": served.url,
                "dagId": airflow.DAG,
                "apiVersion": version,
                "auth": served.auth,
                "conf": {"password": SECRET},
            },
            refuse_for_good=lambda: served.then["trigger"].append(400),
            refuse_for_now=lambda: served.then["trigger"].append(429),
            lose_the_answer=lambda: served.then["trigger"].append(airflow.Lost()),
            started=lambda: len(served.runs),
            set_state=served.set_state,
            states=DAG_RUN_STATES,
        )


class _SpoiltProcesses(OsProcesses):
    """Real processes, until the test says otherwise."""

    def __init__(self) -> None:
        self.then: list[Exception | None] = []
        self.started = 0

    def start(self, argv: Any, environment: Any) -> Any:
        failure = self.then.pop(0) if self.then else None
        if failure is not None:
            raise failure
        self.started += 1
        return super().start(argv, environment)


@contextmanager
def _command() -> Iterator[Rig]:
    processes = _SpoiltProcesses()
    yield Rig(
        trigger=TriggerTable(
            _outside(processes=processes, allowed_commands=AllowedCommands.listed("*"))
        ).of_type("command"),
        config={"command": [sys.executable, "-S", "-c", "pass", SECRET]},
        refuse_for_good=lambda: processes.then.append(FileNotFoundError(2, "No such file or directory")),
        refuse_for_now=lambda: processes.then.append(BlockingIOError(11, "Resource temporarily unavailable")),
        lose_the_answer=lambda: pytest.skip("a process is started or it is not: there is no answer to lose"),
        started=lambda: processes.started,
        answers=True,
    )


GLUE_STATES = {"RUNNING": None, "WAITING": None, "SUCCEEDED": JobEnd.SUCCESS, "FAILED": JobEnd.FAIL}
STEP_STATES = {"PENDING": None, "RUNNING": None, "COMPLETED": JobEnd.SUCCESS, "FAILED": JobEnd.FAIL}
JOB_RUN_STATES = {"QUEUED": None, "RUNNING": None, "SUCCESS": JobEnd.SUCCESS, "FAILED": JobEnd.FAIL}
RUN_STATES = {
    "QUEUED": None,
    "RUNNING": None,
    "TERMINATED SUCCESS": JobEnd.SUCCESS,
    "TERMINATED TIMEDOUT": JobEnd.TIMEOUT,
}
DAG_RUN_STATES = {"queued": None, "running": None, "success": JobEnd.SUCCESS, "failed": JobEnd.FAIL}
EXECUTION_STATES = {"RUNNING": None, "SUCCEEDED": JobEnd.SUCCESS, "TIMED_OUT": JobEnd.TIMEOUT}

RIGS = {
    "glue": lambda: _aws("glue", {"jobName": "etl", "arguments": {"--password": SECRET}}, states=GLUE_STATES),
    "emr": lambda: _aws(
        "emr", {"clusterId": "j-1", "command": ["load", "--password", SECRET]}, states=STEP_STATES
    ),
    "emr-serverless": lambda: _aws(
        "emr-serverless",
        {
            "applicationId": "00f1r1exampleid9",
            "executionRoleArn": "arn:aws:iam::123456789012:role/job",
            "jobDriver": {"sparkSubmit": {"entryPoint": "s3://b/j.py", "entryPointArguments": [SECRET]}},
        },
        states=JOB_RUN_STATES,
    ),
    "step-function": lambda: _aws(
        "step-function",
        {"stateMachineArn": f"{ACCOUNT}:stateMachine:etl", "input": {"password": SECRET}},
        states=EXECUTION_STATES,
    ),
    "lambda": lambda: _aws("lambda", {"functionName": "etl", "payload": {"password": SECRET}}, answers=True),
    "lambda async": lambda: _aws(
        "lambda", {"functionName": "etl", "payload": {"password": SECRET}, "async": True}
    ),
    "databricks": lambda: _databricks(jobId=databricks.JOB, parameters={"password": SECRET}),
    "databricks submit": lambda: _databricks(tasks=[{"task_key": "load", "notebook_task": {"key": SECRET}}]),
    "airflow": lambda: _airflow("v2"),
    "airflow v1": lambda: _airflow("v1"),
    "http": _http,
    "http callback": lambda: _http(callback=True),
    "command": _command,
}


@pytest.fixture(params=RIGS)
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    with ExitStack() as stack:
        yield stack.enter_context(RIGS[request.param]())


def test_every_adapter_has_a_row():
    assert {name.split()[0] for name in RIGS} == set(ADAPTERS)


def test_a_start_starts_one_job_and_gives_a_handle_that_can_be_stored(rig):
    started = rig.trigger.start(rig.request())

    assert rig.started() == 1
    assert json.loads(json.dumps(started.handle)) == started.handle
    _finish(started)


def test_a_job_that_publishes_its_end_has_the_id_that_the_event_will_name(rig):
    started = rig.trigger.start(rig.request())

    assert started.remote_id is not None or not rig.trigger.publishes_end
    _finish(started)


def test_a_synchronous_target_answers_with_the_end(rig):
    started = rig.trigger.start(rig.request())

    assert (started.answer is not None) is rig.answers
    assert started.answer is None or started.answer().end is JobEnd.SUCCESS


def test_a_refusal_that_lasts_is_permanent_and_certain(rig):
    rig.refuse_for_good()

    with pytest.raises(TriggerError) as refused:
        rig.trigger.start(rig.request())

    assert (refused.value.permanent, refused.value.unknown_outcome) == (True, False)
    assert rig.started() == 0


def test_a_refusal_that_passes_is_transient_and_certain(rig):
    rig.refuse_for_now()

    with pytest.raises(TriggerError) as refused:
        rig.trigger.start(rig.request())

    assert (refused.value.permanent, refused.value.unknown_outcome) == (False, False)
    assert rig.started() == 0


def test_a_start_whose_answer_is_lost_is_tried_again_only_where_the_job_can_be_found(rig):
    rig.lose_the_answer()

    with pytest.raises(TriggerError) as lost:
        rig.trigger.start(rig.request())

    assert lost.value.unknown_outcome
    assert lost.value.permanent is not rig.lookup


def test_a_lost_answer_of_a_target_that_takes_one_start_twice_is_tried_again(rig):
    rig.lose_the_answer()

    with pytest.raises(TriggerError) as lost:
        rig.trigger.start(rig.request(idempotent=True))

    assert (lost.value.permanent, lost.value.unknown_outcome) == (False, True)


def test_a_crash_between_start_and_stored_handle_leaves_one_job_or_an_unknown_outcome(rig):
    lost = rig.trigger.start(rig.request())

    if rig.lookup:
        found = rig.earlier()
        assert found is not None
        assert (found.handle, found.remote_id) == (lost.handle, lost.remote_id)
    else:
        with pytest.raises(TriggerError, match=f"unknown outcome.*{RUN_ID}") as unknown:
            rig.trigger.find(rig.request())
        assert (unknown.value.permanent, unknown.value.unknown_outcome) == (True, True)
    assert rig.started() == 1
    _finish(lost)


def test_nothing_is_found_where_an_earlier_try_did_not_get_through(rig):
    assert rig.trigger.find(rig.request(idempotent=True)) is None


def test_the_attempt_before_is_not_taken_for_this_one(rig):
    before = rig.trigger.start(rig.request(run_id="the-attempt-before"))
    _finish(before)

    found = rig.earlier()

    assert found is None or found.handle != before.handle


def test_status_says_whether_the_job_runs_and_how_it_ended(rig):
    handle = _finished(rig)

    for state, end in rig.states.items():
        rig.set_state(state)
        outcome = rig.trigger.status(handle)
        assert (outcome and outcome.end) == end
    assert bool(rig.states) is rig.lookup


def test_a_state_that_nobody_knows_is_an_error_and_never_running(rig):
    handle = _finished(rig)
    rig.set_state("DREAMING")

    with pytest.raises(TriggerError) as unknown:
        rig.trigger.status(handle)

    assert unknown.value.permanent


def test_cancelling_twice_is_cancelling_once_and_what_cannot_be_cancelled_says_so(rig):
    handle = _finished(rig)

    for _ in range(2):
        if rig.lookup or "pid" in handle:
            rig.trigger.cancel(handle)
        else:
            with pytest.raises(TriggerError, match="cannot be stopped"):
                rig.trigger.cancel(handle)


def test_no_secret_gets_into_a_handle_an_error_or_a_log(rig, caplog):
    caplog.set_level(logging.DEBUG, logger="interlock")
    told = []

    for spoil in (rig.refuse_for_good, rig.refuse_for_now, rig.lose_the_answer, lambda: None):
        try:
            spoil()
            started = rig.trigger.start(rig.request())
            told.append(json.dumps(started.handle) + str(started.remote_id))
            _finish(started)
        except (TriggerError, pytest.skip.Exception) as error:
            told.append(str(error))

    assert len(told) == 4
    assert SECRET not in " ".join(told) + caplog.text


def _finish(started: Any) -> None:
    if started.answer is not None:
        assert started.answer().end is JobEnd.SUCCESS


def _finished(rig: Rig) -> Any:
    started = rig.trigger.start(rig.request())
    _finish(started)
    return rig.asked_of(started)

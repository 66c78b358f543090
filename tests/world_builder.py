"""The steps' ports in memory, with a hand on every call: a test lets one fail, or slips somebody's write in before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aws.tables import a_memory_table
from builders import a_key, a_pipeline, a_rule, at
from interlock.aws import keys
from interlock.aws.control_table import DynamoControlTable
from interlock.aws.job_log import DynamoJobLog
from interlock.aws.outbox import events_of
from interlock.aws.rerun_log import DynamoRerunLog
from interlock.aws.run_item import run_item
from interlock.domain.change import Change, ChangeKind
from interlock.domain.event import Announcement, Event, EventType
from interlock.domain.pipeline import Pipeline
from interlock.domain.pipeline_codec import encode_pipeline
from interlock.domain.promise import PromiseKind
from interlock.domain.run import JobEnd, Outcome, Run, RunKey
from interlock.ports import CallFailed, JobRequest, StartedJob, StoredConfig, TriggerError
from interlock.steps.route_change import RouterPorts
from interlock.steps.task import OrchestratorPorts, Task

OWN_MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:test-interlock-pipeline-run"
NOW = at("2026-03-02T08:30")
WAITS_FOR_ROWS = a_pipeline(rules=[a_rule()])


@dataclass
class Interruptions:
    """`Calls`: what a test arranged to happen at a call, before its effect or after it."""

    made: list[str] = field(default_factory=list)
    _arranged: list[tuple[str, bool, Callable[[], None]]] = field(default_factory=list)

    def arrange(self, call: str, what: Callable[[], None] | BaseException, *, after: bool = False) -> None:
        """At the next such call; several on one call happen at one after the other."""

        def happen() -> None:
            if isinstance(what, BaseException):
                raise what
            what()

        self._arranged.append((call, after, happen))

    def calm(self) -> None:
        """What was arranged and has not happened will not happen."""
        self._arranged.clear()

    def before(self, call: str, pipeline: str | None, target: str = "") -> None:  # noqa: ARG002  (the protocol's)
        self.made.append(call)
        self._strike(call, after=False)

    def after(self, call: str, pipeline: str | None, **_: float) -> None:  # noqa: ARG002
        self._strike(call, after=True)

    def answers_stale(self, pipeline: str | None) -> bool:  # noqa: ARG002
        return False

    def _strike(self, call: str, *, after: bool) -> None:
        for arranged in self._arranged:
            if arranged[:2] == (call, after):
                self._arranged.remove(arranged)
                arranged[2]()
                return


@dataclass
class Workflow:
    """`StateMachine`: which executions were started, which tokens woken or failed."""

    calls: Interruptions
    started: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    woken: list[str] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)

    def start(self, name: str, execution_input: Mapping[str, Any]) -> None:
        self.calls.before("states.StartExecution", None)
        assert self.started.get(name, execution_input) == execution_input, "a repeated start says the same"
        self.started[name] = execution_input
        self.calls.after("states.StartExecution", None)

    def succeed(self, token: str) -> None:
        self.calls.before("states.SendTaskSuccess", None)
        self.woken.append(token)

    def owns(self, state_machine_arn: str) -> bool:
        return state_machine_arn == OWN_MACHINE

    def fail(self, token: str, error: str, cause: str) -> None:  # noqa: ARG002
        self.calls.before("states.SendTaskFailure", None)
        self.failed.append((token, error))
        self.calls.after("states.SendTaskFailure", None)


@dataclass
class Jobs:
    """One job service and its adapter: what it is asked, and what a test has it say."""

    calls: Interruptions
    publishes_end: bool = True
    can_be_asked: bool = True
    asked_with: tuple[str, ...] = ()
    started: list[JobRequest] = field(default_factory=list)
    found: StartedJob | TriggerError | None = None
    says: Outcome | TriggerError | None = None
    answer: Callable[[], Outcome] | None = None
    refusal: TriggerError | None = None
    cancel_error: TriggerError | None = None
    disproved: str | TriggerError | None = None
    cancelled: list[Mapping[str, Any]] = field(default_factory=list)

    def of_type(self, job_type: str) -> Jobs:
        if job_type != "glue":
            raise TriggerError(f"jobs of type {job_type} cannot be started here", permanent=True)
        return self

    def find(self, request: JobRequest) -> StartedJob | None:  # noqa: ARG002
        return _said(self.found)

    def start(self, request: JobRequest) -> StartedJob:
        self.calls.before("glue.StartJobRun", request.key.pipeline_id)
        if self.refusal is not None:
            raise self.refusal
        self.started.append(request)
        job = f"jr_{len(self.started)}"
        self.calls.after("glue.StartJobRun", request.key.pipeline_id)
        return StartedJob({"jobName": "etl", "runId": job}, job, self.answer)

    def status(self, handle: Mapping[str, Any]) -> Outcome | None:  # noqa: ARG002
        return _said(self.says)

    def cancel(self, handle: Mapping[str, Any]) -> None:
        if self.cancel_error is not None:
            raise self.cancel_error
        self.cancelled.append(handle)

    def disproof(self, handle: Mapping[str, Any]) -> str | None:  # noqa: ARG002
        return _said(self.disproved)


def _said(said: Any) -> Any:
    if isinstance(said, TriggerError):
        raise said
    return said


@dataclass
class Mirrored:
    """`SlaMonitor`: the promises whose schedules it was asked to bring in step."""

    asked: list[tuple[str, RunKey]] = field(default_factory=list)

    def mirror_deadline(self, kind: PromiseKind, key: RunKey) -> None:
        self.asked.append((str(kind), key))


@dataclass
class Vault:
    """`Secrets`."""

    values: dict[str, str] = field(default_factory=dict)
    error: CallFailed | None = None

    def secret(self, name: str) -> str:
        if self.error is not None:
            raise self.error
        return self.values[name]

    def variable(self, name: str) -> str | None:
        return self.values.get(name)


class World:
    """Tables, workflow and job service of one test; `tell` is a write from outside, which no interruption meets."""

    def __init__(self, pipeline: Pipeline | None = WAITS_FOR_ROWS, run: Run | None = None) -> None:
        self.calls = Interruptions()
        self.events: list[Event] = []
        self.table = a_memory_table(self.calls, self._on_change)
        self.joblog_table = a_memory_table(self.calls)
        self.rerun_table = a_memory_table(self.calls)
        self.machine, self.jobs, self.vault = Workflow(self.calls), Jobs(self.calls), Vault()
        self.mirrored = Mirrored()
        self.control = DynamoControlTable(self.table)
        self.outside = DynamoControlTable(self.table.from_outside())
        if pipeline is not None:
            self.put_config(pipeline)
        if run is not None:
            self.put_run(run)
        self.events.clear()

    def _on_change(self, table: str, key: Any, old: Any, new: Any) -> None:
        kind = ChangeKind.REMOVE if new is None else ChangeKind.MODIFY if old else ChangeKind.INSERT
        self.events += events_of(Change(table, *key, kind, old, new, NOW, "1"))

    @property
    def tasks(self) -> OrchestratorPorts:
        return OrchestratorPorts(
            self.control, DynamoJobLog(self.joblog_table), self.machine, self.jobs, self.vault
        )

    @property
    def router(self) -> RouterPorts:
        reruns = DynamoRerunLog(self.rerun_table)
        joblog = DynamoJobLog(self.joblog_table)
        return RouterPorts(self.control, joblog, reruns, self.machine, _NoBus(), self.mirrored)

    # -- what happens outside

    def put_config(self, pipeline: Pipeline) -> None:
        told = Announcement(EventType.CONFIG_LOADED, "loaded", NOW)
        self.outside.put_config(StoredConfig(pipeline.id, encode_pipeline(pipeline), "p.yaml", "e"), told)

    def remove_config(self, pipeline_id: str = "gold-revenue") -> None:
        self.outside.remove_config(pipeline_id)

    def put_run(self, run: Run) -> None:
        self.table.from_outside().put(run_item(run))

    def remove_run(self, key: RunKey | None = None) -> None:
        self.table.from_outside().delete(keys.run_key(key or a_key()))

    def write_sensor(self, key: str = "row-count", pipeline_id: str = "gold-revenue", **values: Any) -> None:
        partition, sort = keys.sensor_key(pipeline_id, key)
        self.table.from_outside().put({"PK": partition, "SK": sort, **values})

    # -- what is there afterwards

    @property
    def run(self) -> Run | None:
        """The run of 2 March as its row stands."""
        return self.outside.run(a_key())

    @property
    def told(self) -> list[str]:
        """The types of the events that were announced, in order."""
        return [str(event.type) for event in self.events]

    @property
    def due(self) -> list[tuple[str, str, int]]:
        """The ledger: when to look at which date, and the how-manieth poll it is."""
        return [
            (due.key.date, due.due_at.isoformat()[11:19], due.tries)
            for due in self.outside.due_runs_of("gold-revenue")
        ]

    @property
    def rows(self) -> list[Mapping[str, Any]]:
        """Everything that is stored anywhere."""
        tables = (self.table, self.joblog_table, self.rerun_table)
        partitions = ("PIPELINE#gold-revenue", "REMOTE#glue#jr_1", "CONFIG_FILES")
        return [row for table in tables for name in partitions for row in table.from_outside().query(name)]


class _NoBus:
    def publish(self, events: Any) -> None:
        raise AssertionError(f"nothing here publishes {events}")


def a_task(run: Run, token: str | None = "token", **changes: Any) -> Task:
    """An invocation by the run's own execution."""
    return Task(**{"key": run.key, "execution": run.execution_name, "token": token, **changes})


SUCCEEDED = Outcome(JobEnd.SUCCESS)
FAILED = Outcome(JobEnd.FAIL, "disk full")
THROTTLED = CallFailed("dynamodb.UpdateItem", "ThrottlingException")


def later(**delta: float) -> datetime:
    """After the instant at which most tests happen, 08:30."""
    return NOW + timedelta(**delta)

"""Whatever a function is invoked with, it answers, or fails by a name that says what is wrong; and nothing is broken by it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aws.tables import a_memory_table
from builders import a_key, a_run
from fuzz.control_plane import BAD, NEIGHBOURS, NOW, ControlPlane
from interlock.aws.event_store import DynamoEventStore
from interlock.aws.run_item import run_item
from interlock.domain.bad_input import BadInput
from interlock.domain.run import RunStatus
from interlock.functions.alert_dispatcher import DispatcherPorts, alert_dispatcher
from interlock.functions.event_sink import event_sink
from interlock.functions.orchestrator import CHECK_RUNS, STEPS, orchestrator
from interlock.functions.sla_monitor import ACTIONS, UnknownDeadline, sla_monitor
from interlock.functions.stream_router import UnknownInvocation, stream_router
from interlock.ports import CallFailed
from interlock.steps.check_runs import ChecksFailed
from interlock.steps.mirror_deadline import SlaMonitorPorts
from interlock.steps.task import BadTask, NoLongerReady, RunOver

FEW = settings(max_examples=100, suppress_health_check=list(HealthCheck))


def nested(depth: int = 900) -> Any:
    """As deep as a JSON text that Python still reads."""
    return json.loads("[" * depth + "]" * depth)


ODD = [
    "",
    "x" * 400_000,
    "\x00\x1b[2J",
    "\u202e",
    "é#é",
    "-",
    "2026-02-30",
    "9999-12-31T23:59",
    "0001-01-01T00:00",
]
# By index: hypothesis prints what it samples from.
TEXTS = st.text(max_size=20) | st.integers(0, len(ODD) - 1).map(lambda index: ODD[index])
SCALARS = st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | TEXTS
JSON = st.recursive(
    SCALARS | st.builds(nested),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def mappings(**known: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Some of these keys, with a fitting value or any."""
    return st.fixed_dictionaries({}, optional={name: fitting | JSON for name, fitting in known.items()})


# ---------------------------------------------------------------- orchestrator

RUNS = mappings(
    pipelineId=st.sampled_from([BAD, "nobody"]),
    scheduleId=st.sampled_from(["stream", "cron"]),
    date=st.sampled_from(["2026-03-02", "2026-02-30"]),
    waitsFor=st.sampled_from(["readiness", "job"]),
    tries=st.integers(-1, 3),
)
PAYLOADS = mappings(
    step=st.sampled_from([*STEPS, CHECK_RUNS]),
    run=RUNS,
    runs=st.lists(RUNS | JSON, max_size=3),
    executionName=st.just(a_run(key=a_key(BAD)).execution_name),
    taskToken=st.just("token"),
    error=TEXTS,
)
VALID = {
    "run": {"pipelineId": BAD, "scheduleId": "stream", "date": "2026-03-02"},
    "executionName": a_run(key=a_key(BAD)).execution_name,
    "taskToken": "token",
}
ALMOST = st.builds(
    lambda step, name, value, run: VALID | {"step": step, name: value, "run": VALID["run"] | run},
    st.sampled_from(list(STEPS)),
    st.sampled_from(["taskToken", "executionName", "error", "whatever"]),
    JSON,
    st.just({}) | RUNS,
)
# What the state machine's Retry and Catch, or the one who invoked by hand, is told.
NAMED = (BadTask, RunOver, NoLongerReady, ChecksFailed, CallFailed)


@FEW
@given(payload=PAYLOADS | ALMOST, status=st.sampled_from(RunStatus))
def test_the_orchestrator_answers_or_names_what_is_wrong(payload: dict[str, Any], status: RunStatus) -> None:
    plane = ControlPlane()
    for key in (a_key(BAD), *map(a_key, NEIGHBOURS)):
        plane.write(run_item(a_run(status, key=key)))
    neighbours = [plane.control.run(a_key(name)) for name in NEIGHBOURS]

    refused = None
    try:
        answer = orchestrator(payload, plane.tasks, NOW)
        json.dumps(answer)
    except NAMED as error:
        refused = str(error)

    assert refused is None or 0 < len(refused) < 5000
    assert [plane.control.run(a_key(name)) for name in NEIGHBOURS] == neighbours
    assert plane.control.run(a_key(BAD)) is not None  # and its row is still one


@FEW
@given(runs=st.lists(RUNS | JSON, max_size=4), place=st.integers(0, 4))
def test_a_run_that_is_handed_over_among_garbage_is_looked_at(runs: list[Any], place: int) -> None:
    plane = ControlPlane()
    plane.write(run_item(a_run(key=a_key(NEIGHBOURS[0]), confirmed=False)))
    due = {"pipelineId": NEIGHBOURS[0], "scheduleId": "stream", "date": "2026-03-02", "waitsFor": "readiness"}

    try:
        orchestrator({"step": CHECK_RUNS, "runs": [*runs[:place], due, *runs[place:]]}, plane.tasks, NOW)
    except (ChecksFailed, BadTask) as error:
        assert 0 < len(str(error)) < 5000  # noqa: PT017  (it may succeed as well)

    assert len(plane.machine.started) == 1


# ---------------------------------------------------------------- sla-monitor

PROMISE_ROWS = mappings(
    createdAt=st.just("2026-03-02T00:00:00.000Z"),
    version=st.integers(1, 3),
    dueAt=st.integers(0, 2_000_000_000_000),
    since=st.just("2026-03-02T00:00:00.000Z"),
    verdict=st.sampled_from(["met", "breached"]),
)


class _NoScheduler:
    def put(self, promise: Any, at: Any) -> None: ...
    def remove(self, kind: Any, key: Any) -> None: ...


@FEW
@given(
    payload=mappings(
        action=st.sampled_from(list(ACTIONS)), kind=st.sampled_from(["sla", "relative-sla"]), run=RUNS
    ),
    row=PROMISE_ROWS,
    kind=st.sampled_from(["sla", "relative-sla"]),
    date=st.sampled_from(["2026-03-02", "2026-02-30"]),
)
def test_sla_monitor_answers_or_names_what_is_wrong(
    payload: dict[str, Any], row: dict[str, Any], kind: str, date: str
) -> None:
    plane = ControlPlane()
    plane.write({**row, "PK": f"PIPELINE#{BAD}", "SK": f"DUE#{kind}#stream#{date}"})
    whole = {"action": "fire", "kind": kind, "run": {**VALID["run"], "date": date}}

    for event in (payload, whole):
        refused = None
        try:
            sla_monitor(event, SlaMonitorPorts(plane.control, _NoScheduler()), NOW)
        except (UnknownDeadline, BadTask, BadInput, CallFailed) as error:
            refused = str(error)
        assert refused is None or 0 < len(refused) < 5000


# ---------------------------------------------------------------- stream-router, when it is no stream

FIRES = mappings(
    source=st.just("interlock.cron"),
    pipelineId=st.sampled_from([BAD, "nobody"]),
    scheduledAt=st.sampled_from(
        ["2026-03-02T08:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "soon"]
    ),
)
JOB_EVENTS = mappings(
    **{
        "source": st.sampled_from(["aws.glue", "aws.states", "aws.emr"]),
        "detail-type": st.sampled_from(
            ["Glue Job State Change", "Step Functions Execution Status Change", "EMR Step Status Change"]
        ),
        "time": st.sampled_from(["2026-03-02T08:00:00Z", "0001-01-01T00:00:00Z", "soon"]),
        "detail": mappings(
            state=st.sampled_from(["SUCCEEDED", "FAILED", "DREAMING"]),
            status=st.sampled_from(["SUCCEEDED", "FAILED", "DREAMING"]),
            jobRunId=st.just("jr_1"),
            stepId=st.just("s-1"),
            executionArn=st.just("arn:1"),
            message=TEXTS,
        ),
    }
)

ALARMS = mappings(
    **{
        "source": st.just("aws.cloudwatch"),
        "detail-type": st.just("CloudWatch Alarm State Change"),
        "detail": mappings(
            alarmName=TEXTS,
            configuration=mappings(description=TEXTS),
            previousState=mappings(value=TEXTS),
            state=mappings(
                value=st.just("ALARM"),
                reason=TEXTS,
                timestamp=st.sampled_from(["2026-03-02T08:00:00.000+0000", "0001-01-01T00:00:00Z", "soon"]),
            ),
        ),
    }
)


@FEW
@given(event=FIRES | JOB_EVENTS | ALARMS)
def test_the_router_answers_any_event_or_names_what_is_wrong(event: dict[str, Any]) -> None:
    plane = ControlPlane()
    plane.router.joblog.remember_remote("glue", "jr_1", a_key(BAD), 1, NOW)
    plane.write(run_item(a_run("RUNNING", key=a_key(BAD))))

    refused = None
    try:
        assert stream_router(event, plane.router, NOW) == {}
    except (UnknownInvocation, BadInput, CallFailed) as error:
        refused = str(error)

    assert refused is None or 0 < len(refused) < 5000
    plane.trigger(NEIGHBOURS[0])
    assert plane.deliver() == []
    assert plane.control.run(a_key(NEIGHBOURS[0])) is not None


def test_a_state_that_nobody_knows_is_logged_and_judged_by_nobody(caplog: pytest.LogCaptureFixture) -> None:
    plane = ControlPlane()
    plane.router.joblog.remember_remote("glue", "jr_1", a_key(BAD), 1, NOW)
    plane.write(run_item(a_run("RUNNING", key=a_key(BAD))))
    detail = {"jobName": "etl", "jobRunId": "jr_1", "state": "DREAMING"}
    event = {"source": "aws.glue", "detail-type": "Glue Job State Change", "id": "e-1", "detail": detail}

    assert stream_router(event, plane.router, NOW) == {}

    run = plane.control.run(a_key(BAD))
    assert run is not None
    assert run.outcome is None
    assert "DREAMING" in caplog.records[-1].problem  # type: ignore[attr-defined]


@FEW
@given(record=JSON | mappings(dynamodb=JSON, eventName=TEXTS, eventSourceARN=TEXTS), place=st.integers(0, 1))
def test_a_record_that_is_none_stops_no_other(record: Any, place: int) -> None:
    plane = ControlPlane()
    plane.trigger(NEIGHBOURS[0])
    (good,) = plane.take_records()

    answer = stream_router({"Records": [record, good] if place else [good, record]}, plane.router, NOW)

    assert answer == {"batchItemFailures": []}
    assert plane.control.run(a_key(NEIGHBOURS[0])) is not None


# ---------------------------------------------------------------- the watchdog, the sink, the dispatcher


@FEW
@given(event=JSON)
def test_a_tick_carries_nothing(event: Any) -> None:
    plane = ControlPlane()

    plane.tick(event)

    assert plane.handed_on == []


EVENTS = mappings(
    detail=mappings(
        eventId=TEXTS,
        type=st.sampled_from(["JOB_FAILED", "JOB_COMPLETED", "NO_SUCH_TYPE"]),
        pipelineId=st.just(BAD),
        scheduleId=st.just("stream"),
        date=st.just("2026-03-02"),
        attempt=st.integers(0, 3),
        message=TEXTS,
        timestamp=st.sampled_from(["2026-03-02T08:00:00Z", "0001-01-01T00:00:00+14:00", "soon"]),
        severity=st.sampled_from(["warning", "fatal"]),
        detail=mappings(unmet=JSON, mistakes=JSON, owner=TEXTS),
    )
)


@FEW
@given(event=EVENTS | ALARMS)
def test_the_sink_stores_an_event_or_names_what_is_wrong(event: dict[str, Any]) -> None:
    store = DynamoEventStore(a_memory_table(), timedelta(days=90))

    try:
        assert event_sink(event, store) == {}
    except (ValueError, CallFailed) as error:
        assert 0 < len(str(error)) < 5000  # noqa: PT017  (it may succeed as well)


class Kept:
    """A channel and a queue that keep what they are given."""

    def __init__(self) -> None:
        self.alerts: list[str] = []

    def send(self, alert: Any, thread: str | None) -> str:
        self.alerts.append(alert.event_id)
        assert len(alert.text) < 20_000
        return thread or "1.1"

    def postpone(self, receipt: str, seconds: int) -> None:
        """It comes back by itself."""


GOOD = {
    "eventId": "good",
    "type": "JOB_FAILED",
    "pipelineId": NEIGHBOURS[0],
    "message": "m",
    "timestamp": "2026-03-02T08:00:00Z",
    "severity": "warning",
}


def a_message(message_id: str, body: str) -> Mapping[str, Any]:
    counted = {"ApproximateReceiveCount": "1"}
    return {"messageId": message_id, "receiptHandle": message_id, "body": body, "attributes": counted}


@pytest.mark.parametrize("first", ["odd", "good"])
@FEW
@given(body=(EVENTS | ALARMS).map(json.dumps) | JSON.map(json.dumps) | TEXTS)
def test_no_message_keeps_another_from_being_told(first: str, body: str) -> None:
    kept: Any = Kept()
    ports = DispatcherPorts(DynamoEventStore(a_memory_table(), timedelta(days=90)), kept, kept)
    messages = [a_message("odd", body), a_message("good", json.dumps({"detail": GOOD}))]

    answer = alert_dispatcher({"Records": messages if first == "odd" else messages[::-1]}, ports, NOW)

    assert {failure["itemIdentifier"] for failure in answer["batchItemFailures"]} <= {"odd"}
    assert "good" in kept.alerts

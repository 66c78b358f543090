"""Whatever stands in a row of the control or joblog table: its own pipeline is told, and its neighbours run on."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from builders import a_key, a_run
from fuzz.control_plane import BAD, NEIGHBOURS, ControlPlane
from hostile import storable_values
from interlock.aws.run_item import run_item

PARTITION = f"PIPELINE#{BAD}"
FEW = settings(max_examples=60, suppress_health_check=list(HealthCheck))

DATES = st.sampled_from(
    [
        "2026-03-02",
        "2026-02-30",
        "20260302",
        "2026-03-02T24",
        "2026-03-02T08:15",
        "0000-00-00",
        "9999-12-31",
        "x",
        "",
    ]
)
SUFFIXES = (
    st.just("") | DATES.map(lambda date: f"#{date}") | st.text(max_size=12).map(lambda text: f"#{text}")
)
SENSORS = st.builds(
    lambda key, suffix: f"SENSOR#{key}{suffix}",
    st.sampled_from(["upstream-complete", "row-count", "row-count-eu", ""]),
    SUFFIXES,
)
REQUESTS = st.builds(
    lambda schedule, date: f"RERUN_REQUEST#{schedule}#{date}", st.sampled_from(["stream", "cron", ""]), DATES
)
NUMBERS = st.sampled_from(["1", "0", "-1", "1772438400000", "999999999999999", "\u0661", "1e3", ""])
REPORTS = st.builds(
    lambda schedule, date, epoch, attempt: f"JOB#{schedule}#{date}#{epoch}#{attempt}",
    st.sampled_from(["stream", "cron", "x"]),
    DATES,
    NUMBERS,
    NUMBERS,
)
OURS = st.sampled_from(
    [
        "CONFIG",
        "RUN#stream#2026-03-02",
        "RUN#stream#2026-03-02T08",
        "RUN#",
        "DUE#check#stream#2026-03-02",
        "DUE#check#x",
        "DUE#other",
        "NOTICE#x",
        "NOTICE#SENSOR_INVALID#row-count",
        "BASELINE#stream#2026-03-02",
        "DEPENDENT#",
        "DEPENDENT#-",
        "THREAD#x",
        "JOB#",
    ]
)
ANYTHING = st.text(min_size=1, max_size=1024)
ATTRIBUTES = [
    "data", "date", "hour", "status", "count", "updatedAt", "ttl", "event", "error", "category", "runId", "metrics",
    "recordsProcessed", "durationSeconds", "reason", "requestedBy", "force", "config", "source", "etag", "version",
    "createdAt", "events", "pipelineId", "scheduleId", "fingerprint", "dueShard", "dueAt", "waitsFor", "tries",
    *run_item(a_run("RUNNING")),
]  # fmt: skip
FITTING = st.sampled_from(
    [
        "success",
        "fail",
        "ready",
        "WAITING",
        "EXPIRED",
        "2026-03-02T08:00:00Z",
        "due#0",
        "readiness",
        "token",
        1,
        0,
    ]
)


def rows(sort_keys: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    names = st.sampled_from(sorted(set(ATTRIBUTES) - {"PK", "SK"})) | st.text(min_size=1, max_size=20)
    attributes = st.dictionaries(names, storable_values() | FITTING, max_size=8)
    return st.builds(lambda sort, values: {**values, "PK": PARTITION, "SK": sort}, sort_keys, attributes)


def partly(row: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """One of our own rows, a few attributes of which somebody wrote over or took away."""
    names = sorted(set(row) - {"PK", "SK"})
    over = st.dictionaries(st.sampled_from(names), storable_values() | FITTING, max_size=3)
    without = st.sets(st.sampled_from(names), max_size=2)
    return st.builds(
        lambda over, without: {name: value for name, value in {**row, **over}.items() if name not in without},
        over,
        without,
    )


OUR_RUNS = st.sampled_from(["WAITING", "RUNNING", "EXPIRED", "SUCCEEDED"]).flatmap(
    lambda status: partly(run_item(a_run(status, key=a_key(BAD), task_token="t", token_for="readiness")))
)
CHANGES = st.lists(
    st.tuples(
        st.one_of(rows(SENSORS), rows(REQUESTS), rows(REPORTS), rows(OURS), rows(ANYTHING), OUR_RUNS),
        st.sampled_from(["control", "joblog"]),
        st.booleans(),  # is it deleted again?
    ),
    min_size=1,
    max_size=5,
)


def play(changes: list[tuple[dict[str, Any], str, bool]]) -> ControlPlane:
    """The hostile rows in one batch with what the neighbours write, a watchdog's tick, and one more write of each."""
    plane = ControlPlane()
    plane.trigger(NEIGHBOURS[0])
    for row, table, deleted in changes:
        if plane.write(row, table) and deleted:
            plane.delete(row, table)
    plane.trigger(BAD)
    plane.trigger(NEIGHBOURS[1])
    assert plane.deliver() == []
    for neighbour in NEIGHBOURS:
        plane.fall_asleep(neighbour)
    plane.tick()
    return plane


def opened(plane: ControlPlane) -> list[str | None]:
    return sorted(
        event.pipeline_id
        for event in plane.published
        if event.type == "RUN_OPENED" and event.pipeline_id in NEIGHBOURS
    )


@FEW
@given(CHANGES)
@example([({"PK": PARTITION, "SK": "CONFIG", "config": "?"}, "control", False)])
@example([({"PK": PARTITION, "SK": "SENSOR#row-count#" + "x" * 1000}, "control", False)])
@example(
    [({"PK": PARTITION, "SK": "JOB#stream#2026-03-02#999999999999999#1", "event": "fail"}, "joblog", False)]
)
@example([({"PK": PARTITION, "SK": "x", "dueShard": "due#5", "dueAt": 1, "waitsFor": 1}, "control", False)])
def test_no_row_of_one_pipeline_harms_another(changes: list[tuple[dict[str, Any], str, bool]]) -> None:
    plane = play(changes)

    assert opened(plane) == sorted(NEIGHBOURS)
    assert {due.key.pipeline_id for due in plane.handed_on} >= set(NEIGHBOURS)
    assert not [
        event for event in plane.published if event.type != "RUN_OPENED" and event.pipeline_id in NEIGHBOURS
    ]


HOSTILE = pytest.mark.parametrize(
    ("strategy", "table"),
    [
        pytest.param(rows(SENSORS), "control", id="sensors"),
        pytest.param(rows(REQUESTS), "control", id="rerun requests"),
        pytest.param(rows(REPORTS), "joblog", id="job records"),
    ],
)


@HOSTILE
@FEW
@given(data=st.data())
def test_an_outsiders_row_never_stops_its_own_pipeline(
    strategy: st.SearchStrategy[dict[str, Any]], table: str, data: st.DataObject
) -> None:
    plane = ControlPlane()
    for row in data.draw(st.lists(strategy, min_size=1, max_size=4)):
        plane.write(row, table)
    plane.deliver()
    before = plane.control.run(a_key(BAD))

    plane.trigger(BAD)

    assert plane.deliver() == []
    # A reading or a request of that very date may have opened it before.
    assert before is not None or plane.control.run(a_key(BAD)) is not None


@pytest.mark.parametrize(
    ("row", "table", "told"),
    [
        ({"SK": "SENSOR#row-count", "hour": 24}, "control", "SENSOR_INVALID"),
        ({"SK": "SENSOR#row-count", "data": b"\xff"}, "control", "SENSOR_INVALID"),
        ({"SK": "SENSOR#upstream-complete#2026-02-30", "status": "ready"}, "control", "SENSOR_INVALID"),
        ({"SK": "RERUN_REQUEST#stream#x"}, "control", "SENSOR_INVALID"),
        ({"SK": "RERUN_REQUEST#cron#2026-03-02", "force": {"a"}}, "control", "RERUN_REJECTED"),
        ({"SK": "JOB#stream#2026-03-02#1#1", "event": {"a": 1}}, "joblog", "SENSOR_INVALID"),
        ({"SK": "JOB#stream#2026-13-02#1#1", "event": "success"}, "joblog", "SENSOR_INVALID"),
        ({"SK": "JOB#1", "event": "success"}, "joblog", "SENSOR_INVALID"),
        ({"SK": "RUN#stream#2026-03-02", "version": 1, "events": "?"}, "control", "SENSOR_INVALID"),
    ],
)
def test_what_cannot_be_read_is_told_once_to_its_own_pipeline(
    row: dict[str, Any], table: str, told: str
) -> None:
    plane = ControlPlane()
    plane.deliver()
    plane.published.clear()

    for note in (1, 2):  # the second write has the same mistake
        plane.write({"PK": PARTITION, "note": note, **row}, table)
        plane.deliver()

    assert [(event.type, event.pipeline_id) for event in plane.published] == [(told, BAD)] * (
        2 if told == "RERUN_REJECTED" else 1
    )

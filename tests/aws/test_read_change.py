"""A stream record as what it means: routed by its key alone, and only what concerns somebody."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from builders import OPENED_AT, a_key, a_run, at
from interlock.aws.read_change import read_change
from interlock.aws.run_item import run_item
from interlock.domain.bad_input import BadInput
from interlock.domain.change import Change, ChangeKind
from interlock.domain.event import Announcement, EventType
from interlock.domain.job_record import JobRecord
from interlock.domain.pool import ticket_of
from interlock.domain.promise import PromiseKind
from interlock.domain.routing import (
    Announced,
    ConfigRemoved,
    DeadlineMoved,
    JobReported,
    RerunRequested,
    RunMoved,
    SensorWritten,
    SlotsFreed,
)
from interlock.domain.run import JobEnd, Outcome, RunStatus, moved, next_attempt

REQUEST = "RERUN_REQUEST#stream#2026-03-02"
REPORT = "JOB#stream#2026-03-02#1772438400000#2"
TOLD = Announcement(EventType.JOB_COMPLETED, "job succeeded", OPENED_AT, 1)
ENDED = run_item(moved(a_run("RUNNING"), "SUCCEEDED", OPENED_AT, [TOLD]))


def change(sort_key, attributes=None, *, old=None, partition="PIPELINE#gold-revenue", **values):
    key = {"PK": partition, "SK": sort_key}
    kind = ChangeKind.REMOVE if attributes is None else ChangeKind.INSERT
    changed = {
        "table": "control",
        "kind": kind,
        "old": None if old is None else key | old,
        "new": None if attributes is None else key | attributes,
        "at": OPENED_AT,
        "sequence_number": "111",
    }
    return Change(partition_key=partition, sort_key=sort_key, **{**changed, **values})


def the_fact(change):
    (fact,) = read_change(change)
    return fact


def test_a_sensors_row_is_a_reading_of_the_instant_it_was_written():
    written = the_fact(change("SENSOR#orders#2026-03-02", {"count": Decimal(5)}))

    assert (written.pipeline_id, written.key, written.at) == ("gold-revenue", "orders#2026-03-02", OPENED_AT)
    assert written.attributes["count"] == 5


def test_a_removed_sensor_is_a_reading_of_nothing():
    assert the_fact(change("SENSOR#orders")) == SensorWritten("gold-revenue", "orders", None, OPENED_AT)


def test_a_job_record_is_what_its_writer_says():
    said = {"event": "fail", "error": "disk full", "runId": "jr_1"}

    fact = the_fact(change(REPORT, said, table="joblog"))

    record = JobRecord(a_key(), 2, OPENED_AT, Outcome(JobEnd.FAIL, "disk full"), "jr_1")
    assert fact == JobReported(record)


def test_a_removed_config_is_a_pipeline_that_is_no_longer_wanted():
    assert the_fact(change("CONFIG")) == ConfigRemoved("gold-revenue")


@pytest.mark.parametrize(
    "removed",
    [
        pytest.param(REQUEST, id="a request"),
        pytest.param(REPORT, id="a job record"),
        pytest.param("RUN#stream#2026-03-02", id="a run"),
        pytest.param("NOTICE#x", id="a notice"),
    ],
)
def test_deleting_a_row_asks_for_nothing(removed):
    assert read_change(change(removed, old={"event": "success", "reason": "again"})) == ()


def test_a_runs_move_is_the_events_that_it_announces():
    announced, _ = read_change(change("RUN#stream#2026-03-02", ENDED, old=run_item(a_run("RUNNING"))))

    assert isinstance(announced, Announced)
    assert [event.type for event in announced.events] == ["JOB_COMPLETED"]


def test_a_runs_move_is_also_a_fact_of_its_own_after_its_events():
    _, fact = read_change(change("RUN#stream#2026-03-02", ENDED, old=run_item(a_run("RUNNING"))))

    assert isinstance(fact, RunMoved)
    assert (fact.key, fact.status, fact.rerun_accepted) == (a_key(), RunStatus.SUCCEEDED, False)


def test_what_is_only_said_of_a_run_is_no_move_of_it():
    announced = read_change(change("RUN#stream#2026-03-02", ENDED, old=ENDED | {"version": Decimal(1)}))

    assert [type(fact) for fact in announced] == [Announced]


def test_a_rerun_that_was_accepted_is_known_by_its_event():
    again = ENDED | {"events": [{"type": "RERUN_ACCEPTED", "message": "", "at": "2026-03-02T08:00:00Z"}]}

    _, fact = read_change(change("RUN#stream#2026-03-02", again, old=run_item(a_run("RUNNING"))))

    assert fact.rerun_accepted is True


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({}, {"dueAt": Decimal(1)}),
        ({"dueAt": Decimal(1)}, {"dueAt": Decimal(2)}),
        ({"dueAt": Decimal(1)}, None),
        ({"dueAt": Decimal(9), "promisedFor": Decimal(1)}, {"dueAt": Decimal(9)}),
    ],
)
@pytest.mark.parametrize("kind", ["sla", "relative-sla"])
def test_an_sla_that_is_due_at_another_time_moves_its_schedule(kind, old, new):
    moved = read_change(change(f"DUE#{kind}#stream#2026-03-02", new, old=old))

    assert moved == (DeadlineMoved(PromiseKind(kind), a_key()),)


def test_an_sla_that_the_watchdog_puts_off_keeps_its_schedule():
    before = {"dueAt": Decimal(1)}

    assert (
        read_change(
            change("DUE#sla#cron#2026-03-02", {"dueAt": Decimal(9), "promisedFor": Decimal(1)}, old=before)
        )
        == ()
    )


@pytest.mark.parametrize(
    ("sort_key", "attributes"),
    [
        pytest.param("DUE#fire#cron#2026-03-02", {"dueAt": Decimal(1)}, id="a fire that is promised"),
        pytest.param("DUE#check#stream#2026-03-02", {"dueAt": Decimal(1)}, id="the ledger"),
        pytest.param("BASELINE#stream#2026-03-02", {"count": Decimal(1)}, id="a kind that nobody routes"),
        pytest.param("whatever", {}, id="garbage"),
    ],
)
def test_what_concerns_nobody_is_no_fact(sort_key, attributes):
    assert read_change(change(sort_key, attributes)) == ()


def test_bookkeeping_of_a_run_is_no_fact():
    before = run_item(a_run())

    assert read_change(change("RUN#stream#2026-03-02", before | {"taskToken": "t"}, old=before)) == ()


@pytest.mark.parametrize("partition", ["CALENDAR#company", "PIPELINE#", "orders", "REMOTE#glue#jr_1"])
def test_rows_of_no_pipeline_are_no_fact(partition):
    assert read_change(change("SENSOR#orders", {}, partition=partition)) == ()


# ---------------------------------------------------------------- rerun requests


def test_a_request_says_who_wants_what_and_why():
    asked = the_fact(change(REQUEST, {"reason": "source was corrected", "requestedBy": "ana", "force": True}))

    assert isinstance(asked, RerunRequested)
    assert (asked.key, asked.reason, asked.requested_by) == (a_key(), "source was corrected", "ana")
    assert asked.force is True


@pytest.mark.parametrize(
    ("force", "forced"),
    [
        (True, True),
        ("true", True),
        (" YES ", True),
        ("1", True),
        (Decimal(1), True),
        (False, False),
        ("false", False),
        ("", False),
        (None, False),
        (Decimal(2), False),
        ({"true"}, False),
        ({"force": True}, False),
    ],
)
def test_only_a_clear_yes_forces(force, forced):
    assert the_fact(change(REQUEST, {"force": force})).force is forced


def test_a_redelivered_request_is_the_same_request_and_a_new_one_is_another():
    again = change(REQUEST, {}), change(REQUEST, {})
    later = change(REQUEST, {}, sequence_number="112"), change(REQUEST, {}, at=OPENED_AT + timedelta(1))

    ids = [the_fact(one).request_id for one in (*again, *later)]

    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (None, ""),
        (Decimal(7), "7"),
        ({"b", "a"}, "['a', 'b']"),
        ("x" * 400_000, "x" * 300),
        (b"\xff", "b'\\xff'"),
    ],
)
def test_a_reason_of_any_type_is_a_short_text(reason, told):
    assert the_fact(change(REQUEST, {"reason": reason})).reason == told


@pytest.mark.parametrize(
    ("sort_key", "attributes", "wrong"),
    [
        ("RERUN_REQUEST#stream#yesterday", {}, "'yesterday' is not an execution date"),
        ("RERUN_REQUEST#stream#2026-02-30", {}, "'2026-02-30' is not an execution date"),
        ("RERUN_REQUEST#stream#2026-03-02T24", {}, "is not an execution date"),
        ("RERUN_REQUEST#stream", {}, "is not RUN#"),
        ("RERUN_REQUEST#weekly#2026-03-02", {}, "is not RUN#"),
        ("JOB#stream#2026-02-30#1772438400000#1", {"event": "success"}, "is not an execution date"),
        ("JOB#stream#2026-03-02#soon#1", {"event": "success"}, "'soon' is not a time"),
        (REPORT, {"event": "won"}, "write one of success, fail, timeout"),
        (REPORT, {"event": "fail", "category": "SAD"}, "write one of TRANSIENT, PERMANENT, TIMEOUT"),
        (
            "RUN#stream#2026-03-02",
            {"version": Decimal(1), "events": "none"},
            "announces something unreadable",
        ),
    ],
)
def test_what_cannot_be_read_says_what_is_wrong(sort_key, attributes, wrong):
    with pytest.raises(BadInput, match=wrong):
        read_change(change(sort_key, attributes))


def test_an_instant_is_that_of_the_write_however_late_the_record_comes():
    late = change("SENSOR#orders", {}, at=at("2026-03-01T23:59"))

    assert the_fact(late).at == at("2026-03-01T23:59")


# ---------------------------------------------------------------- slots

RUN_ROW = "RUN#stream#2026-03-02"
HOLDER = a_run("RUNNING", attempt=2, pools=("pipeline:gold-revenue", "warehouse"), slot_turn=3)
FREED = SlotsFreed(a_key(), ticket_of(HOLDER).attempt, 3, HOLDER.pools)


def freed(before, after):
    image = None if after is None else run_item(after)
    return [fact for fact in read_change(change(RUN_ROW, image, old=before)) if isinstance(fact, SlotsFreed)]


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(moved(HOLDER, "SUCCEEDED", OPENED_AT), id="succeeded"),
        pytest.param(moved(HOLDER, "FAILED", OPENED_AT), id="failed"),
        pytest.param(next_attempt(HOLDER, OPENED_AT, []), id="tries again"),
        pytest.param(replace(HOLDER, created_at=at("2026-03-02T09:00"), pools=()), id="made anew"),
        pytest.param(None, id="deleted"),
    ],
)
def test_an_attempt_that_is_over_frees_its_slots(after):
    assert freed(run_item(HOLDER), after) == [FREED]


@pytest.mark.parametrize("status", ["EXPIRED", "CANCELLED"])
def test_a_run_that_waits_for_a_slot_and_ends_leaves_the_queue(status):
    waits = a_run(pools=("warehouse",))

    (slots,) = freed(run_item(waits), moved(waits, status, OPENED_AT))

    assert (slots.turn, slots.pools) == (0, ("warehouse",))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(a_run(pools=("warehouse",)), moved(a_run(pools=("warehouse",)), "RUNNING", OPENED_AT), id="starts"),
        pytest.param(HOLDER, replace(HOLDER, slot_turn=4), id="another turn"),
        pytest.param(HOLDER, replace(HOLDER, outcome=Outcome(JobEnd.SUCCESS)), id="its job ended"),
        pytest.param(replace(HOLDER, status=RunStatus.FAILED), None, id="over before"),
        pytest.param(a_run("RUNNING"), moved(a_run("RUNNING"), "SUCCEEDED", OPENED_AT), id="without limits"),
    ],
)  # fmt: skip
def test_what_ends_no_attempt_with_slots_frees_none(before, after):
    assert freed(run_item(before), after) == []


def test_the_slots_of_an_attempt_are_freed_before_what_else_its_end_means():
    facts = read_change(
        change(RUN_ROW, run_item(moved(HOLDER, "SUCCEEDED", OPENED_AT, [TOLD])), old=run_item(HOLDER))
    )

    assert [type(fact) for fact in facts] == [Announced, SlotsFreed, RunMoved]


def test_a_row_that_somebody_writes_over_frees_nothing_for_its_job_may_run_on():
    over = {"status": "gone", "version": run_item(HOLDER)["version"]}

    assert read_change(change(RUN_ROW, over, old=run_item(HOLDER))) == ()


@pytest.mark.parametrize("damage", [{"createdAt": 7}, {"attempt": "second"}, {"executionCount": None}])
def test_an_unreadable_row_that_is_mended_still_says_what_it_says_now(damage):
    mended = run_item(moved(HOLDER, "SUCCEEDED", OPENED_AT, [TOLD]))

    facts = read_change(change(RUN_ROW, mended, old=run_item(HOLDER) | damage))

    assert [type(fact) for fact in facts] == [Announced, RunMoved]

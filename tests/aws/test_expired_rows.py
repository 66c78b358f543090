"""Rows whose time is over: DynamoDB deletes them, the stream tells of it, and nothing comes of that."""

from datetime import timedelta

import pytest
from boto3.dynamodb.types import TypeSerializer

from aws.tables import a_memory_table
from builders import OPENED_AT, a_key, a_run
from interlock.aws import keys
from interlock.aws.attribute_value import as_stored
from interlock.aws.control_table import DynamoControlTable
from interlock.aws.job_log import DynamoJobLog
from interlock.aws.read_change import read_change
from interlock.aws.stream import read_record
from interlock.domain.baseline import Baseline
from interlock.domain.event import Announcement, EventType
from interlock.domain.job_record import JobRecord
from interlock.domain.pool import Pool
from interlock.domain.promise import PromiseKind, promised, settled
from interlock.domain.run import JobEnd, Outcome, moved, opened

TOLD = [Announcement(EventType.SLA_BREACH, "late", OPENED_AT)]


def ended_run(control, status):
    waits = opened(a_key(), "trigger", OPENED_AT, timedelta(hours=1))
    control.open_run(waits)
    run = a_run("RUNNING", pools=("warehouse",)) if status in ("SUCCEEDED", "FAILED") else waits
    control.move(waits, moved(run, status, OPENED_AT, TOLD))


def settled_promise(control, kind):
    promise = promised(kind, a_key(), OPENED_AT, OPENED_AT)
    control.make_promise(promise)
    control.change_promise(promise, settled(promise, "breached", TOLD))


def released_pool(control):
    control.change_pool(Pool("warehouse"), Pool("warehouse"), OPENED_AT)


CONTROL = {
    **{
        status: lambda control, s=status: ended_run(control, s)
        for status in ("SUCCEEDED", "FAILED", "EXPIRED", "CANCELLED")
    },
    **{kind: lambda control, k=kind: settled_promise(control, k) for kind in PromiseKind},
    "notice": lambda control: control.notice("gold-revenue", "subject", "fact", TOLD[0], a_key()),
    "baseline": lambda control: control.put_baseline(
        Baseline(a_key(), 1, OPENED_AT, {"orders": {"count": 5}})
    ),
    "pool": released_pool,
}
JOBLOG = {
    "job record": lambda log: log.put(JobRecord(a_key(), 1, OPENED_AT, Outcome(JobEnd.FAIL))),
    "remote job": lambda log: log.remember_remote("glue", "jr_1", a_key(), 1, OPENED_AT),
}


def deleted_in_time(row, table):
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html"""
    wire = {name: TypeSerializer().serialize(as_stored(value)) for name, value in row.items()}
    return {
        "eventName": "REMOVE",
        "userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"},
        "eventSourceARN": f"arn:aws:dynamodb:eu-west-1:1:table/prod-interlock-{table}/stream/2026-03-01T00:00:00.000",
        "dynamodb": {
            "ApproximateCreationDateTime": int(row["ttl"]) + 3600,
            "Keys": {name: wire[name] for name in ("PK", "SK")},
            "OldImage": wire,
            "SequenceNumber": "111",
        },
    }


def the_row(write, store):
    """The one that it writes and that goes in time."""
    rows = []
    write(store(a_memory_table(on_change=lambda _, __, ___, new: rows.append(new))))
    return rows[-1]


@pytest.mark.parametrize(
    ("write", "store", "table"),
    [
        *[pytest.param(write, DynamoControlTable, "control", id=name) for name, write in CONTROL.items()],
        *[pytest.param(write, DynamoJobLog, "joblog", id=name) for name, write in JOBLOG.items()],
    ],
)
def test_nothing_comes_of_a_row_that_is_deleted_in_time(write, store, table):
    row = the_row(write, store)

    assert read_change(read_record(deleted_in_time(row, table))) == ()


def test_a_run_that_is_deleted_before_it_ended_still_gives_back_its_slots():
    row = the_row(
        lambda control: control.open_run(a_run("RUNNING", pools=("warehouse",))), DynamoControlTable
    )

    (freed,) = read_change(read_record(deleted_in_time(row | {"ttl": 0}, "control")))

    assert (freed.key, freed.pools) == (keys.parse_run_key(row["PK"], row["SK"]), ("warehouse",))

"""The events table, on DynamoDB (moto) and in memory alike."""

from dataclasses import replace
from datetime import timedelta

import pytest

from aws.tables import a_dynamo_table, a_memory_table
from event_builder import AT, an_event
from interlock.aws.event_store import DynamoEventStore
from interlock.domain.event import EventType
from interlock.ports import Lost, ThreadState
from interlock.simulation.calls import OutsideCalls

THREAD, PIPELINE = "stream#2026-03-02", "gold-revenue"
LEASE = timedelta(seconds=90)


@pytest.fixture(params=["dynamodb", "memory"])
def table(request):
    if request.param == "memory":
        return a_memory_table()
    return a_dynamo_table(request.getfixturevalue("aws")("dynamodb"))


@pytest.fixture
def store(table):
    return DynamoEventStore(table, timedelta(days=90))


def rows(table, pipeline=PIPELINE):
    return table.query(f"PIPELINE#{pipeline}")


def test_an_event_is_stored_whole(store, table):
    store.record(an_event(detail={"error": "Rate exceeded", "unmet": [{"seen": 1.5}]}))

    (row,) = rows(table)
    assert row["SK"] == "1772439300000#JOB_FAILED#3fa9c0d1"
    assert (row["eventType"], row["timestamp"]) == ("JOB_FAILED", "2026-03-02T08:15:00.000Z")  # GSI1
    assert (row["pipelineId"], row["scheduleId"], row["date"], row["attempt"]) == (
        PIPELINE,
        "stream",
        "2026-03-02",
        1,
    )
    assert (row["message"], row["severity"]) == ("attempt 1 failed: Rate exceeded", "warning")
    assert row["detail"]["error"] == "Rate exceeded"


def test_an_event_expires_after_the_time_it_is_kept(store, table):
    store.record(an_event())

    assert rows(table)[0]["ttl"] == int((AT + timedelta(days=90)).timestamp())


def test_an_event_that_is_delivered_again_is_stored_once(store, table):
    answers = [store.record(an_event()), store.record(an_event())]

    assert answers == [True, False]
    assert len(rows(table)) == 1


def test_events_of_one_instant_do_not_overwrite_each_other(store, table):
    store.record(an_event(event_id="a"))
    store.record(an_event(event_id="b"))

    assert [row["eventId"] for row in rows(table)] == ["a", "b"]


def test_an_event_of_no_pipeline_is_stored_too(store, table):
    store.record(
        an_event(EventType.CONFIG_INVALID, pipeline_id=None, schedule_id=None, date=None, attempt=None)
    )

    (row,) = rows(table, "-")
    assert "date" not in row


def nested(depth):
    return [nested(depth - 1)] if depth else []


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(10**60 + 1, id="more digits than a number has"),
        pytest.param(1e300, id="too large"),
        pytest.param("\ud800", id="half a surrogate pair"),
        pytest.param(nested(40), id="nested too deeply"),
    ],
)
def test_a_detail_that_no_attribute_can_hold_is_kept_as_text(store, table, odd):
    store.record(an_event(detail={"odd": odd}))

    assert rows(table)[0]["detail"].startswith('{"odd": ')


def test_a_thread_that_nobody_opened_is_empty(store):
    assert store.thread(THREAD, PIPELINE) == ThreadState()


def test_only_one_worker_opens_a_thread(store):
    store.claim_thread(THREAD, PIPELINE, AT, AT + LEASE)

    with pytest.raises(Lost):
        store.claim_thread(THREAD, PIPELINE, AT + LEASE, AT + 2 * LEASE)


def test_the_claim_of_a_dead_worker_lapses(store):
    store.claim_thread(THREAD, PIPELINE, AT, AT + LEASE)

    store.claim_thread(THREAD, PIPELINE, AT + LEASE + timedelta(seconds=1), AT + 2 * LEASE)

    with pytest.raises(Lost):
        store.claim_thread(THREAD, PIPELINE, AT + LEASE + timedelta(seconds=2), AT + 3 * LEASE)


def test_a_claim_that_is_given_back_is_free(store):
    store.claim_thread(THREAD, PIPELINE, AT, AT + LEASE)
    store.release_thread(THREAD, PIPELINE, AT + LEASE)

    store.claim_thread(THREAD, PIPELINE, AT, AT + LEASE)


def test_nobody_gives_back_the_claim_of_another(store):
    store.claim_thread(THREAD, PIPELINE, AT, AT + LEASE)

    store.release_thread(THREAD, PIPELINE, AT + timedelta(seconds=1))

    with pytest.raises(Lost):
        store.claim_thread(THREAD, PIPELINE, AT, AT + LEASE)


def test_whoever_claims_a_thread_learns_how_it_stands(store):
    assert store.claim_thread(THREAD, PIPELINE, AT, AT + LEASE) == ThreadState()
    store.mark_delivered(THREAD, PIPELINE, "a", "1.1", AT)  # which gives the claim back

    again = store.claim_thread(THREAD, PIPELINE, AT, AT + LEASE)

    assert again == ThreadState("1.1", frozenset({"a"}))


def test_a_thread_knows_its_reference_and_what_it_holds(store):
    store.claim_thread(THREAD, PIPELINE, AT, AT + LEASE)
    store.mark_delivered(THREAD, PIPELINE, "a", "1.1", AT)
    store.mark_delivered(THREAD, PIPELINE, "b", "1.1", AT)

    assert store.thread(THREAD, PIPELINE) == ThreadState("1.1", frozenset({"a", "b"}))


def test_threads_of_different_runs_and_pipelines_are_apart(store):
    store.mark_delivered(THREAD, PIPELINE, "a", "1.1", AT)

    assert store.thread("stream#2026-03-03", PIPELINE) == ThreadState()
    assert store.thread(THREAD, "silver") == ThreadState()
    assert store.thread(THREAD, None) == ThreadState()


def test_a_thread_expires_after_its_last_message(store, table):
    store.mark_delivered(THREAD, PIPELINE, "a", "1.1", AT)
    store.mark_delivered(THREAD, PIPELINE, "b", "1.1", AT + timedelta(days=3))

    assert rows(table)[0]["ttl"] == int((AT + timedelta(days=93)).timestamp())


def test_an_event_is_known_to_be_stored_under_the_key_that_its_sink_gave_it(store):
    event = an_event(EventType.JOB_FAILED)
    assert store.not_stored([event]) == [event]

    store.record(event)

    another = replace(event, event_id="another")
    assert store.not_stored([event, another]) == [another]


def test_what_is_not_stored_is_known_of_several_pipelines_and_of_nobody(store):
    late = AT + timedelta(hours=1)
    stored, lost = (
        [replace(an_event(), pipeline_id=about, at=at) for about in (PIPELINE, "silver", None)]
        for at in (AT, late)
    )
    for event in stored:
        store.record(event)

    assert store.not_stored([*stored, *lost]) == lost


def test_threads_are_no_events(store):
    store.mark_delivered(THREAD, PIPELINE, "a", "1.1", AT)

    assert store.not_stored([an_event()]) == [an_event()]


def test_of_no_events_none_is_missing(store):
    assert store.not_stored([]) == []


class Meter(OutsideCalls):
    """The read units of each call."""

    def __init__(self):
        self.read_units = []

    def after(self, call, pipeline, *, read_units=0, write_units=0):  # noqa: ARG002  # as `Calls` has it
        self.read_units.append(read_units)


def test_a_day_of_an_hourly_pipeline_is_asked_for_at_once():
    meter = Meter()
    store = DynamoEventStore(a_memory_table(meter), timedelta(days=90))
    events = [an_event(event_id=f"{n:08}", at=AT + timedelta(minutes=10 * n)) for n in range(24 * 6)]
    for event in events[1:]:
        store.record(event)
    meter.read_units.clear()

    assert store.not_stored(events) == events[:1]
    assert len(meter.read_units) == 1
    assert sum(meter.read_units) < len(events) / 6

"""Events on the bus: their form, their size, and the way back."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from botocore.stub import ANY

from aws.stubs import stubbed
from interlock.aws.event_bus import EventBridgeBus, event_from_detail
from interlock.domain.event import Event, EventType, Severity
from interlock.ports import CallFailed

BUS = "test-interlock-events"
FAILED = Event(
    event_id="e1",
    type=EventType.JOB_FAILED,
    pipeline_id="gold",
    schedule_id="cron",
    date="2026-03-01",
    attempt=2,
    message="the job failed: Rate exceeded",
    at=datetime(2026, 3, 1, 7, 5, 0, 123456, UTC),
    severity=Severity.WARNING,
    detail={"category": "TRANSIENT", "recordsProcessed": 12, "ratio": 0.5, "metrics": {"bytes": [1, None]}},
)


class Bus:
    """What is published on it, request by request."""

    def __init__(self, session):
        self._client = session.client("events")
        self.requests = []
        self._client.meta.events.register("before-parameter-build.events.PutEvents", self._remember)

    def _remember(self, params, **_):
        self.requests.append(params["Entries"])

    def publish(self, events, requests=1):
        with stubbed(self._client) as stub:
            for _ in range(requests):
                stub.add_response("put_events", {"FailedEntryCount": 0, "Entries": []}, {"Entries": ANY})
            EventBridgeBus(self._client, BUS).publish(events)

    @property
    def details(self):
        return [json.loads(entry["Detail"]) for entries in self.requests for entry in entries]


@pytest.fixture
def bus(session):
    return Bus(session)


def test_an_event_is_published_in_the_documented_form(bus):
    bus.publish([FAILED])

    (entry,) = bus.requests[0]
    assert (entry["EventBusName"], entry["Source"], entry["DetailType"]) == (BUS, "interlock", "JOB_FAILED")
    assert entry["Time"] == FAILED.at
    assert bus.details == [
        {
            "eventId": "e1",
            "type": "JOB_FAILED",
            "pipelineId": "gold",
            "scheduleId": "cron",
            "date": "2026-03-01",
            "attempt": 2,
            "message": "the job failed: Rate exceeded",
            "timestamp": "2026-03-01T07:05:00.123456Z",
            "severity": "warning",
            "detail": {
                "category": "TRANSIENT",
                "recordsProcessed": 12,
                "ratio": 0.5,
                "metrics": {"bytes": [1, None]},
            },
        }
    ]


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(FAILED, id="of a run"),
        pytest.param(
            replace(FAILED, pipeline_id=None, schedule_id=None, date=None, attempt=None, detail={}),
            id="of no run",
        ),
        pytest.param(replace(FAILED, message="<!channel> ✓ \ud800"), id="any text"),
    ],
)
def test_a_consumer_reads_the_event_that_was_published(bus, event):
    bus.publish([event])

    assert event_from_detail(bus.details[0]) == event


def test_an_instant_of_another_zone_is_published_in_utc(bus):
    east = timezone(timedelta(hours=2))

    bus.publish([replace(FAILED, at=datetime(2026, 3, 1, 9, 5, tzinfo=east))])

    assert bus.details[0]["timestamp"] == "2026-03-01T07:05:00.000000Z"


def test_values_as_a_table_gives_them_are_published_as_json(bus):
    detail = {"count": Decimal(5), "share": Decimal("0.5"), "tags": {"b", "a"}, "raw": b"\x00"}

    bus.publish([replace(FAILED, detail=detail)])

    assert bus.details[0]["detail"] == {"count": 5, "share": 0.5, "tags": ["a", "b"], "raw": "b'\\x00'"}


def test_a_refused_entry_fails_the_whole_call(session):
    client = session.client("events")
    answer = {
        "FailedEntryCount": 1,
        "Entries": [{"EventId": "1"}, {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}],
    }

    with stubbed(client) as stub:
        stub.add_response("put_events", answer)
        with pytest.raises(CallFailed, match="slow down") as failed:
            EventBridgeBus(client, BUS).publish([FAILED, FAILED])

    assert (failed.value.call, failed.value.code) == ("events.PutEvents", "ThrottlingException")


def test_a_refused_request_is_a_failed_call(session):
    client = session.client("events")

    with stubbed(client) as stub:
        stub.add_client_error("put_events", "InternalException", http_status_code=500)
        with pytest.raises(CallFailed) as failed:
            EventBridgeBus(client, BUS).publish([FAILED])

    assert failed.value.unknown_outcome


# ---------------------------------------------------------------- size

LIMIT = 256 * 1024


def test_an_event_too_large_for_the_bus_keeps_its_small_fields_and_says_what_is_missing(bus):
    detail = {"reason": "short", "log": "x" * 300_000, "numbers": list(range(100_000)), "z": 1}

    bus.publish([replace(FAILED, detail=detail)])

    assert len(bus.requests[0][0]["Detail"]) < LIMIT
    kept = bus.details[0]["detail"]
    assert (kept["reason"], kept["z"], kept["leftOut"]) == ("short", 1, ["log", "numbers"])
    assert kept["leftOutBecause"] == "2 fields made the event larger than 240 KB"
    assert event_from_detail(bus.details[0]).message == FAILED.message


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(replace(FAILED, message="é" * 300_000), id="a huge message"),
        pytest.param(replace(FAILED, detail={"é" * 300_000: 1, "a": 1}), id="a huge name"),
        pytest.param(
            replace(FAILED, detail={str(n) * 50: "x" * 100 for n in range(5_000)}), id="many fields"
        ),
        pytest.param(
            replace(FAILED, message="é" * 9_000, detail={str(n): "x" * 999 for n in range(900)}),
            id="all of it",
        ),
    ],
)
def test_no_event_is_too_large_to_be_published(bus, event):
    bus.publish([event])

    assert len(bus.requests[0][0]["Detail"]) < LIMIT
    assert bus.details[0]["eventId"] == "e1"


def test_events_that_are_too_large_together_go_in_several_requests_uncut(bus):
    events = [replace(FAILED, event_id=str(n), detail={"log": "x" * 100_000}) for n in range(5)]

    bus.publish(events, requests=3)

    assert [len(entries) for entries in bus.requests] == [2, 2, 1]
    assert [event_from_detail(detail) for detail in bus.details] == events


def test_ten_events_are_one_request(bus):
    bus.publish([FAILED] * 10)

    assert len(bus.requests) == 1


def test_more_than_ten_events_go_in_several_requests(bus):
    bus.publish([replace(FAILED, event_id=f"e{number}") for number in range(21)], requests=3)

    assert [len(entries) for entries in bus.requests] == [10, 10, 1]


def test_no_event_is_no_request(bus):
    bus.publish([], requests=0)

    assert bus.requests == []


# ---------------------------------------------------------------- reading

DETAIL = {
    "eventId": "e1",
    "type": "JOB_FAILED",
    "message": "m",
    "timestamp": "2026-03-01T07:05:00Z",
    "severity": "warning",
}


def test_a_detail_needs_no_more_than_what_every_event_has():
    event = event_from_detail(DETAIL)

    assert (event.type, event.pipeline_id, event.attempt, event.detail) == (
        EventType.JOB_FAILED,
        None,
        None,
        {},
    )


@pytest.mark.parametrize(
    "detail",
    [
        pytest.param(None, id="nothing"),
        pytest.param("text", id="a text"),
        pytest.param({}, id="empty"),
        pytest.param(DETAIL | {"type": "SOMETHING_ELSE"}, id="an unknown type"),
        pytest.param(DETAIL | {"severity": "fatal"}, id="an unknown severity"),
        pytest.param(DETAIL | {"timestamp": "yesterday"}, id="no instant"),
        pytest.param(DETAIL | {"timestamp": 5}, id="an instant that is a number"),
        pytest.param(DETAIL | {"timestamp": "0001-01-01T00:00:00+14:00"}, id="an instant before time"),
        pytest.param(DETAIL | {"attempt": "two"}, id="an attempt that is no number"),
        pytest.param(DETAIL | {"detail": 7}, id="a detail that is no map"),
    ],
)
def test_what_is_no_event_of_ours_is_a_value_error(detail):
    with pytest.raises(ValueError, match=r".+"):
        event_from_detail(detail)

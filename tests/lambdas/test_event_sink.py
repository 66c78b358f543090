"""event-sink: a recorded event in, a row out."""

import json
from datetime import timedelta

import pytest

from aws.tables import a_dynamo_table, a_memory_table
from interlock.aws.alarm_event import infra_alarm
from interlock.aws.event_bus import detail_text
from interlock.aws.event_store import DynamoEventStore
from interlock.functions.event_sink import event_sink
from lambdas.bus_events import GARBAGE, a_bus_event, an_alarm

TABLE = "test-interlock-events"


@pytest.fixture
def table(aws):
    return a_dynamo_table(aws("dynamodb"), TABLE)


@pytest.fixture
def handler(load_handler):
    return load_handler("event_sink", EVENTS_TABLE=TABLE)


def test_an_event_is_kept(handler, table):
    assert handler(a_bus_event(), None) == {}

    (row,) = table.query("PIPELINE#gold-revenue")
    assert (row["eventType"], row["detail"]) == ("JOB_FAILED", {"error": "Rate exceeded"})


def test_an_event_that_is_delivered_twice_is_kept_once(handler, table):
    handler(a_bus_event(), None)
    handler(a_bus_event(), None)

    assert len(table.query("PIPELINE#gold-revenue")) == 1


def test_an_alarm_that_comes_straight_from_cloudwatch_is_kept_as_an_event_of_ours(handler, table):
    handler(an_alarm(), None)

    (row,) = table.query("PIPELINE#-")
    assert (row["eventType"], row["severity"]) == ("INFRA_ALARM", "critical")
    assert row["timestamp"] == "2026-03-02T08:15:00.985Z"
    assert row["detail"]["alarmName"] == "prod-interlock-stream-router-errors"
    assert row["detail"]["reason"] == an_alarm()["detail"]["state"]["reason"]


def test_an_alarm_that_comes_from_cloudwatch_and_by_our_bus_is_kept_once(handler, table):
    alarm = infra_alarm(an_alarm())

    handler(an_alarm(), None)
    handler(a_bus_event("INFRA_ALARM") | {"detail": json.loads(detail_text(alarm))}, None)

    assert [row["eventId"] for row in table.query("PIPELINE#-")] == [alarm.event_id]


@pytest.mark.parametrize("event", GARBAGE)
def test_what_is_no_event_of_ours_fails_by_name(event):
    table = a_memory_table()

    with pytest.raises(ValueError):  # noqa: PT011  (the function's error, which its dead-letter queue shows)
        event_sink(event, DynamoEventStore(table, timedelta(days=90)))

    assert table.query("PIPELINE#gold-revenue") == []


def test_a_missing_setting_is_named(load_handler):
    with pytest.raises(RuntimeError, match="EVENTS_TABLE"):
        load_handler("event_sink", EVENTS_TABLE="")(a_bus_event(), None)


@pytest.mark.parametrize(("days", "seconds"), [("90", 90 * 86_400), ("1", 86_400)])
def test_events_are_kept_as_long_as_the_setting_says(load_handler, table, days, seconds):
    load_handler("event_sink", EVENTS_TABLE=TABLE, EVENTS_TTL_DAYS=days)(a_bus_event(), None)

    assert table.query("PIPELINE#gold-revenue")[0]["ttl"] == 1772439300 + seconds

"""Events are stored once."""

import logging
from datetime import timedelta

from aws.tables import a_memory_table
from event_builder import an_event
from interlock.aws.event_store import DynamoEventStore
from interlock.steps.record_event import record_event


def test_an_event_that_comes_twice_is_stored_once_and_said_to_be(caplog):
    table = a_memory_table()
    store = DynamoEventStore(table, timedelta(days=90))
    caplog.set_level(logging.INFO, "interlock")

    record_event(an_event(), store)
    record_event(an_event(), store)

    assert len(table.query("PIPELINE#gold-revenue")) == 1
    assert caplog.messages == ["event recorded", "event was recorded before"]


def test_the_log_line_names_the_run(caplog):
    caplog.set_level(logging.INFO, "interlock")

    record_event(an_event(), DynamoEventStore(a_memory_table(), timedelta(days=90)))

    line = caplog.records[0]
    assert (line.pipeline, line.date, line.attempt, line.event_id) == (
        "gold-revenue",
        "2026-03-02",
        1,
        "3fa9c0d1",
    )

"""Which file holds which pipeline: the record of each config file, and what it announces."""

from datetime import timedelta

import pytest

from builders import OPENED_AT
from interlock.aws.config_ledger import DynamoConfigLedger
from interlock.aws.outbox import events_of
from interlock.domain.change import Change, ChangeKind
from interlock.domain.event import Announcement, EventType
from interlock.ports import ConfigFile

VALID = ConfigFile("team/gold.yaml", "e1", "gold", valid=True, version=1)
NAMELESS = ConfigFile("broken.yaml", "e2", None, valid=False, version=3)
INVALID = Announcement(EventType.CONFIG_INVALID, "broken.yaml has 1 mistake", OPENED_AT)


@pytest.fixture
def ledger(table):
    return DynamoConfigLedger(table)


def events_in(table):
    changes = [
        Change("control", row["PK"], row["SK"], ChangeKind.INSERT, None, row, OPENED_AT, "1")
        for row in table.query("CONFIG_FILES")
    ]
    return [event for change in changes for event in events_of(change)]


def test_a_file_comes_back_as_it_was_recorded(ledger):
    ledger.put_file(VALID, None, OPENED_AT)
    ledger.put_file(NAMELESS, INVALID, OPENED_AT)

    assert ledger.files() == [NAMELESS, VALID]


def test_a_file_that_was_never_seen_is_not_there(ledger):
    assert ledger.files() == []


def test_a_file_that_is_removed_is_forgotten(ledger):
    ledger.put_file(VALID, None, OPENED_AT)

    ledger.remove_file(VALID.source)
    ledger.remove_file("never-there.yaml")

    assert ledger.files() == []


def test_what_a_file_announces_rides_on_its_record(ledger, table):
    ledger.put_file(VALID, None, OPENED_AT)
    ledger.put_file(NAMELESS, INVALID, OPENED_AT)

    assert [(event.type, event.pipeline_id) for event in events_in(table)] == [("CONFIG_INVALID", None)]


def test_a_file_that_is_put_back_does_not_repeat_the_ids_of_its_former_life(ledger, table):
    ids = set()
    for life in range(2):
        ledger.put_file(NAMELESS, INVALID, OPENED_AT + timedelta(seconds=life))
        ids |= {event.event_id for event in events_in(table)}
        ledger.remove_file(NAMELESS.source)

    assert len(ids) == 2


@pytest.mark.parametrize(
    "garbage",
    [
        {},
        {"source": "x.yaml", "etag": "e"},
        {"source": 1, "etag": "e", "valid": True, "version": 1},
        {"source": "x.yaml", "etag": "e", "valid": True, "version": "first"},
    ],
)
def test_a_record_that_somebody_wrote_over_hides_no_other(ledger, table, garbage):
    ledger.put_file(VALID, None, OPENED_AT)

    table.put({"PK": "CONFIG_FILES", "SK": "FILE#x.yaml", **garbage})

    assert ledger.files() == [VALID]

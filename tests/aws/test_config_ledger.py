"""Which file holds which pipeline: the record of each config file, and what it announces."""

from datetime import date, timedelta

import pytest

from builders import OPENED_AT
from interlock.aws.config_ledger import DynamoConfigLedger
from interlock.aws.control_table import DynamoControlTable
from interlock.aws.outbox import events_of
from interlock.config_ports import ConfigFile, StoredCalendar
from interlock.domain.calendar import Calendar
from interlock.domain.change import Change, ChangeKind
from interlock.domain.event import Announcement, EventType

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


def test_a_file_comes_back_with_the_calendars_that_it_holds_and_names(ledger):
    holds = ConfigFile("company.yaml", "e1", None, valid=True, version=1, calendar="company")
    names = ConfigFile("gold.yaml", "e2", "gold", valid=True, version=1, calendars=("company", "holidays:US"))
    lacks = ConfigFile("silver.yaml", "e3", "silver", valid=False, version=1, missing=("banks",))

    for file in (holds, names, lacks):
        ledger.put_file(file, None, OPENED_AT)

    assert ledger.files() == [holds, names, lacks]


def test_a_calendar_comes_back_as_it_was_put_to_whoever_asks(ledger, table):
    company = Calendar("company", frozenset({date(2026, 12, 25)}), frozenset({0, 6}))

    ledger.put_calendar(company, "company.yaml", OPENED_AT)

    assert ledger.calendar("company") == StoredCalendar("company.yaml", company)
    assert DynamoControlTable(table).calendars(["company", "banks"]) == {"company": company}


def test_a_calendar_that_is_removed_or_was_never_there_is_none(ledger):
    ledger.put_calendar(Calendar("company"), "company.yaml", OPENED_AT)

    ledger.remove_calendar("company")

    assert ledger.calendar("company") is None


@pytest.mark.parametrize("row", [{"dates": "?"}, {"days": [1]}, {"dates": ["x"], "source": 3}])
def test_a_calendar_that_somebody_wrote_over_is_there_and_unreadable(ledger, table, row):
    table.put({"PK": "CALENDAR#company", "SK": "CALENDAR", **row})

    assert ledger.calendar("company") == StoredCalendar(None, None)

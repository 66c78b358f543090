"""The row is the outbox: what a change announces, once, under ids that a redelivery repeats."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import OPENED_AT, a_run, at
from hostile import hostile_values
from interlock.aws.keys import config_file_key, config_key, notice_key
from interlock.aws.outbox import events_of
from interlock.aws.run_item import RowInvalid, announcement_item, run_item
from interlock.domain.change import Change, ChangeKind
from interlock.domain.event import Announcement, EventType, Severity
from interlock.domain.run import moved

FAILED = Announcement(EventType.JOB_FAILED, "attempt 1 failed", at("2026-03-02T09:00"), 1, {"error": "disk"})
RETRIED = Announcement(EventType.JOB_RETRIED, "attempt 2 follows", at("2026-03-02T09:00"), 2)
RUNNING = a_run("RUNNING")
ENDED = run_item(moved(RUNNING, "FAILED", OPENED_AT, [FAILED, RETRIED]))


def a_change(new, old=None, **changes):
    row = new or old
    kind = ChangeKind.REMOVE if new is None else ChangeKind.MODIFY if old else ChangeKind.INSERT
    values = {
        "table": "control",
        "kind": kind,
        "old": old,
        "new": new,
        "at": OPENED_AT,
        "sequence_number": "1",
    }
    return Change(partition_key=row["PK"], sort_key=row["SK"], **{**values, **changes})


def a_row(key, *announcements, **attributes):
    events = [announcement_item(one) for one in announcements]
    instants = {"createdAt": "2026-03-02T08:00:00.000Z", "version": 1}
    return {"PK": key[0], "SK": key[1], **instants, "events": events, **attributes}


def test_a_move_announces_its_events_with_the_run_they_are_of():
    failed, retried = events_of(a_change(ENDED, run_item(RUNNING)))

    assert (failed.type, failed.message, failed.attempt) == ("JOB_FAILED", "attempt 1 failed", 1)
    assert (failed.pipeline_id, failed.schedule_id, failed.date) == ("gold-revenue", "stream", "2026-03-02")
    assert (failed.severity, failed.at, failed.detail) == (Severity.WARNING, FAILED.at, {"error": "disk"})
    assert (retried.type, retried.attempt) == ("JOB_RETRIED", 2)


def test_a_new_row_announces_what_it_was_made_with():
    assert [event.type for event in events_of(a_change(ENDED))] == ["JOB_FAILED", "JOB_RETRIED"]


@pytest.mark.parametrize(
    ("new", "old"),
    [
        pytest.param(ENDED | {"taskToken": "t"}, ENDED, id="bookkeeping: the version is the same"),
        pytest.param(run_item(RUNNING), None, id="a row without events"),
        pytest.param(None, ENDED, id="a row that was deleted"),
        pytest.param(ENDED | {"SK": "BASELINE#stream#2026-03-02"}, None, id="a row that is no outbox"),
        pytest.param(ENDED | {"events": []}, None, id="an empty outbox"),
    ],
)
def test_a_change_that_is_no_move_announces_nothing(new, old):
    assert events_of(a_change(new, old)) == []


def test_a_redelivery_repeats_every_id():
    change = a_change(ENDED, run_item(RUNNING))

    assert [event.event_id for event in events_of(change)] == [event.event_id for event in events_of(change)]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(ENDED | {"version": 3}, id="the next move"),
        pytest.param(ENDED | {"createdAt": "2026-03-02T08:00:00.001Z"}, id="a row made anew"),
        pytest.param(ENDED | {"SK": "RUN#stream#2026-03-03"}, id="another date"),
        pytest.param(ENDED | {"PK": "PIPELINE#silver"}, id="another pipeline"),
    ],
)
def test_no_two_moves_share_an_id(other):
    ids = [event.event_id for row in (ENDED, other) for event in events_of(a_change(row))]

    assert len(set(ids)) == 4


@pytest.mark.parametrize(
    ("row", "about"),
    [
        pytest.param(
            a_row(notice_key("gold", "x"), FAILED), ("gold", None, None), id="a notice of a pipeline"
        ),
        pytest.param(
            a_row(notice_key("gold", "x"), FAILED, scheduleId="cron", date="2026-03-02"),
            ("gold", "cron", "2026-03-02"),
            id="a notice of a date",
        ),
        pytest.param(a_row(notice_key(None, "x"), FAILED), (None, None, None), id="a notice of nobody"),
        pytest.param(a_row(config_key("gold"), FAILED), ("gold", None, None), id="a config"),
        pytest.param(
            a_row(config_file_key("p.yaml"), FAILED, pipelineId="gold"),
            ("gold", None, None),
            id="a file of one",
        ),
        pytest.param(a_row(config_file_key("p.yaml"), FAILED), (None, None, None), id="a file of nobody's"),
    ],
)
def test_an_announcement_is_about_what_its_row_is_about(row, about):
    (event,) = events_of(a_change(row))

    assert (event.pipeline_id, event.schedule_id, event.date) == about


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("events", "JOB_FAILED"),
        ("events", [1]),
        ("events", [{"type": "NO_SUCH_TYPE", "message": "", "at": "2026-03-02T08:00:00Z"}]),
        ("events", [{"type": "JOB_FAILED", "message": "m"}]),
        ("version", "two"),
        ("createdAt", 5),
        ("createdAt", "soon"),
        ("pipelineId", ["gold"]),
        ("pipelineId", "x" * 400_000),
    ],
)
def test_an_outbox_that_somebody_wrote_over_is_named(attribute, value):
    with pytest.raises(RowInvalid, match="RUN#stream#2026-03-02"):
        events_of(a_change(ENDED | {attribute: value}))


@given(
    over=st.dictionaries(
        st.sampled_from(["events", "version", "createdAt", "pipelineId", "scheduleId", "date"]),
        hostile_values(),
        min_size=1,
    )
)
def test_whatever_stands_in_a_row_its_events_are_read_or_it_is_named(over):
    try:
        told = events_of(a_change(a_row(notice_key("gold", "x"), FAILED) | over))
    except RowInvalid:
        return
    for event in told:
        about = (event.pipeline_id, event.schedule_id, event.date)
        assert all(part is None or len(part) <= 2048 for part in about)

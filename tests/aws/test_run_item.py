"""The `RUN#` row and back: nothing is lost on the way, and what somebody else wrote there is named."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import OPENED_AT, a_key, a_run, an_intent
from hostile import hostile_values
from interlock.aws.run_item import RowInvalid, plain, read_run, run_item, storable
from interlock.domain.event import Announcement, EventType
from interlock.domain.readiness import RuleVerdict
from interlock.domain.run import FailureCategory, JobEnd, Outcome, RunStatus, opened

AT = OPENED_AT + timedelta(milliseconds=7)
MEMBER = RuleVerdict("stock", "stock.count >= 0.5", False, "stock.count is 0.25", 0.25, 0.5, None)
GROUP = RuleVerdict("stock", "any of 1", False, "0 of 1 hold", 0, 1, AT, (MEMBER,))
EVERYTHING = a_run(
    "RUNNING",
    attempt=3,
    version=9,
    execution_count=2,
    confirmed=True,
    task_token="token",
    token_for="job",
    verdicts=(GROUP, MEMBER),
    intent=an_intent(3, AT),
    refused_since=AT,
    refusal="Rate exceeded",
    handle={"jobName": "etl", "runId": "jr_1", "port": 8080, "flags": [True, None, 0.5]},
    synchronous=True,
    outcome=Outcome(
        JobEnd.FAIL,
        "disk full",
        FailureCategory.TRANSIENT,
        {"recordsProcessed": 12, "metrics": {"bytes": 5, "ratio": 0.125}},
        exhausted=True,
        may_live=True,
        start_unknown=True,
    ),
    seen={"stock": {"count": 0.25, "status": "ready"}},
    retries=2,
    code_retries=1,
    manual_reruns=1,
    last_request="3fa9",
    retry_at=AT,
    alerted=True,
    events=(
        Announcement(EventType.JOB_FAILED, "attempt 3 failed", AT, 3, {"error": "disk full", "ratio": 0.5}),
        Announcement(EventType.CONFIG_LOADED, "no attempt", AT),
    ),
)


@pytest.mark.parametrize("status", RunStatus)
def test_a_run_comes_back_as_it_went(status):
    for run in (a_run(status), opened(a_key(schedule_id="cron", date="2026-03-02T18"), "cron", AT, AT - AT)):
        assert read_run(run_item(run)) == run


def test_a_run_with_everything_in_it_comes_back_as_it_went(table):
    table.put(run_item(EVERYTHING))

    assert read_run(table.get(("PIPELINE#gold-revenue", "RUN#stream#2026-03-02"))) == EVERYTHING


def test_what_a_run_has_not_is_not_in_its_row():
    item = run_item(a_run())

    assert not {"taskToken", "outcome", "verdicts", "events", "handle", "seen"} & set(item)


@pytest.mark.parametrize("row", [run_item(a_run()), run_item(EVERYTHING)])
def test_a_row_tells_its_instants_in_utc_by_iso_8601(row):
    told = {name: text for name, text in row.items() if name.endswith(("At", "Since", "EndsBy"))}

    assert {"createdAt", "updatedAt", "windowEndsAt"} <= set(told)
    assert all(text.endswith("Z") and datetime.fromisoformat(text).tzinfo == UTC for text in told.values())


NEEDED = [
    "status",
    "attempt",
    "version",
    "createdAt",
    "updatedAt",
    "executionCount",
    "executionName",
    "windowEndsAt",
    "openedBy",
]


@pytest.mark.parametrize("attribute", NEEDED)
def test_a_row_that_lacks_something_is_not_one_of_ours(attribute):
    row = run_item(a_run())
    del row[attribute]

    with pytest.raises(RowInvalid, match=r"RUN#stream#2026-03-02.*is not a run's row"):
        read_run(row)


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("status", "SLEEPING"),
        ("status", Decimal(1)),
        ("attempt", "first"),
        ("version", None),
        ("version", "1e999"),
        ("version", "1"),
        ("version", True),
        ("attempt", Decimal("1.5")),
        ("intent", {"attempt": 1, "at": "2026-03-02T08:00:00Z"}),
        ("createdAt", "yesterday"),
        ("createdAt", Decimal(1772438400)),
        ("retryAt", {"at": 1}),
        ("verdicts", "none"),
        ("verdicts", [{"key": "stock"}]),
        ("intent", "soon"),
        ("outcome", {"end": "won"}),
        ("outcome", ["fail"]),
        ("events", [{"type": "NO_SUCH_TYPE"}]),
        ("seen", [1]),
        ("handle", "jr_1"),
        ("executionName", Decimal(7)),
        ("executionName", None),
        ("events", [{"type": "JOB_FAILED", "message": 1, "at": "2026-03-02T08:00:00Z"}]),
        ("events", [{"type": "JOB_FAILED", "message": "m", "at": "2026-03-02T08:00:00Z", "detail": [1]}]),
        ("taskToken", {"a": 1}),
    ],
)
def test_a_row_that_somebody_wrote_over_is_named(attribute, value):
    with pytest.raises(RowInvalid, match="RUN#stream#2026-03-02"):
        read_run(run_item(EVERYTHING) | {attribute: value})


ATTRIBUTES = sorted({*run_item(EVERYTHING)} - {"PK", "SK"})


@given(over=st.dictionaries(st.sampled_from(ATTRIBUTES), hostile_values(), min_size=1, max_size=3))
def test_whatever_stands_in_a_row_it_is_a_run_or_named_as_none(over):
    try:
        run = read_run(run_item(EVERYTHING) | over)
    except RowInvalid:
        return
    run_item(run)  # and what was read can be written again


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        (Decimal(12), 12),
        (Decimal("0.5"), 0.5),
        (Decimal("1E+3"), 1000),
        ({"a": [Decimal(1), {"b"}]}, {"a": [1, ["b"]]}),
        ({Decimal(2), Decimal(1)}, [1, 2]),
        (None, None),
        (True, True),
    ],
)
def test_what_a_table_holds_is_read_as_json_could_carry_it(stored, read):
    assert plain(stored) == read
    assert type(plain(stored)) is type(read)


@pytest.mark.parametrize(
    ("value", "stored"),
    [(0.1, Decimal("0.1")), ((1, 0.5), [1, Decimal("0.5")]), ({1: (2.5,)}, {"1": [Decimal("2.5")]})],
)
def test_what_a_job_reports_is_stored_without_floats(value, stored):
    assert storable(value) == stored

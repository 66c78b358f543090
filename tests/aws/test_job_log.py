"""The joblog table: what is written is read again, and what outsiders write is believed only as far as it makes sense."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import OPENED_AT, a_key
from hostile import hostile_values
from interlock.aws.attribute_value import Unstorable, as_stored
from interlock.aws.job_log import DynamoJobLog, read_job_record
from interlock.domain.job_record import InvalidRecord, JobRecord
from interlock.domain.run import FailureCategory, JobEnd, Outcome

PIPELINE = "PIPELINE#gold-revenue"
ROW = {"PK": PIPELINE, "SK": "JOB#stream#2026-03-02#1772438400000#2"}
FAILED = JobRecord(
    a_key(),
    2,
    OPENED_AT,
    Outcome(
        JobEnd.FAIL,
        "disk full",
        FailureCategory.PERMANENT,
        {"recordsProcessed": 12, "durationSeconds": 0.5, "metrics": {"bytes": 5, "parts": [1, 2]}},
    ),
    "jr_1",
)
BARE = JobRecord(a_key(), 1, OPENED_AT, Outcome(JobEnd.SUCCESS))
UNSURE = JobRecord(a_key(), 1, OPENED_AT, Outcome(JobEnd.FAIL, may_live=True, start_unknown=True))


@pytest.fixture
def joblog(table):
    return DynamoJobLog(table)


@pytest.mark.parametrize("record", [FAILED, BARE, UNSURE])
def test_a_record_comes_back_as_it_went(joblog, table, record):
    joblog.put(record)

    (row,) = table.query(PIPELINE)
    assert read_job_record(row) == record


def test_a_record_that_is_written_again_is_the_same_row(joblog, table):
    joblog.put(FAILED)
    joblog.put(FAILED)

    assert len(table.query(PIPELINE)) == 1


def test_an_attempt_has_its_own_records_in_the_order_of_their_times(joblog, table):
    later = replace(FAILED, at=OPENED_AT + timedelta(seconds=1))
    another_day = JobRecord(a_key(date="2026-03-03"), 2, OPENED_AT, FAILED.outcome)
    for record in (later, FAILED, BARE, another_day):
        joblog.put(record)
    table.put({**ROW, "SK": "JOB#stream#2026-03-02#1772438400001#2", "event": "hm"})

    assert joblog.of_attempt(a_key(), 2) == [FAILED, later]


def test_a_record_is_kept_for_thirty_days(joblog, table):
    joblog.put(BARE)

    assert table.query(PIPELINE)[0]["ttl"] == int((OPENED_AT + timedelta(days=30)).timestamp())


def test_a_remote_job_leads_to_its_run(joblog):
    joblog.remember_remote("glue", "jr_1", a_key(), 2, OPENED_AT)

    assert joblog.run_of_remote("glue", "jr_1") == (a_key(), 2)


@pytest.mark.parametrize(("job_type", "remote_id"), [("glue", "jr_2"), ("emr", "jr_1")])
def test_a_job_of_somebody_elses_leads_nowhere(joblog, job_type, remote_id):
    joblog.remember_remote("glue", "jr_1", a_key(), 2, OPENED_AT)

    assert joblog.run_of_remote(job_type, remote_id) is None


def test_a_remote_job_is_forgotten_with_the_records(joblog, table):
    joblog.remember_remote("glue", "jr_1", a_key(), 2, OPENED_AT)

    assert table.get(("REMOTE#glue#jr_1", "RUN"))["ttl"] == int((OPENED_AT + timedelta(days=30)).timestamp())


# ---------------------------------------------------------------- what outsiders write


@pytest.mark.parametrize(
    ("event", "end"),
    [("success", JobEnd.SUCCESS), ("FAIL", JobEnd.FAIL), ("Timeout", JobEnd.TIMEOUT)],
)
def test_an_end_is_read_in_any_case(event, end):
    assert read_job_record(ROW | {"event": event}).outcome.end is end


@pytest.mark.parametrize("event", [None, "", "running", "succeeded", Decimal(1), True, {"success"}])
def test_what_is_no_end_is_refused_with_those_that_are(event):
    with pytest.raises(InvalidRecord, match="write one of success, fail, timeout"):
        read_job_record(ROW | {"event": event})


@pytest.mark.parametrize(
    ("category", "read"),
    [(None, None), ("transient", "TRANSIENT"), ("PERMANENT", "PERMANENT"), ("Timeout", "TIMEOUT")],
)
def test_a_category_is_read_in_any_case_and_may_be_left_out(category, read):
    assert read_job_record(ROW | {"event": "fail", "category": category}).outcome.category == read


@pytest.mark.parametrize(
    ("attributes", "report"),
    [
        ({"recordsProcessed": Decimal(12)}, {"recordsProcessed": 12}),
        ({"durationSeconds": Decimal("0.5")}, {"durationSeconds": 0.5}),
        ({"metrics": {"a": Decimal(1), "b": {"x", "y"}}}, {"metrics": {"a": 1, "b": ["x", "y"]}}),
        pytest.param({"recordsProcessed": "many"}, {}, id="a text is no figure"),
        pytest.param({"recordsProcessed": True}, {}, id="nor is a yes"),
        pytest.param({"recordsProcessed": {"n": Decimal(1)}}, {}, id="nor a map"),
        pytest.param({"metrics": Decimal(1)}, {}, id="and metrics are a map"),
        pytest.param({"metrics": {"log": "x" * 3980}}, {"metrics": {"log": "x" * 3980}}, id="the largest"),
        pytest.param({"metrics": {"log": "x" * 4000}}, {}, id="too large"),
        pytest.param({"metrics": {"raw": b"\xff"}}, {"metrics": {"raw": "b'\\xff'"}}, id="bytes as text"),
        pytest.param({"somethingElse": Decimal(1)}, {}, id="nobody asked for it"),
    ],
)
def test_a_report_keeps_its_figures_and_nothing_else(attributes, report):
    assert read_job_record(ROW | {"event": "success"} | attributes).outcome.report == report


@pytest.mark.parametrize(
    ("error", "read"),
    [(None, None), (Decimal(137), "137"), ({"code": Decimal(1)}, "{'code': 1}"), ("x" * 400_000, "x" * 1000)],
)
def test_an_error_of_any_type_is_a_bounded_text(error, read):
    assert read_job_record(ROW | {"event": "fail", "error": error}).outcome.error == read


NAMES = ["event", "error", "category", "runId", "recordsProcessed", "durationSeconds", "metrics"]


@given(st.dictionaries(st.sampled_from(NAMES), hostile_values()), st.sampled_from(["success", "fail"]))
def test_whatever_is_reported_can_be_kept_or_is_refused_by_name(attributes, end):
    try:
        record = read_job_record(as_stored(ROW | {"event": end} | attributes))
    except (Unstorable, InvalidRecord):  # Unstorable: DynamoDB had not taken it
        return
    as_stored(record.outcome.report)
    assert len(record.outcome.error or "") <= 1000

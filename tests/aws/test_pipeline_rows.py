"""One pipeline's rows from date to date: no neighbour's, none before or after, and what cannot be read is counted."""

from datetime import UTC, datetime

import pytest

from aws.tables import a_memory_table
from builders import a_key, a_run
from interlock.aws.job_log import DynamoJobLog
from interlock.aws.pipeline_rows import Dates, PipelineRows, RerunRow
from interlock.aws.rerun_log import DynamoRerunLog
from interlock.aws.run_item import run_item
from interlock.domain.job_record import JobRecord
from interlock.domain.run import JobEnd, Outcome
from interlock.ports import Lost

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TWO_DAYS = Dates("gold-revenue", "stream", "2026-03-01", "2026-03-02")


@pytest.fixture
def rows(table):
    """The control table is of either kind; what is read of the others goes by the same code."""
    return PipelineRows(table, a_memory_table(), a_memory_table())


def stored(table, *dates, schedule_id="stream", pipeline_id="gold-revenue"):
    for date in dates:
        table.put(run_item(a_run("SUCCEEDED", key=a_key(pipeline_id, schedule_id, date))))


def dates_of(runs):
    return [run.key.date for run in runs]


def test_runs_are_those_from_the_first_date_to_the_last(rows, table):
    stored(table, "2026-02-28", "2026-02-28T23", "2026-03-01", "2026-03-02", "2026-03-02T23", "2026-03-03")
    stored(table, "2026-03-01", schedule_id="cron")
    stored(table, "2026-03-01", pipeline_id="gold-revenue-eu")

    assert dates_of(rows.runs(TWO_DAYS)) == ["2026-03-01", "2026-03-02", "2026-03-02T23"]


def test_hours_are_told_from_hours_of_the_same_day(rows, table):
    stored(table, "2026-03-01T04", "2026-03-01T05", "2026-03-01T06", "2026-03-01T07")

    found = rows.runs(Dates("gold-revenue", "stream", "2026-03-01T05", "2026-03-01T06"))

    assert dates_of(found) == ["2026-03-01T05", "2026-03-01T06"]


def test_more_rows_than_a_page_are_all_found(rows, table, monkeypatch):
    monkeypatch.setattr("interlock.aws.pipeline_rows._PAGE", 2)
    stored(table, *(f"2026-03-01T{hour:02}" for hour in range(7)))

    assert len(rows.runs(TWO_DAYS)) == 7


def test_a_request_is_put_once_until_it_is_decided(rows):
    rows.ask(a_key(), "broken", "ana", force=True)

    with pytest.raises(Lost):
        rows.ask(a_key(), "again", "bob", force=False)
    assert rows.request(a_key()) == RerunRow(a_key(), "ana", "broken")
    assert rows.requests(TWO_DAYS) == [RerunRow(a_key(), "ana", "broken")]


def test_a_request_says_force_only_when_it_is_meant(rows, table):
    rows.ask(a_key(), "broken", "ana", force=False)

    assert "force" not in table.get(("PIPELINE#gold-revenue", "RERUN_REQUEST#stream#2026-03-02"))


def test_the_log_of_reruns_is_read(table):
    log = a_memory_table()
    DynamoRerunLog(log).put(a_key(), 1, "manual", "broken", "ana", NOW)

    assert PipelineRows(table, table, log).reruns(TWO_DAYS) == [RerunRow(a_key(), "ana", "broken")]


def test_job_records_that_cannot_be_read_are_counted(table):
    joblog = a_memory_table()
    record = JobRecord(a_key(), 1, NOW, Outcome(JobEnd.FAIL))
    DynamoJobLog(joblog).put(record)
    joblog.put({"PK": "PIPELINE#gold-revenue", "SK": "JOB#stream#2026-03-02#soon#1", "event": "fail"})

    assert PipelineRows(table, joblog, table).job_records(TWO_DAYS) == ([record], 1)


def test_an_answer_that_was_never_given_says_nothing(rows):
    assert rows.answer(a_key()) == {}


def test_the_latest_answer_counts(rows, table):
    for minute, subject, detail in (
        (1, "RERUN_REJECTED", {"why": "excluded"}),
        (2, "DRY_RUN_WOULD_RERUN", {"decision": "never ran"}),
    ):
        table.put(
            {
                "PK": "PIPELINE#gold-revenue",
                "SK": f"NOTICE#{subject}#stream#2026-03-02",
                "updatedAt": f"2026-03-02T08:0{minute}:00.000Z",
                "events": [{"type": subject, "detail": detail}],
            }
        )

    assert rows.answer(a_key()) == {"decision": "never ran"}

"""What a dry run would have done beside what ran outside: each of the ways in which they can agree or not."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from builders import a_key, a_run, at
from interlock.domain.job_record import JobRecord
from interlock.domain.readiness import RuleVerdict
from interlock.domain.run import JobEnd, Outcome, Run
from interlock.domain.shadow_report import Compared, Verdict, compare, outside_run

UNMET = RuleVerdict("orders", "orders.count >= 10", False, "orders was never reported", None, 10, None)


def observed(status: str = "SUCCEEDED", started_at: datetime | None = None, **changes) -> Run:
    if status == "SUCCEEDED":
        started_at = started_at or at("2026-03-02T08:30")
    return a_run(status, dry_run=True, started_at=started_at, verdicts=(UNMET,), **changes)


def report(
    end: str = "success", ended_at: str = "2026-03-02T09:00", seconds: object = 600, attempt: int = 1
) -> JobRecord:
    figures = {} if seconds is None else {"durationSeconds": seconds}
    return JobRecord(a_key(), attempt, at(ended_at), Outcome(JobEnd(end), None, None, figures))


def compared(run: Run | None, *records: JobRecord) -> Compared:
    (found,) = compare([run] if run else [], records).dates
    return found


@pytest.mark.parametrize(
    ("run", "records", "verdict"),
    [
        pytest.param(observed(), [report()], Verdict.AGREED, id="its rules held before"),
        pytest.param(observed(), [report("fail")], Verdict.AGREED, id="both would have started what failed"),
        pytest.param(
            observed(started_at=at("2026-03-02T08:50")), [report()], Verdict.AGREED, id="at the same instant"
        ),
        pytest.param(
            observed(started_at=at("2026-03-02T08:51")), [report()], Verdict.WOULD_HAVE_WAITED, id="after it"
        ),
        pytest.param(observed("EXPIRED"), [report("fail")], Verdict.BLOCKED_RIGHTLY, id="blocked, failed"),
        pytest.param(observed("EXPIRED"), [report("timeout")], Verdict.BLOCKED_RIGHTLY, id="timed out"),
        pytest.param(observed("EXPIRED"), [report()], Verdict.BLOCKED_WRONGLY, id="blocked, succeeded"),
        pytest.param(observed("EXPIRED"), [], Verdict.AGREED, id="neither ran"),
        pytest.param(None, [report()], Verdict.ONLY_OUTSIDE, id="no dry run"),
        pytest.param(observed(), [], Verdict.ONLY_INTERLOCK, id="nothing outside"),
        pytest.param(observed("WAITING"), [report()], Verdict.UNDECIDED, id="it waits still"),
        pytest.param(observed("CANCELLED"), [report()], Verdict.UNDECIDED, id="its config went"),
    ],
)
def test_how_the_two_compare(run, records, verdict):
    assert compared(run, *records).verdict is verdict


def test_the_wait_counts_from_the_outside_start():
    found = compared(observed(started_at=at("2026-03-02T10:00")), report())

    assert found.waited == timedelta(hours=1, minutes=10)
    assert found.reason == "by 1h 10m; the job succeeded without waiting"


def test_without_a_duration_only_what_had_ended_is_known_to_have_been_too_early():
    between = compared(observed(started_at=at("2026-03-02T08:55")), report(seconds=None))
    after = compared(observed(started_at=at("2026-03-02T09:30")), report(seconds=None))

    assert between.verdict is Verdict.AGREED
    assert (after.verdict, after.reason) == (
        Verdict.WOULD_HAVE_WAITED,
        "by at least 30m; the job succeeded without waiting",
    )


def test_a_blocked_date_says_which_rules_never_held():
    assert compared(observed("EXPIRED"), report()).reason == "orders was never reported"


def test_attempts_of_a_date_are_one_outside_run():
    found = outside_run([report(), report("fail", "2026-03-02T08:30", 60)])

    assert found is not None
    assert (found.started_at, found.ended_at) == (at("2026-03-02T08:29"), at("2026-03-02T09:00"))
    assert (found.succeeded, found.attempts) == (True, 2)


@pytest.mark.parametrize("seconds", [-1, 10**12, True, "600", float("nan")])
def test_a_duration_that_cannot_be_is_none(seconds):
    found = outside_run([report(seconds=seconds)])

    assert found is not None
    assert found.started_at is None


def test_what_interlock_ran_itself_is_left_out():
    assert compare([a_run("SUCCEEDED")], [report()]).dates == ()


def test_totals_and_the_longest_wait():
    runs = [
        observed("SUCCEEDED", at(f"2026-03-0{day}T10:00"), key=a_key(date=f"2026-03-0{day}"))
        for day in (1, 2)
    ]

    found = compare(runs, [report()])

    assert {verdict: count for verdict, count in found.totals.items() if count} == {
        Verdict.ONLY_INTERLOCK: 1,
        Verdict.WOULD_HAVE_WAITED: 1,
    }
    assert found.longest_wait == timedelta(hours=1, minutes=10)

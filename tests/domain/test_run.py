"""A run's statuses and moves, what an attempt leaves to the next, and the names that make every start repeatable."""

import re
from dataclasses import fields
from datetime import timedelta
from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from builders import OPENED_AT, a_key, a_run, an_intent, at
from interlock.domain.event import Announcement, EventType
from interlock.domain.readiness import RuleVerdict
from interlock.domain.run import (
    JobEnd,
    MoveNotAllowed,
    Outcome,
    Run,
    RunKey,
    RunStatus,
    attempt_name,
    check_move,
    execution_name,
    moved,
    next_attempt,
    opened,
    reopened,
)

LATER = at("2026-03-02T08:30:01.234567")
WINDOW = timedelta(hours=1)
HEARD = Announcement(EventType.JOB_COMPLETED, "job succeeded", LATER)
ALARMING = Announcement(EventType.JOB_FAILED, "attempt 1 failed", LATER)

# The design's moves, spelled out once more: who changes the one changes the other on purpose.
ALLOWED = {
    ("WAITING", "RUNNING"),
    ("WAITING", "EXPIRED"),
    ("WAITING", "CANCELLED"),
    ("RUNNING", "SUCCEEDED"),
    ("RUNNING", "FAILED"),
    ("RUNNING", "WAITING"),
    ("SUCCEEDED", "WAITING"),
    ("FAILED", "WAITING"),
    ("EXPIRED", "WAITING"),
    ("CANCELLED", "WAITING"),
}


@pytest.mark.parametrize(("before", "after"), list(product(RunStatus, RunStatus)))
def test_a_run_moves_only_where_the_table_allows(before, after):
    refused = None
    try:
        check_move(before, after)
    except MoveNotAllowed as error:
        refused = str(error)

    assert (refused is None) is ((before, after) in ALLOWED)
    assert refused is None or (before in refused and after in refused)


def test_a_move_that_is_not_allowed_changes_nothing():
    with pytest.raises(MoveNotAllowed):
        moved(a_run("SUCCEEDED"), RunStatus.RUNNING, LATER)


def test_each_move_is_a_version_of_its_own():
    run = a_run("RUNNING")

    after = moved(run, RunStatus.SUCCEEDED, LATER, [HEARD])

    assert (after.status, after.version, after.events) == ("SUCCEEDED", run.version + 1, (HEARD,))


def test_a_move_announces_only_itself():
    run = moved(a_run("RUNNING"), RunStatus.FAILED, LATER, [ALARMING])

    assert moved(run, RunStatus.WAITING, LATER).events == ()


def test_instants_of_a_row_have_whole_milliseconds():
    run = opened(a_key(), "cron", LATER, WINDOW)
    after = moved(run, RunStatus.EXPIRED, LATER)
    again = reopened(after, LATER, WINDOW)

    assert {at("2026-03-02T08:30:01.234")} == {run.created_at, after.updated_at, again.updated_at}
    assert {run.window_ends_at, again.window_ends_at} == {at("2026-03-02T09:30:01.234")}


@pytest.mark.parametrize(
    ("before", "events", "alerted"),
    [
        (False, [HEARD], False),
        (False, [HEARD, ALARMING], True),
        pytest.param(True, [HEARD], True, id="what was told once stays told"),
    ],
)
def test_a_run_remembers_that_people_were_alarmed(before, events, alerted):
    run = a_run("RUNNING", alerted=before)

    assert moved(run, RunStatus.SUCCEEDED, LATER, events).alerted is alerted


# ---------------------------------------------------------------- attempts

SPENT = {
    "task_token": "token",
    "token_for": "job",
    "verdicts": (RuleVerdict("row-count", "row-count.count >= 1000", True, "it is", 1, 1, OPENED_AT),),
    "intent": an_intent(1, OPENED_AT),
    "asked_with": {"token": "${secret:t}"},
    "pools": ("warehouse",),
    "slot_turn": 1,
    "slots_at": OPENED_AT,
    "refused_since": OPENED_AT,
    "refusal": "Rate exceeded",
    "synchronous": True,
    "outcome": Outcome(JobEnd.FAIL, "disk full"),
    "seen": {"row-count": {"count": 1000}},
    "told": ("late data",),
    "post_run_verdict": "failed",
}
FRESH = opened(a_key(), "trigger", OPENED_AT, WINDOW)
OF_THE_RUN = (  # noqa: SIM905  a page of quotes would be no easier to read
    "key status attempt stopping version created_at updated_at execution_count execution_name confirmed "
    "window_ends_at opened_by retries code_retries manual_reruns drift_reruns last_request retry_at alerted events "
    "succeeded_at first_succeeded_at dry_run"
).split()
OF_THE_ATTEMPT = [*SPENT, "job_type", "handle", "remote_id", "started_at", "job_ends_by"]


@pytest.mark.parametrize("name", OF_THE_ATTEMPT)
@pytest.mark.parametrize("again", [next_attempt, reopened])
def test_nothing_of_an_attempt_judges_the_next(again, name):
    run = a_run("RUNNING", **SPENT)

    after = (
        next_attempt(run, LATER, [])
        if again is next_attempt
        else reopened(moved(run, RunStatus.FAILED, LATER), LATER, WINDOW)
    )

    assert getattr(run, name) != getattr(FRESH, name)
    assert getattr(after, name) == getattr(FRESH, name)


def test_every_field_of_a_run_is_of_the_run_or_of_its_attempt():
    """A new field must be put on one side or the other, else a retry is judged by the attempt before."""
    assert sorted(field.name for field in fields(Run)) == sorted([*OF_THE_RUN, *OF_THE_ATTEMPT])


def test_a_retry_stays_in_its_execution():
    run = a_run("RUNNING")

    after = next_attempt(run, LATER, [])

    assert (after.attempt, after.execution_name, after.confirmed) == (2, run.execution_name, True)


@pytest.mark.parametrize(
    ("ended", "attempt"),
    [("SUCCEEDED", 2), ("FAILED", 2), ("EXPIRED", 1), ("CANCELLED", 1)],
)
def test_an_attempt_that_never_started_keeps_its_number(ended, attempt):
    assert reopened(a_run(ended), LATER, WINDOW).attempt == attempt


def test_a_run_that_is_opened_again_has_an_execution_of_its_own():
    run = a_run("EXPIRED", retry_at=OPENED_AT)

    after = reopened(run, LATER, WINDOW)

    assert after.execution_count == 2
    assert after.execution_name != run.execution_name
    assert (after.confirmed, after.retry_at) == (False, None)


# ---------------------------------------------------------------- names

IDS = st.from_regex(r"[A-Za-z0-9._-]{1,128}", fullmatch=True)
ANYBODYS_IDS = IDS | st.text(min_size=1, max_size=200)  # ids of rows that outsiders wrote
DATES = st.sampled_from(["2026-03-02", "2026-03-01", "2026-03-02T18", "2026-03-02T18:15", "2026-03-02T01"])
KEYS = st.builds(RunKey, ANYBODYS_IDS, st.sampled_from(["cron", "stream"]), DATES)
NUMBERS = st.integers(1, 10_000)
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html: at most 80
LONGEST = {execution_name: 80, attempt_name: 64}
BOTH_NAMES = pytest.mark.parametrize("name", LONGEST)


@BOTH_NAMES
@given(key=KEYS, number=NUMBERS)
def test_a_name_is_safe_and_short_enough(name, key, number):
    made = name(key, number, OPENED_AT)

    assert len(made) <= LONGEST[name]
    assert re.fullmatch(r"[A-Za-z0-9._-]+", made)


@BOTH_NAMES
@given(one=st.tuples(KEYS, NUMBERS), other=st.tuples(KEYS, NUMBERS))
def test_no_two_runs_or_attempts_share_a_name(name, one, other):
    assume(one != other)

    assert name(*one, OPENED_AT) != name(*other, OPENED_AT)


LOOK_ALIKES = ["a.b", "a/b", "a b", "a-b", "a\x00b", "aéb", "a:b", "A-b"]


@BOTH_NAMES
def test_ids_that_look_alike_once_they_are_safe_stay_apart(name):
    names = {name(a_key(pipeline_id), 1, OPENED_AT) for pipeline_id in LOOK_ALIKES}

    assert len(names) == len(LOOK_ALIKES)


@BOTH_NAMES
def test_ids_that_differ_only_where_the_name_is_cut_stay_apart(name):
    names = {name(a_key("x" * 127 + last), 1, OPENED_AT) for last in "abc"}

    assert len(names) == 3
    assert {len(made) for made in names} == {LONGEST[name]}


def test_a_short_name_reads_as_what_it_is_of():
    name = execution_name(a_key(), 3, OPENED_AT)

    assert name.startswith("gold-revenue-stream-2026-03-02-3.")


@BOTH_NAMES
@pytest.mark.parametrize("created_at", [OPENED_AT + timedelta(milliseconds=1), at("1999-01-01T00:00")])
def test_a_row_that_is_made_anew_takes_over_no_name_of_its_former_life(name, created_at):
    for pipeline_id in ("gold-revenue", "x" * 128):
        key = a_key(pipeline_id)

        assert name(key, 1, created_at) != name(key, 1, OPENED_AT)


def test_the_same_start_has_the_same_name_each_time():
    assert a_run().run_id == a_run(status="RUNNING").run_id
    assert a_run().execution_name == a_run().execution_name


def test_each_attempt_has_an_idempotency_key_of_its_own():
    run = a_run("RUNNING")

    assert next_attempt(run, LATER, []).run_id != run.run_id


def test_a_retry_knows_the_job_that_may_still_be_stopping_until_one_of_its_own_runs():
    job = {"job_type": "glue", "handle": {"jobRunId": "jr_1"}, "asked_with": {"token": "${secret:t}"}}
    timed_out = Outcome(JobEnd.TIMEOUT, exhausted=True, may_live=True)

    second = next_attempt(a_run("RUNNING", outcome=timed_out, **job), LATER, [])

    assert second.stopping == {
        "jobType": "glue",
        "handle": {"jobRunId": "jr_1"},
        "askedWith": {"token": "${secret:t}"},
    }
    refused = moved(second, RunStatus.RUNNING, LATER, outcome=Outcome(JobEnd.FAIL))
    assert next_attempt(refused, LATER, []).stopping == second.stopping


def test_a_job_that_is_known_to_have_ended_is_not_stopping():
    ended = a_run("RUNNING", outcome=Outcome(JobEnd.FAIL), handle={"jobRunId": "jr_1"})

    assert next_attempt(ended, LATER, []).stopping == {}


@pytest.mark.parametrize(("ended", "known"), [("EXPIRED", True), ("FAILED", False)])
def test_a_retry_that_expired_before_it_started_still_knows_the_job_that_may_be_stopping(ended, known):
    retry = a_run(ended, attempt=2, stopping={"jobType": "glue"})

    assert reopened(retry, LATER, WINDOW).stopping == ({"jobType": "glue"} if known else {})

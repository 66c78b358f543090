"""Another attempt or not: which budget a failure uses, when it is used up, and how long the back-off is."""

from datetime import timedelta

import pytest

from builders import a_run, at
from interlock.domain.pipeline import Job, JobType, OnTimeout
from interlock.domain.retry import JobLeft, category_of, decide_retry
from interlock.domain.run import FailureCategory, JobEnd, Outcome

NOW = at("2026-03-02T08:20")
TRANSIENT = Outcome(JobEnd.FAIL, "Rate exceeded", FailureCategory.TRANSIENT)
PERMANENT = Outcome(JobEnd.FAIL, "no such column", FailureCategory.PERMANENT)
TIMED_OUT = Outcome(JobEnd.TIMEOUT, "48 hours are over")
EXHAUSTED = Outcome(JobEnd.TIMEOUT, "nobody said", FailureCategory.TIMEOUT, exhausted=True, may_live=True)
LEFT = JobLeft("the job was left running", may_live=True)
NOT_CANCELLED = JobLeft("the job could not be cancelled: refused", may_live=True)
CANCELLED = JobLeft("the job was cancelled", may_live=False)


def a_job(**changes):
    return Job(JobType.GLUE, {"jobName": "etl"}, **{"max_retries": 2, "max_code_retries": 1, **changes})


def decision(outcome, retries=0, code_retries=0, **job):
    run = a_run("RUNNING", retries=retries, code_retries=code_retries)
    return decide_retry(run, outcome, a_job(**job), NOW)


@pytest.mark.parametrize(
    ("outcome", "category"),
    [
        (Outcome(JobEnd.FAIL), "TRANSIENT"),
        (TRANSIENT, "TRANSIENT"),
        (PERMANENT, "PERMANENT"),
        (TIMED_OUT, "TIMEOUT"),
        pytest.param(
            Outcome(JobEnd.TIMEOUT, category=FailureCategory.PERMANENT),
            "TIMEOUT",
            id="a time-out, whatever it is called",
        ),
    ],
)
def test_a_failure_has_one_category(outcome, category):
    assert category_of(outcome) == category


@pytest.mark.parametrize(
    ("outcome", "used"),
    [(TRANSIENT, (1, 0)), (Outcome(JobEnd.FAIL), (1, 0)), (TIMED_OUT, (1, 0)), (PERMANENT, (0, 1))],
)
def test_a_failure_uses_the_budget_of_its_category_and_no_other(outcome, used):
    decided = decision(outcome)

    assert decided.again
    assert (decided.retries, decided.code_retries) == used


@pytest.mark.parametrize(
    ("outcome", "used", "again"),
    [
        pytest.param(TRANSIENT, {"retries": 1}, True, id="the last of maxRetries"),
        pytest.param(TRANSIENT, {"retries": 2}, False, id="one more than maxRetries"),
        pytest.param(PERMANENT, {"code_retries": 0}, True, id="the last of maxCodeRetries"),
        pytest.param(PERMANENT, {"code_retries": 1}, False, id="one more than maxCodeRetries"),
        pytest.param(PERMANENT, {"retries": 2}, True, id="maxRetries are used, maxCodeRetries are not"),
        pytest.param(TRANSIENT, {"code_retries": 1}, True, id="maxCodeRetries are used, maxRetries are not"),
    ],
)
def test_a_budget_ends_where_it_says(outcome, used, again):
    decided = decision(outcome, **used)

    assert decided.again is again
    assert decided.budget_used_up is not again


@pytest.mark.parametrize(("outcome", "budget"), [(TRANSIENT, "max_retries"), (PERMANENT, "max_code_retries")])
def test_a_budget_of_none_is_used_up_at_once(outcome, budget):
    decided = decision(outcome, **{budget: 0})

    assert (decided.again, decided.budget_used_up, decided.retry_at) == (False, True, None)


def test_a_refusal_to_retry_leaves_the_counts_as_they_are():
    decided = decision(TRANSIENT, retries=2, code_retries=1)

    assert (decided.retries, decided.code_retries) == (2, 1)


@pytest.mark.parametrize(
    ("used", "delay"),
    [
        ({}, timedelta(minutes=1)),
        ({"retries": 1}, timedelta(minutes=2)),
        ({"retries": 3}, timedelta(minutes=8)),
        pytest.param({"retries": 1, "code_retries": 1}, timedelta(minutes=4), id="whichever budget paid"),
        pytest.param({"retries": 9, "code_retries": 3}, timedelta(days=1), id="never longer than a day"),
    ],
)
def test_the_back_off_doubles_with_each_retry(used, delay):
    decided = decision(TRANSIENT, **used, max_retries=10)

    assert decided.retry_at == NOW + delay


@pytest.mark.parametrize(
    ("backoff", "said"),
    [
        (timedelta(seconds=90), "1 of 2 maxRetries, after 1m30s"),
        (timedelta(hours=2), "1 of 2 maxRetries, after 2h"),
        (timedelta(0), "1 of 2 maxRetries, after 0s"),
    ],
)
def test_the_reason_names_the_budget_and_the_delay(backoff, said):
    assert decision(TRANSIENT, retry_backoff=backoff).reason == said


def test_a_run_whose_config_is_gone_is_not_tried_again():
    decided = decide_retry(a_run("RUNNING"), TRANSIENT, None, NOW)

    assert not decided.again
    assert not decided.budget_used_up  # nobody ran out of anything
    assert "config was removed" in decided.reason


@pytest.mark.parametrize(
    ("left", "on_timeout", "why"),
    [
        (LEFT, OnTimeout.LEAVE, "the job was left running (onTimeout: leave), so it is not started again"),
        (NOT_CANCELLED, OnTimeout.CANCEL, "the job may still run, so it is not started again"),
    ],
)
@pytest.mark.parametrize("outcome", [EXHAUSTED, TRANSIENT])
def test_a_job_that_may_live_is_not_started_beside_itself(outcome, left, on_timeout, why):
    decided = decide_retry(a_run("RUNNING"), outcome, a_job(on_timeout=on_timeout), NOW, left=left)

    assert (decided.again, decided.reason, decided.budget_used_up) == (False, why, False)


@pytest.mark.parametrize("left", [CANCELLED, None])
def test_a_job_that_is_gone_is_started_again_whatever_on_timeout_says(left):
    job = a_job(on_timeout=OnTimeout.LEAVE)

    assert decide_retry(a_run("RUNNING"), TIMED_OUT, job, NOW, left=left).again


@pytest.mark.parametrize("category", [FailureCategory.PERMANENT, FailureCategory.TRANSIENT])
def test_a_job_that_may_have_been_started_is_not_started_again_whatever_budget_is_left(category):
    unknown = Outcome(JobEnd.FAIL, "unknown outcome", category, start_unknown=True)

    decided = decision(unknown, max_code_retries=3)

    assert not decided.again
    assert decided.reason == "nobody knows whether its job was started, so it is not started again"


@pytest.mark.parametrize(("budget", "used_up"), [(0, True), (3, False)])
def test_of_a_job_that_may_have_been_started_that_is_said_before_its_budget(budget, used_up):
    unknown = Outcome(JobEnd.FAIL, "unknown outcome", FailureCategory.PERMANENT, start_unknown=True)

    decided = decision(unknown, max_code_retries=budget)

    assert (decided.reason.partition(" whether")[0], decided.budget_used_up) == ("nobody knows", used_up)


def test_a_date_that_is_excluded_by_now_is_not_tried_again():
    why = "2026-03-02 is excluded by the calendar company"

    decided = decide_retry(a_run("RUNNING"), TRANSIENT, a_job(), NOW, excluded=why)

    assert (decided.again, decided.retries, decided.budget_used_up) == (False, 0, False)
    assert decided.reason == f"{why}, so it is not tried again"

"""What each change announces: the reasons of the decision, whose it is, and never more than a row can carry."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from builders import OPENED_AT, a_pipeline, a_rule, a_run, at
from interlock.domain import announcement
from interlock.domain.event import EventType
from interlock.domain.pipeline import Job, JobType, Pipeline, Validation
from interlock.domain.readiness import RuleVerdict, evaluate_readiness
from interlock.domain.retry import JobLeft, RetryDecision
from interlock.domain.run import FailureCategory, JobEnd, Outcome
from interlock.domain.sensor import Reading

NOW = at("2026-03-02T09:00")
RUNBOOK = "https://wiki.example.com/gold"
PIPELINE = Pipeline("gold-revenue", Job(JobType.GLUE), owner="analytics", runbook=RUNBOOK)
HUGE = "x" * 400_000
LAST = RetryDecision(False, "2 of 2 maxRetries are used", budget_used_up=True)
AGAIN = RetryDecision(True, "1 of 2 maxRetries, after 1m", NOW + timedelta(minutes=1), retries=1)
FAILED = Outcome(JobEnd.FAIL, "disk full", FailureCategory.TRANSIENT, {"recordsProcessed": 7})


def readiness(*rules, values=None):
    reading = Reading("row-count", None, {"count": 999} if values is None else values, None, "row-count")
    return evaluate_readiness(Validation(rules=tuple(rules)), {"row-count": reading}, NOW)


def ended_badly(outcome=FAILED, decided=LAST, left=None, pipeline=PIPELINE, **run):
    return announcement.job_ended_badly(a_run("RUNNING", **run), pipeline, outcome, decided, NOW, left)


def types(announcements):
    return [str(told.type) for told in announcements]


# ---------------------------------------------------------------- waiting


def test_an_opened_run_says_what_opened_it_and_how_long_it_waits():
    told = announcement.run_opened(a_run(), "upstream-complete.status is ready")

    assert told.message == "opened: upstream-complete.status is ready"
    assert told.detail == {"openedBy": "trigger", "windowEndsAt": "2026-03-02T09:00:00Z"}
    assert (told.at, told.attempt) == (OPENED_AT, 1)


def test_an_expired_run_says_of_each_missing_rule_what_was_seen_and_what_was_wanted():
    unmet = readiness(a_rule(), a_rule("exists", field=None)).unmet

    told = announcement.validation_exhausted(a_run(), PIPELINE, unmet, NOW)

    assert "row-count.count is 999, wanted" in told.message
    assert told.detail["unmet"] == [
        {
            "rule": "row-count.count >= 1000",
            "reason": unmet[0].reason,
            "seen": 999,
            "wanted": 1000,
            "since": "2026-03-02T09:00:00Z",
        }
    ]


def test_a_message_names_three_reasons_and_counts_the_rest():
    unmet = readiness(*(a_rule(value=wanted) for wanted in range(1000, 1005))).unmet

    told = announcement.validation_exhausted(a_run(), PIPELINE, unmet, NOW)

    assert told.message.count("row-count.count is 999") == 3
    assert told.message.endswith("; and 2 more")
    assert len(told.detail["unmet"]) == 5


def test_a_message_names_the_same_reason_of_two_rules_once():
    verdicts = [
        RuleVerdict("rows", rule, False, "rows was never reported", None, None, None) for rule in ("a", "b")
    ]

    told = announcement.validation_exhausted(a_run(), PIPELINE, verdicts, NOW)

    assert told.message.count("never reported") == 1
    assert len(told.detail["unmet"]) == 2


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([a_rule(value=1)], "the rules hold"),
        ([], "no rules to wait for"),
        pytest.param(
            [a_rule()],
            "the rules held when an earlier try started the job",
            id="found again after they stopped holding",
        ),
    ],
)
def test_a_start_says_why_it_was_allowed(rules, message):
    told = announcement.validation_passed(a_run(), readiness(*rules), NOW)

    assert told.message == message
    assert len(told.detail["rules"]) == len(rules)


# ---------------------------------------------------------------- the end of an attempt


@pytest.mark.parametrize(
    ("outcome", "decided", "events"),
    [
        (FAILED, LAST, ["JOB_FAILED", "RETRY_EXHAUSTED"]),
        (FAILED, AGAIN, ["JOB_FAILED", "JOB_RETRIED"]),
        (FAILED, RetryDecision(False, "its config was removed"), ["JOB_FAILED"]),
        (Outcome(JobEnd.TIMEOUT), LAST, ["JOB_TIMEOUT", "RETRY_EXHAUSTED"]),
        (
            Outcome(JobEnd.TIMEOUT, exhausted=True),
            AGAIN,
            ["JOB_POLL_EXHAUSTED", "JOB_TIMEOUT", "JOB_RETRIED"],
        ),
    ],
)
def test_every_attempt_ends_in_exactly_one_end(outcome, decided, events):
    assert types(ended_badly(outcome, decided)) == events


def test_a_failure_keeps_its_error_its_category_and_the_jobs_own_figures():
    (failed, exhausted) = ended_badly()

    assert failed.message == "attempt 1 failed: disk full"
    wanted = {"error": "disk full", "category": "TRANSIENT", "recordsProcessed": 7, "jobId": "jr_1"}
    assert wanted.items() <= failed.detail.items()
    assert exhausted.message == "no attempt is left: 2 of 2 maxRetries are used; last error: disk full"


def test_a_retry_says_which_attempt_follows_and_when():
    (failed, retried) = ended_badly(decided=AGAIN)

    assert failed.detail["retryAt"] == "2026-03-02T09:01:00Z"
    assert (retried.attempt, retried.message) == (2, "attempt 2 follows: 1 of 2 maxRetries, after 1m")


def test_an_attempt_whose_job_was_left_or_stopped_says_so():
    outcome = Outcome(JobEnd.TIMEOUT, "nobody said", exhausted=True, may_live=True)

    told = ended_badly(outcome, AGAIN, left=JobLeft("the job was cancelled", may_live=False))

    assert told[0].message.endswith("; the job was cancelled")
    assert all(one.detail["remoteJob"] == "the job was cancelled" for one in told)


@pytest.mark.parametrize("may_live", [True, False])
def test_a_job_that_may_still_run_is_marked_as_such(may_live):
    (failed, *_) = ended_badly(left=JobLeft("the job was left running", may_live))
    stray = announcement.infra_failure(a_run(), PIPELINE, "ended", "x", NOW, JobLeft("left", may_live))

    assert [one.detail.get("jobMayStillRun") for one in (failed, stray)] == [may_live or None] * 2


@pytest.mark.parametrize(
    ("start_unknown", "run", "run_id"),
    [
        pytest.param(True, {"remote_id": None}, a_run().run_id, id="it may have been started"),
        pytest.param(False, {"remote_id": None, "handle": {}}, a_run().run_id, id="its target names no job"),
        pytest.param(False, {"remote_id": None, "handle": None}, None, id="it was not started"),
        pytest.param(False, {"remote_id": "jr_1"}, None, id="its service names it"),
    ],
)
def test_a_job_without_an_id_of_its_own_is_known_by_its_run_id(start_unknown, run, run_id):
    outcome = replace(FAILED, start_unknown=start_unknown)

    (failed, *_) = ended_badly(outcome, **run)

    assert (failed.detail.get("runId"), failed.detail.get("startUnknown", False)) == (run_id, start_unknown)


@pytest.mark.parametrize(("attempt", "message"), [(1, "job succeeded"), (3, "job succeeded at attempt 3")])
def test_a_completion_says_at_which_attempt(attempt, message):
    run = a_run("RUNNING", attempt=attempt)

    assert announcement.job_completed(run, PIPELINE, Outcome(JobEnd.SUCCESS), NOW).message == message


# ---------------------------------------------------------------- whom to ask

HEALTHY = announcement.job_completed(a_run("RUNNING"), PIPELINE, Outcome(JobEnd.SUCCESS), NOW)
ABOUT_A_PIPELINE = {
    "expired": announcement.validation_exhausted(a_run(), PIPELINE, (), NOW),
    "failed": ended_badly()[0],
    "exhausted": ended_badly()[1],
    "poll exhausted": ended_badly(Outcome(JobEnd.TIMEOUT, exhausted=True))[0],
    "infrastructure": announcement.infra_failure(a_run(), PIPELINE, "refused", "Throttling", NOW),
    "input": announcement.input_invalid("sensor orders", "`hour` is 24", NOW, PIPELINE),
    "rerun": announcement.rerun_rejected(PIPELINE, 1, "used up", {}, NOW),
    "recovery": announcement.job_completed(
        a_run("RUNNING", alerted=True), PIPELINE, Outcome(JobEnd.SUCCESS), NOW
    ),
}


@pytest.mark.parametrize("told", ABOUT_A_PIPELINE.values(), ids=ABOUT_A_PIPELINE)
def test_who_is_woken_learns_whose_it_is_and_where_the_instructions_are(told):
    assert (told.detail["owner"], told.detail["runbook"]) == ("analytics", RUNBOOK)


def test_what_alarms_nobody_names_nobody():
    assert not {"owner", "runbook"} & set(HEALTHY.detail)


def test_a_pipeline_without_owner_or_a_removed_one_is_told_of_all_the_same():
    nameless = ended_badly(pipeline=Pipeline("gold-revenue", Job(JobType.GLUE)))
    removed = ended_badly(pipeline=None)

    assert types(nameless) == types(removed) == ["JOB_FAILED", "RETRY_EXHAUSTED"]


# ---------------------------------------------------------------- what nobody's run is about


@pytest.mark.parametrize(
    ("mistakes", "last_good", "message"),
    [
        (["p.yaml:3: job.type: unknown"], False, "p.yaml has 1 mistake: p.yaml:3: job.type: unknown"),
        (["first", "second"], True, "p.yaml has 2 mistakes; the last good config stays in force: first"),
    ],
)
def test_a_refused_config_says_its_mistakes_and_what_is_in_force(mistakes, last_good, message):
    told = announcement.config_invalid("p.yaml", mistakes, last_good, NOW)

    assert told.message == message
    assert told.detail["mistakes"] == mistakes


def test_an_excluded_date_says_why():
    told = announcement.pipeline_excluded(a_pipeline(), "2026-03-01 is a Sunday", NOW)

    assert (told.type, told.detail) == (EventType.PIPELINE_EXCLUDED, {"reason": "2026-03-01 is a Sunday"})


def test_an_accepted_rerun_says_who_wanted_it_and_why():
    asked = {"reason": "source was corrected", "requestedBy": "ana"}

    told = announcement.rerun_accepted(a_run(), asked, NOW)

    assert (told.message, told.detail) == ("run again: source was corrected", asked)


UNBOUNDED = {
    "failed": ended_badly(
        Outcome(JobEnd.FAIL, "x" * 1000, exhausted=True), left=JobLeft("x" * 500, may_live=True)
    ),
    "infrastructure": [announcement.infra_failure(a_run(), PIPELINE, "refused", HUGE, NOW)],
    "input": [announcement.input_invalid(HUGE, HUGE, NOW, PIPELINE)],
    "config": [announcement.config_invalid("p.yaml", [HUGE] * 1000, True, NOW)],
    "config loaded": [announcement.config_loaded("p.yaml", NOW, [HUGE] * 1000)],
    "expired": [
        announcement.validation_exhausted(
            a_run(), PIPELINE, readiness(*[a_rule(value=HUGE)] * 100, values={"count": HUGE}).unmet, NOW
        )
    ],
    "rerun": [announcement.rerun_accepted(a_run(), {"reason": HUGE[:300]}, NOW)],
}


@pytest.mark.parametrize("told", UNBOUNDED.values(), ids=UNBOUNDED)
def test_whatever_was_said_the_announcements_fit_into_a_row(told):
    size = sum(len(one.message) + len(json.dumps(one.detail)) for one in told)

    assert size < 40_000  # of the 400 KB of an item, where a run's verdicts live too
    assert all(len(one.message) <= 2000 for one in told)

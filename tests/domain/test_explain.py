"""Why it did or did not run: one headline for each state a date can be in, what follows, and what a person can do."""

from dataclasses import replace
from datetime import date, time, timedelta

import pytest

from builders import a_key, a_pipeline, a_rule, a_run, a_trigger, an_intent, at
from interlock.domain import announcement
from interlock.domain.baseline import Baseline
from interlock.domain.explain import explain
from interlock.domain.pipeline import (
    AnyOf,
    Deadline,
    Exclude,
    Include,
    Job,
    JobType,
    Match,
    OnTimeout,
    PostRun,
    Start,
    UpstreamRule,
)
from interlock.domain.promise import PromiseKind, promised, settled
from interlock.domain.retry import JobLeft, RetryDecision, decide_retry
from interlock.domain.run import FailureCategory, JobEnd, Outcome, Run, RunStatus
from situations import NOW, ROWS, WAITS_FOR_ROWS, a_situation

CRON = a_pipeline(cron="30 6 * * 1-5", timezone="Europe/Berlin", rules=[ROWS])
BOTH = a_pipeline(cron="30 6 * * *", trigger=a_trigger(), start=Start.ALL)
CLOSES = a_pipeline(rules=[ROWS], trigger=a_trigger(deadline=Deadline(0, 9)))
BY_REQUEST = a_pipeline(trigger=None, rules=[ROWS])
RERUN = "run it by hand: interlock rerun gold-revenue 2026-03-02"
NEXT_FIRE = "the next date is 2026-03-03: the cron fires at 2026-03-03 06:30 CET (05:30 UTC), in 21h"
ENDED = {
    "job_type": "glue",
    "remote_id": "jr_1",
    "started_at": at("2026-03-02T08:10"),
    "updated_at": at("2026-03-02T08:20"),
}
UNKNOWN = Outcome(JobEnd.FAIL, "unknown outcome", FailureCategory.PERMANENT, start_unknown=True)
TIMED_OUT = Outcome(JobEnd.TIMEOUT, "it took too long", exhausted=True)
LEFT = tuple(
    announcement.job_ended_badly(
        a_run("RUNNING"),
        None,
        TIMED_OUT,
        RetryDecision(False, "x"),
        NOW,
        JobLeft("left running", may_live=True),
    )
)
SUCCEEDED = a_run("SUCCEEDED", succeeded_at=at("2026-03-02T08:20"), **ENDED)


def baseline_of(run: Run) -> Baseline:
    return Baseline(run.key, run.attempt, NOW, {"row-count": {"count": 1000}})


# ---------------------------------------------------------------- no run


@pytest.mark.parametrize(
    ("situation", "headline", "following", "advice"),
    [
        pytest.param(
            a_situation(CRON, date="2026-03-03"),
            "has not run yet: the cron fires at 2026-03-03 06:30 CET (05:30 UTC), in 21h",
            (),
            (),
            id="the cron fires later",
        ),
        pytest.param(
            a_situation(a_pipeline(cron="30 6 * * *", trigger=a_trigger()), date="2026-03-03"),
            "has not run yet: the cron fires at 2026-03-03 06:30 UTC, in 22h",
            ("a write that meets the trigger opens it before",),
            (),
            id="the cron fires later, the trigger may come before",
        ),
        pytest.param(
            a_situation(CRON, date="2026-02-28"),
            "has no run: the cron 30 6 * * 1-5 (Europe/Berlin) does not fire then",
            (NEXT_FIRE,),
            ("run it by hand: interlock rerun gold-revenue 2026-02-28",),
            id="the cron does not fire",
        ),
        pytest.param(
            a_situation(a_pipeline(cron="30 2 * * *", timezone="Europe/Berlin"), date="2026-03-29"),
            "has no run: the cron 30 2 * * * (Europe/Berlin) does not fire then;"
            " the clocks change that day, and a time that they skip does not fire",
            ("the next date is 2026-03-03: the cron fires at 2026-03-03 02:30 CET (01:30 UTC), in 17h",),
            ("run it by hand: interlock rerun gold-revenue 2026-03-29",),
            id="the clocks skip it",
        ),
        pytest.param(
            a_situation(CRON, date="2026-03-02T06"),
            "is no date of this pipeline: its runs are of days, such as 2026-03-02",
            (NEXT_FIRE,),
            (),
            id="an hour of a daily pipeline",
        ),
        pytest.param(
            a_situation(a_pipeline(cron="5 * * * *")),
            "is no date of this pipeline: its runs are of hours, such as 2026-03-02T00",
            ("the next date is 2026-03-02T09: the cron fires at 09:05 UTC, in 35m",),
            (),
            id="a day of an hourly pipeline",
        ),
        pytest.param(
            a_situation(CRON, loaded_at=at("2026-03-02T07:00")),
            "did not run: the cron fired at 06:30 CET (05:30 UTC), 3h ago,"
            " before the config in force was loaded at 08:00 CET (07:00 UTC)",
            (NEXT_FIRE,),
            (RERUN,),
            id="fired before the config was there",
        ),
        pytest.param(
            a_situation(CRON, now=at("2026-03-02T05:30:20")),
            "has not run yet: the cron fired at 06:30 CET (05:30 UTC), 20s ago, and its run is being opened",
            (
                "the watchdog looks for it at 06:31:30 CET (05:31:30 UTC), in 1m 10s, and starts it if it was lost",
            ),
            (),
            id="fired just now",
        ),
        pytest.param(
            a_situation(CRON, now=at("2026-03-02T05:40")),
            "has not run: the cron fired at 06:30 CET (05:30 UTC), 10m ago, and no run was opened",
            (
                "the watchdog looks for it in its next ticks:"
                " it starts what was lost within its window, or announces it",
            ),
            (RERUN,),
            id="fired, and nobody has looked for its run",
        ),
        pytest.param(
            a_situation(
                CRON,
                promises={PromiseKind.FIRE: settled(promised(PromiseKind.FIRE, a_key(), NOW, NOW), "missed")},
            ),
            "did not run: the cron fired at 06:30 CET (05:30 UTC), 3h ago, and that was missed",
            (NEXT_FIRE,),
            (RERUN,),
            id="missed",
        ),
        pytest.param(
            a_situation(BOTH),
            "waits to be opened: the cron fired at 06:30 UTC, 2h ago, and its trigger is not met:"
            " upstream-complete was never reported",
            (
                "the write that meets the trigger opens the run at once; then it waits for its rules, up to 1h",
            ),
            (),
            id="fired, and the trigger is wanted too",
        ),
        pytest.param(
            a_situation(BOTH, date="2026-03-03"),
            "has not run yet: the cron fires at 2026-03-03 06:30 UTC, in 22h; its trigger must be met too",
            (),
            (),
            id="the fire is wanted too",
        ),
        pytest.param(
            a_situation(readings={"upstream-complete": {"status": "late"}}),
            'waits for its trigger: upstream-complete.status is "late"',
            (
                "the write that meets the trigger opens the run at once; then it waits for its rules, up to 1h",
            ),
            (),
            id="the trigger is not met",
        ),
        pytest.param(
            a_situation(readings={"upstream-complete": {"status": "ready"}}),
            "has not run, although its trigger is met by now:"
            ' upstream-complete.status is "ready", wanted == "ready"',
            (
                "a write opens its run within seconds; should it have been lost,"
                " the watchdog's sweep finds it within the hour, while the date is the current one",
            ),
            (
                "write SENSOR#upstream-complete#2026-03-02:"
                " the write itself opens the run, of the date that it names",
                RERUN,
            ),
            id="the trigger is met",
        ),
        pytest.param(
            a_situation(date="2026-03-04"),
            "has not begun: its period begins at 2026-03-04 00:00 UTC, in 1d 15h",
            ("a write that meets the trigger opens it before",),
            (),
            id="the day has not begun",
        ),
        pytest.param(
            a_situation(CLOSES, date="2026-03-01", now=at("2026-03-02T09:10")),
            "did not run: the trigger deadline passed at 09:00 UTC, 10m ago, and nothing had opened its run by then",
            ("nothing starts by itself for this date any more",),
            ("run it by hand: interlock rerun gold-revenue 2026-03-01",),
            id="the door is closed",
        ),
        pytest.param(
            a_situation(
                a_pipeline(exclude=Exclude(weekends=True)), date="2026-03-01", now=at("2026-03-01T12:00")
            ),
            "has no run: 2026-03-01 is a Sunday, and weekends are excluded",
            ("the next date is 2026-03-02: it begins at 2026-03-02 00:00 UTC, in 12h",),
            ("requests are refused too: to run it, change schedule.exclude or schedule.include",),
            id="excluded",
        ),
        pytest.param(
            a_situation(BY_REQUEST),
            "has not run: there is neither cron nor trigger to start it, so only a request does",
            (),
            (RERUN,),
            id="nothing starts it",
        ),
        pytest.param(
            a_situation(
                a_pipeline(trigger=None, include=Include(dates=(date(2026, 3, 2),)), time=time(10, 0))
            ),
            "has not run: the date is included, but there is no trigger to start it, so only a request does",
            (),
            (RERUN,),
            id="included, and nothing starts it",
        ),
    ],
)
def test_a_date_without_a_run_has_its_reason(situation, headline, following, advice):
    told = explain(situation)

    assert told.state == "NO_RUN"
    assert (told.headline, told.following, told.advice) == (headline, following, advice)


def test_what_it_would_wait_for_is_left_out_where_nothing_can_come():
    excluded = a_pipeline(rules=[ROWS], exclude=Exclude(weekends=True))

    assert explain(a_situation(excluded, date="2026-03-01")).rules is None
    assert explain(a_situation(excluded)).rules is not None


# ---------------------------------------------------------------- open runs


def refused() -> Run:
    return a_run(refused_since=at("2026-03-02T08:20"), refusal="ConcurrentRunsExceededException")


def backing_off() -> Run:
    """Its first attempt failed at 08:29; the next one begins at 08:31."""
    run, outcome, failed_at = a_run("RUNNING"), Outcome(JobEnd.FAIL, "disk full"), at("2026-03-02T08:29")
    decision = decide_retry(run, outcome, WAITS_FOR_ROWS.job, failed_at)
    events = announcement.job_ended_badly(run, WAITS_FOR_ROWS, outcome, decision, failed_at, None)
    return a_run(attempt=2, retries=1, retry_at=at("2026-03-02T08:31"), events=tuple(events))


@pytest.mark.parametrize(
    ("situation", "headline", "following"),
    [
        pytest.param(
            a_situation(run=a_run(), readings={"row-count": {"count": 900}}, look_at=at("2026-03-02T08:35")),
            "waits: row-count.count is 900, must rise by 100 to 1000",
            (
                "a write of row-count is looked at within seconds: the run goes on the moment its rules hold",
                "it looks again by itself at 08:35 UTC, in 5m",
                "its window ends at 09:00 UTC, in 30m: if its rules do not hold then, it expires",
                "once expired, it is started by the next write that makes its rules hold",
            ),
            id="one rule",
        ),
        pytest.param(
            a_situation(
                a_pipeline(rules=[ROWS, UpstreamRule("silver")], trigger=a_trigger(deadline=Deadline(0, 9))),
                a_run(),
            ),
            "waits: 2 of 2 rules do not hold",
            (
                "a write of row-count or a success of silver is looked at within seconds:"
                " the run goes on the moment its rules hold",
                "its window ends at 09:00 UTC, in 30m: if its rules do not hold then, it expires",
                "once expired, it is started by the next write that makes its rules hold,"
                " until the trigger deadline at 2026-03-03 09:00 UTC",
            ),
            id="two rules, one on a pipeline",
        ),
        pytest.param(
            a_situation(
                a_pipeline(rules=[ROWS, AnyOf((ROWS, ROWS))]), a_run(), {"row-count": {"count": 1000}}
            ),
            "is about to start: its rules hold",
            ("its workflow is looking at them",),
            id="ready",
        ),
        pytest.param(
            a_situation(run=a_run(), now=at("2026-03-02T09:01"), look_at=at("2026-03-02T09:00")),
            "is about to expire: its window ended at 09:00 UTC, 1m ago,"
            " and row-count was never reported, SENSOR#row-count#2026-03-02 must be written with count >= 1000",
            ("it looks again by itself within a minute or two",),
            id="window over",
        ),
        pytest.param(
            a_situation(run=backing_off()),
            "waits to try again: attempt 2 begins at 08:31 UTC, in 1m",
            ("its rules are looked at then, until its window ends at 09:00 UTC",),
            id="back-off",
        ),
        pytest.param(
            a_situation(run=refused()),
            "waits for the glue service, which refuses to start its job",
            ("the start is tried again and again, for up to 30 minutes of refusals",),
            id="refused",
        ),
        pytest.param(
            a_situation(run=a_run(intent=an_intent(1, NOW))),
            "is being started: the glue service was called, and its answer is not known yet",
            ("the service is asked whether the job exists, and the run goes on from there",),
            id="the call's answer is unknown",
        ),
        pytest.param(
            a_situation(run=a_run("RUNNING"), look_at=at("2026-03-02T08:45")),
            "is running: its glue job has run for 20m",
            (
                "its end is known the moment that the service, the job or a callback reports it",
                "the service is asked at 08:45 UTC, in 15m",
                "jobPollWindowSeconds end at 12:10 UTC, in 3h 40m:"
                " then the job is cancelled, and the attempt has timed out",
            ),
            id="running",
        ),
        pytest.param(
            a_situation(run=a_run("RUNNING", outcome=Outcome(JobEnd.SUCCESS))),
            "is about to end: its glue job has succeeded",
            ("its workflow closes the attempt now",),
            id="its end is known",
        ),
        pytest.param(
            a_situation(a_pipeline(rules=[ROWS, ROWS], match=Match.ANY), a_run()),
            "waits: none of 2 rules holds, and one is enough",
            (
                "a write of row-count is looked at within seconds: the run goes on the moment its rules hold",
                "its window ends at 09:00 UTC, in 30m: if its rules do not hold then, it expires",
                "once expired, it is started by the next write that makes its rules hold",
            ),
            id="any rule",
        ),
    ],
)
def test_an_open_run_says_what_it_waits_for_and_what_happens_then(situation, headline, following):
    told = explain(situation)

    assert (told.headline, told.following) == (headline, following)


def test_a_run_that_backs_off_tells_the_failure_before():
    facts = {fact.name: fact.text for fact in explain(a_situation(run=backing_off())).facts}

    assert facts["attempt"] == "2, after 1 retry"
    assert facts["before"] == "attempt 1 failed: disk full"


def test_a_run_whose_workflow_may_never_have_begun_says_so():
    facts = {fact.name: fact.text for fact in explain(a_situation(run=a_run(confirmed=False))).facts}

    assert facts["workflow"] == "not known to have begun; its start is repeated until it has"


def test_a_refused_start_tells_the_refusal_and_since_when():
    facts = {fact.name: fact.text for fact in explain(a_situation(run=refused())).facts}

    assert facts["refusal"] == "ConcurrentRunsExceededException, since 08:20 UTC, 10m ago"


def test_a_running_job_is_named_with_what_is_left_of_its_budgets():
    facts = {fact.name: fact.text for fact in explain(a_situation(run=a_run("RUNNING", retries=1))).facts}

    assert facts == {
        "opened": "08:00 UTC, 30m ago, by trigger",
        "attempt": "1, after 1 retry",
        "started": "08:10 UTC, 20m ago",
        "job": "glue jr_1",
        "retries left": "1 of 2 maxRetries, 0 of 0 maxCodeRetries",
    }


def test_a_job_that_is_left_running_at_its_time_out_is_said_to_be():
    leaves = a_pipeline(job=Job(JobType.GLUE, on_timeout=OnTimeout.LEAVE))

    assert "the job is left running" in explain(a_situation(leaves, a_run("RUNNING"))).following[-1]


@pytest.mark.parametrize(
    ("job_type", "what"), [("lambda", "left running"), ("http", "left running"), ("airflow", "cancelled")]
)
def test_a_job_that_cannot_be_cancelled_is_not_said_to_be(job_type, what):
    told = explain(a_situation(a_pipeline(), a_run("RUNNING", job_type=job_type))).following[-1]

    assert f"then the job is {what}, and the attempt has timed out" in told


@pytest.mark.parametrize(
    ("job", "what"),
    [
        (Job(JobType.GLUE), "the service is asked whether the job exists"),
        (Job(JobType.HTTP), "if its answer is lost, nobody can be asked: the attempt fails then"),
        (Job(JobType.LAMBDA, idempotent=True), "if its answer is lost, the start is repeated"),
    ],
)
def test_of_a_start_whose_answer_is_not_known_it_says_who_can_be_asked(job, what):
    run = a_run(intent=an_intent(1, at("2026-03-02T08:20")))

    assert explain(a_situation(a_pipeline(job=job), run)).following[0].startswith(what)


def test_a_job_that_runs_is_explained_by_the_rules_as_they_held_at_its_start():
    held = a_situation(readings={"row-count": {"count": 1000}}).readiness.verdicts
    run = a_run("RUNNING", verdicts=held)

    told = explain(a_situation(run=run, readings={"row-count": {"count": 3}}))

    assert told.rules_read == "at the start, 08:10 UTC"
    assert [(rule.met, rule.reason) for rule in told.rules.members] == [
        (True, "row-count.count is 1000, wanted >= 1000")
    ]


# ---------------------------------------------------------------- ended runs


@pytest.mark.parametrize(
    ("situation", "headline", "following", "advice"),
    [
        pytest.param(
            a_situation(run=SUCCEEDED, baseline=baseline_of(SUCCEEDED)),
            "succeeded at 08:20 UTC, 10m ago; its job took 10m",
            (
                "a write that changes upstream-complete.status, row-count.count is late data,"
                " and starts it again (1 of 1 maxDriftReruns left)",
            ),
            (f"{RERUN} --force (1 of 1 maxManualReruns left)",),
            id="succeeded",
        ),
        pytest.param(
            a_situation(
                a_pipeline(rules=[ROWS], post_run=PostRun((a_rule(key="audit"),))),
                a_run("SUCCEEDED", attempt=2, drift_reruns=1, manual_reruns=1, **ENDED),
                baseline=baseline_of(SUCCEEDED),
            ),
            "succeeded at 08:20 UTC, 10m ago, at attempt 2; its job took 10m",
            (
                "a write that changes upstream-complete.status, row-count.count is late data,"
                " which is told and starts nothing (0 of 1 maxDriftReruns left)",
                "drift of audit is watched",
            ),
            ("a rerun would be refused: 1 of 1 maxManualReruns is used",),
            id="succeeded, its budgets used",
        ),
        pytest.param(
            a_situation(run=SUCCEEDED),
            "succeeded at 08:20 UTC, 10m ago; its job took 10m",
            ("late data cannot be told: what it read was not kept",),
            (f"{RERUN} --force (1 of 1 maxManualReruns left)",),
            id="succeeded, without a baseline",
        ),
        pytest.param(
            a_situation(
                run=a_run("FAILED", outcome=Outcome(JobEnd.FAIL, "disk full"), retries=2, **ENDED),
                readings={"row-count": {"count": 1000}},
            ),
            "failed at 08:20 UTC, 10m ago: its glue job failed",
            ("no more is tried by itself",),
            ("find the cause in the job's own log", f"{RERUN} (1 of 1 maxManualReruns left)"),
            id="failed",
        ),
        pytest.param(
            a_situation(run=a_run("FAILED", outcome=Outcome(JobEnd.TIMEOUT), **ENDED)),
            "failed at 08:20 UTC, 10m ago: its glue job timed out",
            (
                "no more is tried by itself",
                "a rerun would wait for its rules: row-count was never reported,"
                " SENSOR#row-count#2026-03-02 must be written with count >= 1000",
            ),
            ("find the cause in the job's own log", f"{RERUN} (1 of 1 maxManualReruns left)"),
            id="timed out, and a rerun would wait",
        ),
        pytest.param(
            a_situation(
                a_pipeline(),
                a_run("FAILED", outcome=UNKNOWN, **(ENDED | {"job_type": "http", "remote_id": None})),
            ),
            "failed at 08:20 UTC, 10m ago: nobody knows whether its http job was started, or how it ended",
            ("no more is tried by itself",),
            (
                "look at the target by the job's id or run id, and run it again only if its work is not done",
                f"{RERUN} (1 of 1 maxManualReruns left)",
            ),
            id="of unknown outcome",
        ),
        pytest.param(
            a_situation(a_pipeline(), a_run("FAILED", outcome=TIMED_OUT, events=LEFT, **ENDED)),
            "failed at 08:20 UTC, 10m ago: its glue job timed out",
            ("no more is tried by itself",),
            (
                "the job may still run, and a rerun would start another beside it: look at its service,"
                " stop it there if need be",
                f"{RERUN} (1 of 1 maxManualReruns left)",
            ),
            id="timed out, and its job may still run",
        ),
        pytest.param(
            a_situation(
                run=a_run("EXPIRED", updated_at=at("2026-03-02T09:00")),
                readings={"row-count": {"count": 900}},
                now=at("2026-03-02T09:30"),
            ),
            "expired at 09:00 UTC, 30m ago: row-count.count is 900, must rise by 100 to 1000",
            ("the next write at which its rules hold starts it at once, outside every budget",),
            (f"{RERUN} (1 of 1 maxManualReruns left)",),
            id="expired",
        ),
        pytest.param(
            a_situation(CLOSES, a_run("EXPIRED"), now=at("2026-03-03T09:30"), date="2026-03-02"),
            "expired at 2026-03-02 08:00 UTC, 1d 1h ago: row-count was never reported,"
            " SENSOR#row-count#2026-03-02 must be written with count >= 1000",
            ("nothing starts it by itself: the trigger deadline passed at 09:00 UTC, 30m ago",),
            (f"{RERUN} (1 of 1 maxManualReruns left)",),
            id="expired, and the door is closed",
        ),
        pytest.param(
            a_situation(
                run=a_run("EXPIRED"), readings={"row-count": {"count": 1000}}, now=at("2026-03-02T09:30")
            ),
            "expired at 08:00 UTC, 1h 30m ago: its rules did not hold in its window, and do now",
            ("the next write at which its rules hold starts it at once, outside every budget",),
            (f"{RERUN} (1 of 1 maxManualReruns left)",),
            id="expired, and ready by now",
        ),
        pytest.param(
            a_situation(
                run=a_run(
                    "EXPIRED",
                    events=(
                        announcement.infra_failure(
                            a_run(), None, "the run's workflow failed while it waited", "Boom", NOW
                        ),
                    ),
                ),
            ),
            "expired at 08:00 UTC, 30m ago: the run's workflow failed while it waited",
            ("the next write at which its rules hold starts it at once, outside every budget",),
            (f"{RERUN} (1 of 1 maxManualReruns left)",),
            id="its workflow broke",
        ),
        pytest.param(
            a_situation(run=a_run("CANCELLED")),
            "was cancelled at 08:00 UTC, 30m ago: its config was removed while it waited",
            (),
            (f"{RERUN} (1 of 1 maxManualReruns left)",),
            id="cancelled",
        ),
    ],
)
def test_a_run_that_ended_says_how_and_what_would_start_it_again(situation, headline, following, advice):
    told = explain(situation)

    assert (told.headline, told.following, told.advice) == (headline, following, advice)


def test_a_failure_tells_its_error_and_the_budget_it_counts_against():
    outcome = Outcome(JobEnd.FAIL, "EntityNotFound", FailureCategory.PERMANENT)

    facts = {
        fact.name: fact.text
        for fact in explain(a_situation(run=a_run("FAILED", outcome=outcome, **ENDED))).facts
    }

    assert facts["error"] == "EntityNotFound"
    assert facts["category"] == "PERMANENT, counted by maxCodeRetries"
    assert facts["retries left"] == "2 of 2 maxRetries, 0 of 0 maxCodeRetries"


def test_a_success_tells_what_the_job_reported():
    run = a_run("SUCCEEDED", outcome=Outcome(JobEnd.SUCCESS, report={"recordsProcessed": 1200}), **ENDED)

    facts = {fact.name: fact.text for fact in explain(a_situation(run=run)).facts}

    assert facts["reported"] == "recordsProcessed 1200"


def test_a_dry_run_says_that_nothing_was_started():
    observes = a_pipeline(rules=[ROWS], dry_run=True)

    told = explain(a_situation(observes, a_run("SUCCEEDED", dry_run=True, **ENDED)))

    assert told.headline == "only observes: its job would have started at 08:10 UTC, 20m ago"
    assert told.advice == ()
    assert told.notes == ("the pipeline only observes (dryRun): no job is ever started for it",)


@pytest.mark.parametrize("status", RunStatus)
@pytest.mark.parametrize("known", [{}, {"outcome": Outcome(JobEnd.FAIL)}, {"retry_at": NOW, "attempt": 9}])
def test_a_row_that_holds_the_least_that_it_may_is_explained_too(status, known):
    run = replace(a_run(), status=status, **known)

    told = explain(a_situation(run=run))

    assert told.state == status
    assert told.headline


# ---------------------------------------------------------------- notes


def test_a_config_whose_newest_file_was_refused_is_named():
    told = explain(a_situation(refused_file="gold.yaml", loaded_at=at("2026-03-01T10:00")))

    assert told.notes == (
        "gold.yaml was refused since (CONFIG_INVALID says why):"
        " the last good config is in force, that of 2026-03-01 10:00 UTC",
    )


def test_other_runs_are_named_where_there_is_none():
    others = (
        a_run("FAILED", key=a_key(date="2026-03-01")),
        a_run("SUCCEEDED", key=a_key(schedule_id="cron", date="2026-02-28")),
    )

    assert explain(a_situation(others=others)).notes == (
        "there are runs of 2026-03-01 (FAILED), 2026-02-28 (SUCCEEDED, --schedule cron)",
    )


def test_a_run_whose_date_was_excluded_meanwhile_says_so():
    excludes = a_pipeline(rules=[ROWS], exclude=Exclude(dates=(date(2026, 3, 2),)))

    told = explain(a_situation(excludes, a_run("EXPIRED"), now=NOW + timedelta(hours=2)))

    assert told.following == ("nothing starts it: 2026-03-02 is an excluded date",)
    assert told.advice == ("a rerun would be refused: 2026-03-02 is an excluded date",)
    assert told.notes == ("the date is excluded by now: 2026-03-02 is an excluded date",)
    assert told.deadlines == ()


@pytest.mark.parametrize(
    ("opened_by", "told"),
    [
        ("late-data", {"opened": "08:00 UTC, 30m ago", "run again": "by late-data"}),
        ("trigger", {"opened": "08:00 UTC, 30m ago, by trigger"}),
    ],
)
def test_who_had_a_run_start_again_is_not_who_opened_it(opened_by, told):
    run = a_run(opened_by=opened_by, execution_count=2)

    facts = {fact.name: fact.text for fact in explain(a_situation(run=run)).facts}

    assert {name: facts.get(name) for name in ("opened", "run again") if name in facts} == told

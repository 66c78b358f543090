"""The demo believes its story only if the witnesses tell it: each act as it should be, and each way in which it may not be."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from event_builder import an_event
from interlock.domain.event import EventType
from interlock.domain.readiness import RuleVerdict
from interlock.domain.run import RunKey, RunStatus, opened
from interlock.local.demo_checks import (
    Crash,
    Look,
    Refusal,
    data_was_late,
    expired,
    failed_and_retried,
    refused,
    started_promptly,
    survived_crash,
    went_unnoticed,
)
from interlock.local.demo_record import Record, Transition
from interlock.local.job_services import JobRun
from interlock.local.slack_endpoint import SlackMessage

OPENED = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LAST = OPENED.timestamp() + 10  # the last reading
E = EventType


def a_run(status=RunStatus.SUCCEEDED, attempt=1):
    run = opened(RunKey("nyc-departures", "stream", "2013-02-08"), "trigger", OPENED, timedelta(minutes=1))
    return replace(run, status=status, attempt=attempt, updated_at=OPENED + timedelta(seconds=13))


def a_job(number=1, state="SUCCEEDED", started=0.5, took=1.5):
    at = LAST + started
    return JobRun(f"jr_{number}", "nyc", {}, at, state, ended_at=at + took)


def a_thread(*texts):
    return [SlackMessage(f"1.{n}", "1.0" if n else None, text, (text,)) for n, text in enumerate(texts)]


def after(seconds):
    return OPENED + timedelta(seconds=seconds)


def broken(act):
    return [claim.said for claim in act.broken]


def one(broken_claims, part):
    return len(broken_claims) == 1 and part in broken_claims[0]


# Data is late.

COUNTS = [341, 930]
WAITED = Record(a_run(), [an_event(E.RUN_OPENED)], [a_job()])


def a_look(seen, status=RunStatus.WAITING, reason="too few", keys=("flights", "weather")):
    values = {"flights": seen, "weather": None}
    verdicts = (RuleVerdict(key, "", False, reason, values[key], 650, OPENED) for key in keys)
    return Look("flights came", status, tuple(verdicts))


LOOKS = [a_look(None), a_look(341), a_look(930)]


def test_late_data_is_believed_when_the_row_told_it():
    act = data_was_late(WAITED, LOOKS, COUNTS, LAST)

    assert (broken(act), act.measured) == ([], "waited 10.0 s")


@pytest.mark.parametrize(
    ("record", "looks", "claim"),
    [
        pytest.param(WAITED, [a_look(None), a_look(930)], "grow", id="a count that the row never told"),
        pytest.param(WAITED, [*LOOKS[:2], a_look(930, reason="")], "reason", id="a verdict without a reason"),
        pytest.param(WAITED, [*LOOKS[:2], a_look(930, keys=["flights"])], "reason", id="a rule unjudged"),
        pytest.param(WAITED, [*LOOKS[:2], a_look(930, RunStatus.RUNNING)], "waited", id="it ran already"),
        pytest.param(replace(WAITED, events=()), LOOKS, "RUN_OPENED", id="never opened"),
        pytest.param(
            replace(WAITED, events=[an_event(E.RUN_OPENED)] * 2), LOOKS, "RUN_OPENED", id="opened twice"
        ),
        pytest.param(replace(WAITED, jobs=[a_job(started=-1)]), LOOKS, "before the last", id="started early"),
    ],
)
def test_late_data_is_not_believed(record, looks, claim):
    assert one(broken(data_was_late(record, looks, COUNTS, LAST)), claim)


# The last reading.

STARTED = Record(a_run(), [an_event(E.VALIDATION_PASSED)], [a_job()])


def test_a_prompt_start_is_measured_from_the_write():
    act = started_promptly(STARTED, LAST)

    assert (broken(act), act.measured) == ([], "0.50 s from write to start")


@pytest.mark.parametrize(
    ("jobs", "late"),
    [
        pytest.param([a_job(started=2.0)], False, id="two seconds"),
        pytest.param([a_job(started=2.1)], True, id="a tenth over"),
        pytest.param([a_job(started=-0.1)], True, id="before the reading"),
        pytest.param([], True, id="never"),
    ],
)
def test_a_start_must_come_within_two_seconds(jobs, late):
    assert bool(broken(started_promptly(replace(STARTED, jobs=jobs), LAST))) is late


# The retry.

RETRIED = Record(
    a_run(attempt=3),
    [
        an_event(E.JOB_TRIGGERED),
        an_event(E.JOB_FAILED, message="attempt 1 failed: weather.csv breaks off"),
        an_event(E.JOB_RETRIED, attempt=2),
        an_event(E.JOB_TRIGGERED, attempt=2),
        an_event(E.JOB_COMPLETED, attempt=2, detail={"recordsProcessed": 930}),
        an_event(E.JOB_TRIGGERED, attempt=3),
        an_event(E.JOB_COMPLETED, attempt=3, detail={"recordsProcessed": 942}),
    ],
    [a_job(1, "FAILED"), a_job(2, started=6.5), a_job(3, started=20)],
    [a_thread("Job failed: nyc-departures", "Recovered, job completed", "Late data", "Recovered")],
)


def without(record, *types):
    return replace(record, events=[event for event in record.events if event.type not in types])


def with_event(record, *events):
    return replace(record, events=[*record.events, *events])


def judge_retry(record):
    return failed_and_retried(record, "breaks off", 4.0, 930)


def test_a_failure_and_its_retry_are_believed():
    act = judge_retry(RETRIED)

    assert (broken(act), act.measured) == ([], "4.50 s from failure to second start")


@pytest.mark.parametrize(
    ("record", "claim"),
    [
        pytest.param(
            with_event(RETRIED, an_event(E.JOB_TRIGGERED, attempt=2)), "JOB_TRIGGERED", id="told twice"
        ),
        pytest.param(without(RETRIED, E.JOB_RETRIED), "JOB_RETRIED", id="the retry untold"),
        pytest.param(replace(RETRIED, jobs=[*RETRIED.jobs, a_job(4)]), "starts", id="a fourth start"),
        pytest.param(
            replace(RETRIED, jobs=[a_job(1, "FAILED"), a_job(2, started=3), a_job(3)]),
            "back-off",
            id="too soon",
        ),
        pytest.param(replace(RETRIED, threads=RETRIED.threads * 2), "one thread", id="two threads"),
        pytest.param(replace(RETRIED, threads=[a_thread("Job failed")]), "one thread", id="no recovery told"),
        pytest.param(
            replace(RETRIED, threads=[a_thread("Recovered", "Job failed")]), "thread", id="wrong order"
        ),
    ],
)
def test_a_retry_is_not_believed(record, claim):
    assert one(broken(judge_retry(record)), claim)


@pytest.mark.parametrize(
    ("event", "claim"),
    [
        pytest.param(
            an_event(E.JOB_FAILED, message="attempt 1 failed: out of memory"), "breaks off", id="cause"
        ),
    ],
)
def test_a_retry_for_another_reason_is_not_believed(event, claim):
    assert one(broken(judge_retry(with_event(without(RETRIED, event.type), event))), claim)


def test_a_retry_with_another_result_is_not_believed():
    assert one(broken(failed_and_retried(RETRIED, "breaks off", 4.0, 931)), "931 records")


# The crash.

CRASH = Crash(1, LAST + 0.6, "jr_1")
SURVIVED = Record(
    a_run(),
    [an_event(E.JOB_TRIGGERED, detail={"jobId": "jr_1"}), an_event(E.JOB_COMPLETED)],
    [a_job()],
    [],
    [Transition("StartJob", after(10.4), 2), Transition("AwaitJob", after(12.1), 1)],
)


def test_a_crash_that_started_the_job_once_is_believed():
    act = survived_crash(SURVIVED, CRASH)

    assert (broken(act), act.measured) == ([], "starts at Glue: 1; found 1.50 s after the crash")


@pytest.mark.parametrize(
    ("record", "crash", "claim"),
    [
        pytest.param(SURVIVED, replace(CRASH, processes=0), "killed", id="nobody was killed"),
        pytest.param(
            SURVIVED, replace(CRASH, job_run="jr_9"), "very job", id="another job than the accepted one"
        ),
        pytest.param(replace(SURVIVED, jobs=[a_job(1), a_job(2)]), CRASH, "starts", id="started twice"),
        pytest.param(
            replace(SURVIVED, transitions=[Transition("StartJob", OPENED, 1)]),
            CRASH,
            "again",
            id="never retried",
        ),
        pytest.param(
            replace(SURVIVED, threads=[a_thread("Job failed")]), CRASH, "nothing", id="somebody was woken"
        ),
    ],
)
def test_a_crash_is_not_believed(record, crash, claim):
    assert one(broken(survived_crash(record, crash)), claim)


def test_a_crash_that_never_came_is_no_act():
    assert any("killed" in said for said in broken(survived_crash(SURVIVED, None)))


# The ordinary day.

ORDINARY = Record(a_run(), [an_event(E.JOB_COMPLETED)], [a_job()])


def test_an_ordinary_day_is_measured_at_both_ends():
    act = went_unnoticed(ORDINARY, LAST)

    assert (broken(act), act.measured) == ([], "0.50 s from write to start, 1.00 s from job end to SUCCEEDED")


def test_a_day_that_slack_heard_of_is_not_ordinary():
    loud = replace(ORDINARY, threads=[a_thread("Job failed")])

    assert one(broken(went_unnoticed(loud, LAST)), "Slack heard nothing")


# Expiry.

EXPIRED = Record(
    a_run(RunStatus.EXPIRED),
    [an_event(E.VALIDATION_EXHAUSTED, at=after(60.2), detail={"unmet": [{"rule": "arrivals.count >= 650"}]})],
    [],
    [a_thread("SLA at risk", "SLA breached", "Run expired: arrivals was never reported")],
)
judge_expiry = partial(expired, rule="arrivals.count >= 650", requests=4, starts=4)


def test_an_expiry_that_names_its_rule_is_believed():
    act = judge_expiry(EXPIRED)

    assert (broken(act), act.measured) == ([], "0.20 s after its minute")


def exhausted(at=61.0, rules=("arrivals.count >= 650",)):
    unmet = [{"rule": rule} for rule in rules]
    return replace(EXPIRED, events=[an_event(E.VALIDATION_EXHAUSTED, at=after(at), detail={"unmet": unmet})])


@pytest.mark.parametrize(
    ("record", "claim"),
    [
        pytest.param(exhausted(at=59), "not before", id="too early"),
        pytest.param(exhausted(rules=()), "named", id="no rule named"),
        pytest.param(
            exhausted(rules=("arrivals.count >= 650", "weather.hours >= 72")), "named", id="a rule too many"
        ),
        pytest.param(replace(EXPIRED, run=a_run(RunStatus.WAITING)), "EXPIRED", id="the row still waits"),
        pytest.param(with_event(EXPIRED, an_event(E.JOB_TRIGGERED)), "JOB_TRIGGERED", id="a job started"),
        pytest.param(
            replace(EXPIRED, threads=[a_thread("SLA at risk", "SLA breached", "Run expired")]),
            "thread",
            id="the rule untold in Slack",
        ),
        pytest.param(replace(EXPIRED, threads=()), "thread", id="Slack silent"),
    ],
)
def test_an_expiry_is_not_believed(record, claim):
    assert one(broken(judge_expiry(record)), claim)


def test_a_request_to_glue_that_made_no_start_is_noticed():
    assert one(broken(judge_expiry(EXPIRED, requests=5)), "asked for no start")


# The malformed config.

MISTAKES = ["nyc.yaml:9: schedule.timezone: is not one; did you mean America/New_York?"]
REFUSED = Refusal(
    file="nyc.yaml",
    mistakes=[("schedule.timezone", "America/New_York")],
    seconds=0.5,
    events=[an_event(E.CONFIG_INVALID, at=after(3), detail={"mistakes": MISTAKES})],
    threads=[a_thread("Config refused: nyc")],
    stored_as_before=True,
    after={"nyc": [after(1), after(9)], "other": [after(4)]},
)


def test_a_refusal_with_file_line_path_and_suggestion_is_believed():
    act = refused(REFUSED)

    assert (broken(act), act.measured) == ([], "0.50 s from upload to refusal")


def saying(mistake):
    return replace(REFUSED, events=[an_event(E.CONFIG_INVALID, at=after(3), detail={"mistakes": [mistake]})])


@pytest.mark.parametrize(
    ("refusal", "claim"),
    [
        pytest.param(saying("nyc.yaml: schedule.timezone: try America/New_York"), "named", id="no line"),
        pytest.param(saying("nyc.yaml:9: schedule: try America/New_York"), "named", id="another path"),
        pytest.param(
            saying("other.yaml:9: schedule.timezone: try America/New_York"), "named", id="another file"
        ),
        pytest.param(saying("nyc.yaml:9: schedule.timezone: is wrong"), "named", id="no suggestion"),
        pytest.param(replace(REFUSED, events=REFUSED.events * 2), "once", id="told twice"),
        pytest.param(replace(REFUSED, stored_as_before=False), "last good", id="the good config replaced"),
        pytest.param(replace(REFUSED, after={"nyc": [after(1)]}), "ran on", id="nothing happened afterwards"),
        pytest.param(replace(REFUSED, threads=[]), "thread", id="Slack silent"),
    ],
)
def test_a_refusal_is_not_believed(refusal, claim):
    assert one(broken(refused(refusal)), claim)


def test_a_config_that_was_never_refused_is_no_act():
    assert refused(replace(REFUSED, events=[])).measured == "never refused"
    assert broken(refused(replace(REFUSED, events=[])))

"""The demo believes that Interlock kept watching only if the witnesses tell it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from event_builder import an_event
from interlock.domain.event import EventType
from interlock.domain.run import RunKey, RunStatus, opened
from interlock.local.demo_record import Record
from interlock.local.demo_watch_checks import breached_on_time, healed, reran_for_late_data
from interlock.local.job_services import JobRun

OPENED = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LATE_AT = OPENED.timestamp() + 60
E = EventType


def a_run(attempt=1, status=RunStatus.SUCCEEDED):
    run = opened(RunKey("nyc", "stream", "2013-02-08"), "trigger", OPENED, timedelta(minutes=1))
    return replace(run, status=status, attempt=attempt)


def a_job(number, at):
    return JobRun(f"jr_{number}", "nyc", {}, at, "SUCCEEDED", ended_at=at + 1)


def after(seconds):
    return OPENED + timedelta(seconds=seconds)


def broken(act):
    return [claim.said for claim in act.broken]


def one(broken_claims, part):
    return len(broken_claims) == 1 and part in broken_claims[0]


def without(record, *types):
    return replace(record, events=[event for event in record.events if event.type not in types])


# Late data.

RERAN = Record(
    a_run(3),
    [
        an_event(E.JOB_COMPLETED, attempt=2, detail={"recordsProcessed": 918}),
        an_event(E.LATE_DATA_ARRIVAL, message="flights.count is 930, was 918"),
        an_event(E.RERUN_ACCEPTED, attempt=3),
        an_event(E.JOB_COMPLETED, attempt=3, detail={"recordsProcessed": 930}),
    ],
    [a_job(1, LATE_AT - 30), a_job(2, LATE_AT - 20), a_job(3, LATE_AT + 0.5)],
)


def judge_rerun(record, records=(918, 930)):
    return reran_for_late_data(record, LATE_AT, records)


def test_a_rerun_for_late_data_is_believed():
    act = judge_rerun(RERAN)

    assert (broken(act), act.measured) == ([], "0.50 s from write to the rerun's start")


@pytest.mark.parametrize(
    ("record", "claim"),
    [
        pytest.param(without(RERAN, E.LATE_DATA_ARRIVAL), "late data was told", id="untold"),
        pytest.param(
            replace(RERAN, events=[*RERAN.events, RERAN.events[1]]), "late data was told", id="twice"
        ),
        pytest.param(without(RERAN, E.RERUN_ACCEPTED), "RERUN_ACCEPTED", id="not accepted"),
        pytest.param(
            replace(RERAN, jobs=[*RERAN.jobs[:2], a_job(3, LATE_AT + 9)]), "within", id="late start"
        ),
        pytest.param(
            replace(RERAN, jobs=[*RERAN.jobs[:2], a_job(3, LATE_AT - 1)]), "within", id="before it came"
        ),
        pytest.param(replace(RERAN, jobs=RERAN.jobs[:2]), "within", id="never started"),
        pytest.param(replace(RERAN, run=a_run(2)), "attempt 3", id="the row knows of no rerun"),
    ],
)
def test_a_rerun_is_not_believed(record, claim):
    assert one(broken(judge_rerun(record)), claim)


def test_a_rerun_that_processed_the_same_is_not_believed():
    assert one(broken(judge_rerun(RERAN, (918, 931))), "931 records")


# The SLA.

BREACHED = Record(
    a_run(status=RunStatus.WAITING),
    [
        an_event(E.RELATIVE_SLA_WARNING, at=after(30.4)),
        an_event(E.RELATIVE_SLA_BREACH, at=after(40.2), message="breached: arrivals was never reported"),
    ],
)


def judge_sla(record, explanation=("arrivals was never reported",)):
    return breached_on_time(record, OPENED.timestamp(), 30, 40, explanation, "arrivals")


def test_a_breach_on_time_is_believed():
    act = judge_sla(BREACHED)

    assert (broken(act), act.measured) == ([], "breach told 40.2 s after the first reading")


def told_at(event_type, seconds):
    event = an_event(event_type, at=after(seconds), message="arrivals")
    return replace(without(BREACHED, event_type), events=[*without(BREACHED, event_type).events, event])


@pytest.mark.parametrize(
    ("record", "claim"),
    [
        pytest.param(without(BREACHED, E.RELATIVE_SLA_WARNING), "the warning", id="no warning"),
        pytest.param(told_at(E.RELATIVE_SLA_WARNING, 36), "the warning", id="a late warning"),
        pytest.param(told_at(E.RELATIVE_SLA_BREACH, 46), "the breach was told", id="a late breach"),
        pytest.param(told_at(E.RELATIVE_SLA_BREACH, 38.5), "the breach was told", id="an early breach"),
        pytest.param(
            replace(BREACHED, events=[BREACHED.events[0], an_event(E.RELATIVE_SLA_BREACH, at=after(40))]),
            "is missing",
            id="a breach that says nothing",
        ),
    ],
)
def test_a_breach_is_not_believed(record, claim):
    assert one(broken(judge_sla(record)), claim)


def test_an_explanation_that_explains_nothing_is_noticed():
    assert one(broken(judge_sla(BREACHED, ["it waits"])), "explain")


# The schedule that is gone.

HEALED = Record(
    a_run(), [an_event(E.RUN_OPENED), an_event(E.TRIGGER_RECOVERED)], [a_job(1, OPENED.timestamp() + 120)]
)


def test_a_recovery_is_believed():
    act = healed(HEALED, OPENED)

    assert (broken(act), act.measured) == ([], "started 120 s after its minute")


@pytest.mark.parametrize(
    ("record", "claim"),
    [
        pytest.param(without(HEALED, E.TRIGGER_RECOVERED), "recovery", id="untold"),
        pytest.param(replace(HEALED, events=[*HEALED.events, HEALED.events[1]]), "recovery", id="told twice"),
        pytest.param(replace(HEALED, jobs=[*HEALED.jobs, *HEALED.jobs]), "starts", id="started twice"),
        pytest.param(replace(HEALED, jobs=[a_job(1, OPENED.timestamp() - 1)]), "not before", id="too early"),
        pytest.param(replace(HEALED, run=a_run(status=RunStatus.RUNNING)), "SUCCEEDED", id="never ended"),
    ],
)
def test_a_recovery_is_not_believed(record, claim):
    assert one(broken(healed(record, OPENED)), claim)

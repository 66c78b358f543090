"""The verdict over an SLA, at its boundaries; and which reading begins a relative clock."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from builders import a_key, a_pipeline, a_reading, a_rule, a_run, a_trigger, at
from interlock.domain.pipeline import Deadline, Pipeline, Sla
from interlock.domain.promise import Promise, PromiseKind, promised
from interlock.domain.run import Run
from interlock.domain.sla import (
    SlaTimes,
    SlaVerdict,
    absolute_times,
    clock_date,
    relative_times,
    sla_verdict,
)

DEADLINE, WARNING = at("2026-03-02T10:00"), at("2026-03-02T09:30")
TIMES = SlaTimes(DEADLINE, WARNING)
MS = timedelta(milliseconds=1)


def absolute(**changes: Any) -> Promise:
    return promised(PromiseKind.SLA, a_key(), WARNING, at("2026-03-01T00:00"), **changes)


def relative(since: str = "2026-03-02T08:00", **changes: Any) -> Promise:
    return promised(PromiseKind.RELATIVE_SLA, a_key(), WARNING, at(since), since=at(since), **changes)


def done(first: str, last: str | None = None, status: str = "SUCCEEDED") -> Run:
    return a_run(status, first_succeeded_at=at(first), succeeded_at=at(last or first))


@pytest.mark.parametrize(
    ("now", "warned", "verdict"),
    [
        pytest.param(WARNING - MS, False, SlaVerdict.OPEN, id="a moment before the warning"),
        pytest.param(WARNING, False, SlaVerdict.AT_RISK, id="at the warning"),
        pytest.param(WARNING, True, SlaVerdict.OPEN, id="warned already"),
        pytest.param(DEADLINE - MS, False, SlaVerdict.AT_RISK, id="a moment before the deadline, late"),
        pytest.param(DEADLINE - MS, True, SlaVerdict.OPEN, id="a moment before the deadline"),
        pytest.param(DEADLINE, True, SlaVerdict.BREACHED, id="at the deadline"),
        pytest.param(DEADLINE, False, SlaVerdict.BREACHED, id="both passed at once: only the breach"),
    ],
)
@pytest.mark.parametrize("status", [None, "WAITING", "RUNNING", "FAILED", "EXPIRED", "CANCELLED"])
def test_a_run_that_is_not_done_is_warned_of_then_breaches(
    now: Any, warned: bool, verdict: SlaVerdict, status: str | None
) -> None:
    run = a_run(status) if status else None

    assert sla_verdict(absolute(warned=warned), TIMES, run, now) is verdict


@pytest.mark.parametrize(
    ("run", "verdict"),
    [
        pytest.param(done("2026-03-02T09:59"), SlaVerdict.MET, id="in time"),
        pytest.param(done("2026-03-02T10:00"), SlaVerdict.MET, id="at the deadline itself"),
        pytest.param(done("2026-03-02T10:01"), SlaVerdict.BREACHED, id="a late finish stays breached"),
        pytest.param(
            done("2026-03-02T09:00", "2026-03-02T11:00"), SlaVerdict.MET, id="a late rerun changes nothing"
        ),
        pytest.param(
            done("2026-03-02T09:00", status="FAILED"), SlaVerdict.MET, id="nor does a rerun that failed"
        ),
    ],
)
def test_an_absolute_sla_is_judged_by_the_first_success(run: Run, verdict: SlaVerdict) -> None:
    assert sla_verdict(absolute(), TIMES, run, at("2026-03-02T12:00")) is verdict


def test_a_success_is_met_before_anything_falls_due() -> None:
    assert sla_verdict(absolute(), TIMES, done("2026-03-02T08:00"), at("2026-03-02T08:00")) is SlaVerdict.MET


@pytest.mark.parametrize(
    ("run", "verdict"),
    [
        pytest.param(done("2026-03-02T09:00"), SlaVerdict.MET, id="succeeded since"),
        pytest.param(done("2026-03-02T07:00"), SlaVerdict.OPEN, id="only the success before the rerun"),
        pytest.param(
            done("2026-03-02T07:00", "2026-03-02T09:00"), SlaVerdict.MET, id="the rerun succeeded, too"
        ),
        pytest.param(done("2026-03-02T08:00"), SlaVerdict.MET, id="done in no time"),
        pytest.param(
            done("2026-03-02T08:00", status="RUNNING"),
            SlaVerdict.OPEN,
            id="the success that brought about this very rerun",
        ),
    ],
)
def test_a_relative_sla_is_judged_by_the_success_since_its_clock_began(run: Run, verdict: SlaVerdict) -> None:
    assert sla_verdict(relative(), TIMES, run, at("2026-03-02T09:10")) is verdict


@pytest.mark.parametrize(
    ("sla", "deadline", "warning"),
    [
        pytest.param(Sla(max_duration=timedelta(hours=2)), "10:00", "09:30", id="at 75 %"),
        pytest.param(
            Sla(max_duration=timedelta(hours=2), expected_duration=timedelta(minutes=10)),
            "10:00",
            "09:50",
            id="by its expected duration",
        ),
    ],
)
def test_a_relative_sla_counts_from_its_clocks_beginning(sla: Sla, deadline: str, warning: str) -> None:
    times = relative_times(a_pipeline(sla=sla), at("2026-03-02T08:00"))

    assert times == SlaTimes(at(f"2026-03-02T{deadline}"), at(f"2026-03-02T{warning}"))


def test_an_absolute_sla_without_expected_duration_is_not_warned_of() -> None:
    times = absolute_times(a_pipeline(sla=Sla(deadline=Deadline(0, 10))), "2026-03-01")

    assert times == SlaTimes(DEADLINE)
    assert times.next_look(warned=False) == DEADLINE


@pytest.mark.parametrize(
    ("sla", "dry_run"),
    [
        pytest.param(None, False, id="no SLA"),
        pytest.param(Sla(timezone="UTC"), False, id="an SLA that says nothing"),
        pytest.param(Sla(Deadline(0, 10), max_duration=timedelta(hours=1)), True, id="a dry run"),
    ],
)
def test_nothing_is_promised(sla: Sla | None, dry_run: bool) -> None:
    pipeline = a_pipeline(sla=sla, dry_run=dry_run)

    assert absolute_times(pipeline, "2026-03-01") is None
    assert relative_times(pipeline, DEADLINE) is None


ROWS = [a_rule()]
DAILY = a_pipeline(rules=ROWS)
HOURLY = a_pipeline(rules=ROWS, sla=Sla(deadline=Deadline(30)))
MONDAYS = a_pipeline(rules=ROWS, cron="0 6 * * 1", trigger=a_trigger())
TRIGGER, RULE = "upstream-complete", "row-count"


@pytest.mark.parametrize(
    ("pipeline", "key", "period", "date"),
    [
        pytest.param(DAILY, RULE, None, "2026-03-03", id="no date: that of the write"),
        pytest.param(DAILY, RULE, "2026-03-01", "2026-03-01", id="its own date"),
        pytest.param(DAILY, TRIGGER, "2026-03-01T05", "2026-03-01T05", id="the trigger's hour"),
        pytest.param(
            DAILY, RULE, "2026-03-01T05", "2026-03-01T05", id="an hour where the trigger may say it"
        ),
        pytest.param(HOURLY, RULE, None, "2026-03-03T09", id="no date: the hour of the write"),
        pytest.param(HOURLY, RULE, "2026-03-01T05", "2026-03-01T05", id="its own hour"),
        pytest.param(HOURLY, RULE, "2026-03-01", None, id="a day of an hourly pipeline is no single run"),
        pytest.param(MONDAYS, RULE, "2026-03-02", "2026-03-02", id="a date of the cron"),
        pytest.param(MONDAYS, RULE, "2026-03-03", None, id="a date at which the cron never fires"),
        pytest.param(MONDAYS, RULE, None, None, id="today, at which the cron never fires"),
        pytest.param(MONDAYS, TRIGGER, "2026-03-03", "2026-03-03", id="unless the trigger may open it"),
        pytest.param(MONDAYS, RULE, "2026-03-02T05", None, id="an hour that the day's run does not see"),
        pytest.param(
            a_pipeline(rules=ROWS, cron="0 * * * *", trigger=a_trigger()),
            TRIGGER,
            "2026-03-02",
            None,
            id="a day of an hourly cron is no single run",
        ),
    ],
)
def test_which_dates_clock_a_reading_begins(
    pipeline: Pipeline, key: str, period: str | None, date: str | None
) -> None:
    reading = a_reading(key=key, period=period)

    assert clock_date(reading, pipeline, at("2026-03-03T09:10")) == date

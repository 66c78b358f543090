"""What the rows of the runs that a rule waits for say: whether it holds, and a sentence that names who is missing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from builders import a_pipeline, at
from interlock.domain.pipeline import UpstreamDate, UpstreamRule
from interlock.domain.run import RunKey, RunStatus
from interlock.domain.upstream import UpstreamOutcome
from interlock.domain.upstream_outcome import RunSeen, outcome_of
from interlock.domain.upstream_runs import Declared, awaited_runs

SAME, WINDOW = UpstreamRule("silver", UpstreamDate.SAME), UpstreamRule("silver", UpstreamDate.WINDOW)
OWN = Declared(a_pipeline(cron="0 6 * * *"))
HOURS = Declared(a_pipeline(id="silver", cron="0 * * * *"))
NOW = at("2026-03-02T12:00")


def row(status: RunStatus | None, minutes: int = 0) -> RunSeen:
    return RunSeen(status, NOW + timedelta(minutes=minutes))


def outcome(
    rule: UpstreamRule, seen: Mapping[RunKey, RunSeen], run_date: str = "2026-03-02", *, known: bool = True
) -> UpstreamOutcome:
    return outcome_of(rule, run_date, awaited_runs(rule, OWN, run_date, HOURS), seen, known=known)


@pytest.mark.parametrize("status", list(RunStatus))
def test_only_a_run_that_is_succeeded_now_holds(status: RunStatus):
    told = outcome(SAME, {RunKey("silver", "cron", "2026-03-02"): row(status)})

    assert told.holds is (status is RunStatus.SUCCEEDED)
    assert (told.reason, told.seen, told.wanted) == (f"silver 2026-03-02 is {status}", status, "SUCCEEDED")


@pytest.mark.parametrize(
    ("known", "reason"), [(True, "silver 2026-03-02 has not run"), (False, "there is no pipeline silver")]
)
def test_a_run_that_is_not_there_does_not_hold(known: bool, reason: str):
    assert outcome(SAME, {}, known=known) == UpstreamOutcome(False, reason)


def test_a_run_that_was_only_observed_does_not_hold():
    observed = RunSeen(RunStatus.SUCCEEDED, NOW, dry_run=True)

    told = outcome(SAME, {RunKey("silver", "cron", "2026-03-02"): observed})

    assert told == UpstreamOutcome(False, "silver 2026-03-02 is a dry run, which starts nothing")


@pytest.mark.parametrize("status", [RunStatus.WAITING, RunStatus.SUCCEEDED])
def test_to_a_dry_run_one_that_was_only_observed_stands_as_it_is(status: RunStatus):
    observed = {RunKey("silver", "cron", "2026-03-02"): RunSeen(status, NOW, dry_run=True)}

    told = outcome_of(
        SAME, "2026-03-02", awaited_runs(SAME, OWN, "2026-03-02", None), observed, known=True, dry_run=True
    )

    assert told.holds is (status is RunStatus.SUCCEEDED)
    assert (told.reason, told.seen) == (f"silver 2026-03-02 is {status} as a dry run", status)


def test_a_row_that_somebody_wrote_over_does_not_hold():
    told = outcome(SAME, {RunKey("silver", "cron", "2026-03-02"): row(None)})

    assert (told.holds, told.reason) == (False, "silver 2026-03-02 is unreadable")


@pytest.mark.parametrize(("newer", "holds"), [("cron", False), ("stream", True)])
def test_of_two_schedules_the_row_that_moved_last_speaks(newer: str, holds: bool):
    seen = {
        RunKey("silver", "cron", "2026-03-02"): row(RunStatus.WAITING, minutes=newer == "cron"),
        RunKey("silver", "stream", "2026-03-02"): row(RunStatus.SUCCEEDED, minutes=newer == "stream"),
    }

    assert outcome(SAME, seen).holds is holds


def test_the_run_of_its_own_hour_speaks_before_that_of_the_day():
    seen = {
        RunKey("silver", "stream", "2026-03-02T10"): row(RunStatus.FAILED),
        RunKey("silver", "stream", "2026-03-02"): row(RunStatus.SUCCEEDED, minutes=5),
    }

    assert outcome(SAME, seen, "2026-03-02T10").reason == "silver 2026-03-02T10 is FAILED"
    assert outcome(SAME, seen, "2026-03-02T11").reason == "silver 2026-03-02 is SUCCEEDED"


def hours(*missing: int) -> dict[RunKey, RunSeen]:
    return {
        RunKey("silver", "cron", f"2026-03-02T{hour:02}"): row(RunStatus.SUCCEEDED)
        for hour in range(24)
        if hour not in missing
    }


def test_a_window_holds_when_every_run_in_it_has_succeeded():
    told = outcome(WINDOW, hours())

    assert told == UpstreamOutcome(True, "24 of 24 runs of silver within 2026-03-02 succeeded", 24, 24)


def test_a_window_names_the_runs_that_are_missing_and_how_they_stand():
    seen = hours(5, 6, 7) | {RunKey("silver", "cron", "2026-03-02T06"): row(RunStatus.RUNNING)}

    told = outcome(WINDOW, seen)

    assert (told.holds, told.seen, told.wanted) == (False, 21, 24)
    assert told.reason == (
        "21 of 24 runs of silver within 2026-03-02 succeeded; "
        "missing T05 (has not run), T06 (RUNNING), T07 (has not run)"
    )


def test_a_window_that_misses_many_names_the_first_and_counts_the_others():
    told = outcome(WINDOW, hours(*range(4, 24)))

    assert told.reason.endswith("T11 (has not run) and 12 more")
    assert len(told.reason) < 300


def test_a_window_in_which_nothing_runs_has_nothing_to_wait_for():
    monthly = Declared(a_pipeline(id="silver", cron="0 6 1 * *"))
    awaited = awaited_runs(WINDOW, OWN, "2026-03-02", monthly)

    told = outcome_of(WINDOW, "2026-03-02", awaited, {}, known=True)

    assert told == UpstreamOutcome(True, "silver has no period within 2026-03-02 to wait for", 0, 0)

"""What an SLA's alert says: by when, how the run stands, and what is missing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from builders import a_key, a_pipeline, a_run, at
from interlock.domain.pipeline import Deadline, Sla
from interlock.domain.promise import Promise, PromiseKind, promised
from interlock.domain.readiness import RuleVerdict
from interlock.domain.run import FailureCategory, JobEnd, Outcome, Run
from interlock.domain.sla import SlaTimes
from interlock.domain.sla_wording import sla_breached, sla_met, sla_warning_given

DEADLINE = at("2026-03-02T10:00")
TIMES = SlaTimes(DEADLINE, at("2026-03-02T09:30"))
ABSOLUTE = promised(PromiseKind.SLA, a_key(), DEADLINE, at("2026-03-01T00:00"))
BEGAN = at("2026-03-02T08:00")
RELATIVE = promised(PromiseKind.RELATIVE_SLA, a_key(), DEADLINE, BEGAN, since=BEGAN)
PIPELINE = a_pipeline(sla=Sla(Deadline(0, 10), max_duration=timedelta(hours=2)))
FEW_ROWS = RuleVerdict(
    "row-count", "row-count.count >= 1000", False, "row-count.count is 900, wanted >= 1000", 900, 1000, None
)
DISK_FULL = Outcome(JobEnd.FAIL, "disk full", FailureCategory.PERMANENT)


@pytest.mark.parametrize(
    ("run", "unmet", "said"),
    [
        pytest.param(None, (), "no run was opened", id="no run"),
        pytest.param(None, (FEW_ROWS,), "no run was opened: row-count.count is 900", id="no run, and why"),
        pytest.param(
            a_run(pools=("warehouse",)),
            (),
            "its rules hold, and the run waits for a slot of warehouse",
            id="it waits for a slot",
        ),
        pytest.param(a_run(), (FEW_ROWS,), "the run waits: row-count.count is 900", id="it waits"),
        pytest.param(
            a_run(attempt=2, retry_at=at("2026-03-02T10:25")),
            (),
            "attempt 2 begins at 10:25 UTC",
            id="it waits for its retry",
        ),
        pytest.param(
            a_run(refused_since=at("2026-03-02T09:50"), refusal="throttled"),
            (),
            "its job service refuses the start since 09:50 UTC: throttled",
            id="it is refused",
        ),
        pytest.param(a_run("RUNNING"), (), "its job runs since 08:10 UTC (attempt 1)", id="it runs"),
        pytest.param(
            a_run("EXPIRED"),
            (FEW_ROWS,),
            "its window closed at 09:00 UTC: row-count.count is 900",
            id="expired",
        ),
        pytest.param(
            a_run("FAILED", outcome=DISK_FULL, updated_at=at("2026-03-02T09:10")),
            (),
            "the run failed at 09:10 UTC: disk full",
            id="it failed",
        ),
        pytest.param(a_run("CANCELLED"), (), "the run was cancelled at 08:00 UTC", id="it was cancelled"),
        pytest.param(
            a_run("SUCCEEDED", first_succeeded_at=at("2026-03-02T10:12")),
            (),
            "the run was done at 10:12 UTC, 12m too late",
            id="it was too late",
        ),
    ],
)
def test_a_breach_says_how_the_run_stands(run: Run | None, unmet: Any, said: str) -> None:
    told = sla_breached(ABSOLUTE, TIMES, run, unmet, PIPELINE, DEADLINE + timedelta(minutes=20))

    assert told.message.startswith(f"the SLA is breached: not done by 10:00 UTC; {said}")


@pytest.mark.parametrize(
    ("promise", "named", "kind"),
    [(ABSOLUTE, "the SLA is at risk", "absolute"), (RELATIVE, "the SLA of 2h is at risk", "relative")],
)
def test_a_warning_says_how_much_time_is_left(promise: Promise, named: str, kind: str) -> None:
    told = sla_warning_given(promise, TIMES, a_run("RUNNING"), (), PIPELINE, at("2026-03-02T09:40"))

    assert told.message.startswith(f"{named}, 20m left until 10:00 UTC; ")
    assert told.detail["kind"] == kind
    assert told.detail["deadlineAt"] == "2026-03-02T10:00:00Z"


def test_a_critical_sla_is_called_so() -> None:
    pipeline = a_pipeline(sla=Sla(Deadline(0, 10), critical=True))

    told = sla_breached(ABSOLUTE, TIMES, None, (), pipeline, DEADLINE)

    assert told.message.startswith("the critical SLA is breached")
    assert told.detail["critical"] is True


def test_a_deadline_is_told_by_the_configs_own_clock_too() -> None:
    pipeline = a_pipeline(sla=Sla(Deadline(0, 11), timezone="Europe/Berlin"), timezone="America/New_York")

    told = sla_breached(ABSOLUTE, TIMES, None, (), pipeline, DEADLINE)

    assert "not done by 10:00 UTC (11:00 Europe/Berlin)" in told.message


@pytest.mark.parametrize(
    ("run", "late_by"),
    [
        pytest.param(None, 90, id="not done yet: until now"),
        pytest.param(
            a_run("SUCCEEDED", first_succeeded_at=at("2026-03-02T10:01")), 60, id="until it was done"
        ),
    ],
)
def test_a_breach_says_by_how_much(run: Run | None, late_by: int) -> None:
    told = sla_breached(ABSOLUTE, TIMES, run, (), PIPELINE, DEADLINE + timedelta(seconds=90))

    assert told.detail["lateBySeconds"] == late_by


def test_a_met_sla_says_when_the_run_was_done() -> None:
    run = a_run("SUCCEEDED", succeeded_at=at("2026-03-02T09:15"))

    told = sla_met(RELATIVE, TIMES, run, PIPELINE, at("2026-03-02T09:15"))

    assert told.message == "done at 09:15 UTC, 45m before 10:00 UTC"
    assert (told.detail["succeededAt"], told.detail["clockBeganAt"]) == (
        "2026-03-02T09:15:00Z",
        "2026-03-02T08:00:00Z",
    )

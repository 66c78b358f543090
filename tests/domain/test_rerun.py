"""May a partition be run again? The run as it stands, the budget, and what its sensors say by now."""

from datetime import timedelta

import pytest

from builders import OPENED_AT, a_reading, a_rule, a_run, at
from interlock.domain.pipeline import Job, JobType, Validation
from interlock.domain.readiness import evaluate_readiness
from interlock.domain.rerun import decide_rerun
from interlock.domain.run import RunStatus
from interlock.domain.sensor import Unseen
from interlock.domain.upstream_outcome import RunSeen

SUCCEEDED_AT = OPENED_AT + timedelta(hours=2)
RULES = Validation(rules=(a_rule(), a_rule("exists", field=None, key="marker")))
UNCHANGED = {"row-count": a_reading(), "marker": Unseen("marker", "marker was never reported")}
READ_AT_ITS_START = {"row-count": {"count": 1000}}


def a_success(**changes):
    return a_run("SUCCEEDED", **{"updated_at": SUCCEEDED_AT, "seen": READ_AT_ITS_START, **changes})


def decision(run, readings=UNCHANGED, *, excluded=None, force=False, **job):
    readiness = evaluate_readiness(RULES, readings, SUCCEEDED_AT + timedelta(hours=1))
    return decide_rerun(run, Job(JobType.GLUE, **job), excluded, readings, readiness, force=force)


def test_a_partition_that_never_ran_may_be_run_by_hand_and_uses_no_budget():
    assert decision(None, max_manual_reruns=0).accepted


@pytest.mark.parametrize("status", ["FAILED", "EXPIRED", "CANCELLED"])
def test_a_run_that_did_not_succeed_may_be_run_again_though_nothing_changed(status):
    assert decision(a_run(status, seen=READ_AT_ITS_START)).accepted


@pytest.mark.parametrize("status", ["WAITING", "RUNNING"])
@pytest.mark.parametrize("force", [False, True])
def test_no_rerun_begins_beside_an_open_run(status, force):
    decided = decision(a_run(status), force=force)

    assert (decided.accepted, decided.reason) == (False, f"a run of this partition is {status}")


@pytest.mark.parametrize("run", [None, a_success(), a_run("FAILED")])
@pytest.mark.parametrize("force", [False, True])
def test_an_excluded_date_is_never_run(run, force):
    decided = decision(run, excluded="2026-03-02 is an excluded date", force=force)

    assert (decided.accepted, decided.reason) == (False, "2026-03-02 is an excluded date")


@pytest.mark.parametrize(
    ("used", "budget", "accepted"),
    [(0, 1, True), (1, 1, False), (1, 2, True), pytest.param(0, 0, False, id="a budget of none")],
)
@pytest.mark.parametrize("force", [False, True])
def test_a_rerun_needs_budget_and_no_force_replaces_it(used, budget, accepted, force):
    decided = decision(a_run("FAILED", manual_reruns=used), force=force, max_manual_reruns=budget)

    assert decided.accepted is accepted
    assert "maxManualReruns" in decided.reason if not accepted else f"{used + 1} of {budget}"


def test_after_a_success_without_news_a_rerun_is_refused_and_says_how_to_insist():
    decided = decision(a_success())

    assert not decided.accepted
    assert "since it succeeded at 2026-03-02T10:00:00+00:00" in decided.reason
    assert "force: true" in decided.reason


def test_force_skips_the_look_for_news():
    assert decision(a_success(), force=True).accepted


@pytest.mark.parametrize(
    ("readings", "accepted"),
    [
        pytest.param(
            {"row-count": a_reading(updated_at=SUCCEEDED_AT + timedelta(seconds=1))}, True, id="updated since"
        ),
        pytest.param({"row-count": a_reading(updated_at=SUCCEEDED_AT)}, False, id="updated at that instant"),
        pytest.param(
            {"row-count": a_reading({"count": 1200}, updated_at=OPENED_AT)}, False, id="updated before"
        ),
        pytest.param({"row-count": a_reading({"count": 1200})}, True, id="another value, of no time"),
        pytest.param({"row-count": a_reading({"count": 1000, "note": "x"})}, False, id="another field"),
        pytest.param({"row-count": Unseen("row-count", "gone")}, False, id="removed since"),
        pytest.param({"marker": a_reading({}, "marker")}, True, id="a sensor that was not there"),
        pytest.param(
            {
                "row-count": a_reading(updated_at=OPENED_AT),
                "marker": a_reading({}, "marker", updated_at=SUCCEEDED_AT + timedelta(hours=1)),
            },
            True,
            id="one of several is enough",
        ),
    ],
)
def test_news_since_the_success_is_a_sensor_that_was_updated(readings, accepted):
    assert decision(a_success(), {**UNCHANGED, **readings}).accepted is accepted


@pytest.mark.parametrize(
    ("status", "succeeded_at", "accepted"),
    [
        pytest.param("SUCCEEDED", "2026-03-02T10:01", True, id="again since"),
        pytest.param("SUCCEEDED", "2026-03-02T09:59", False, id="before"),
        pytest.param("WAITING", "2026-03-02T10:01", False, id="being rerun once more"),
        pytest.param("SUCCEEDED", None, False, id="of a row that does not tell"),
    ],
)
def test_an_upstream_that_succeeded_since_is_something_new(status, succeeded_at, accepted):
    run = a_success(succeeded_at=at("2026-03-02T10:00"))
    upstream = RunSeen(RunStatus(status), at("2026-03-02T11:00"), False, succeeded_at and at(succeeded_at))
    readiness = evaluate_readiness(RULES, UNCHANGED, at("2026-03-02T12:00"))

    decided = decide_rerun(run, Job(JobType.GLUE), None, UNCHANGED, readiness, [upstream], force=False)

    assert decided.accepted is accepted

"""May a partition be run again? The run as it stands, the budget, and what its sensors say by now."""

from datetime import timedelta

import pytest

from builders import OPENED_AT, a_reading, a_rule, a_run, at
from interlock.domain.pipeline import Job, JobType, Validation
from interlock.domain.readiness import evaluate_readiness
from interlock.domain.rerun import decide_own_rerun, decide_rerun, rerun_number
from interlock.domain.run import RunStatus
from interlock.domain.sensor import Unseen, parse_reading
from interlock.domain.upstream_outcome import RunSeen

SUCCEEDED_AT = OPENED_AT + timedelta(hours=2)
RULES = Validation(rules=(a_rule(), a_rule("exists", field=None, key="marker")))
UNCHANGED = {"row-count": a_reading(), "marker": Unseen("marker", "marker was never reported")}
READ_AT_ITS_START = {"row-count": {"count": 1000}}


def a_success(**changes):
    return a_run("SUCCEEDED", **{"updated_at": SUCCEEDED_AT, "seen": READ_AT_ITS_START, **changes})


def decision(run, readings=UNCHANGED, *, excluded=None, force=False, **job):
    now = SUCCEEDED_AT + timedelta(hours=1)
    readiness = evaluate_readiness(RULES, readings, now)
    return decide_rerun(run, Job(JobType.GLUE, **job), excluded, readings, readiness, force=force, now=now)


def test_a_partition_that_never_ran_may_be_run_by_hand_and_uses_no_budget():
    assert decision(None, max_manual_reruns=0).accepted


@pytest.mark.parametrize("status", ["FAILED", "EXPIRED", "CANCELLED"])
def test_a_run_that_did_not_succeed_may_be_run_again_though_nothing_changed(status):
    assert decision(a_run(status, seen=READ_AT_ITS_START)).accepted


@pytest.mark.parametrize("status", ["WAITING", "RUNNING"])
@pytest.mark.parametrize("force", [False, True])
def test_no_rerun_begins_beside_an_open_run(status, force):
    decided = decision(a_run(status), force=force)

    assert (decided.accepted, decided.reason) == (False, f"a run of this date is {status}")


@pytest.mark.parametrize(
    ("decided", "way_out"),
    [
        pytest.param(decision(a_run("WAITING")), "ask again once it has ended", id="an open run"),
        pytest.param(
            decision(None, excluded="a Sunday"),
            "change schedule.exclude or schedule.include, and ask again",
            id="an excluded date",
        ),
        pytest.param(
            decision(a_success(), max_manual_reruns=0),
            "raise job.maxManualReruns, and ask again",
            id="no budget",
        ),
        pytest.param(
            decision(a_success()),
            "ask again once one of them is written, or with --force (force: true)",
            id="nothing new",
        ),
        pytest.param(
            decide_own_rerun(a_success(drift_reruns=1), Job(JobType.GLUE), None),
            "ask for a rerun, or raise job.maxDriftReruns for the next change",
            id="no budget for late data",
        ),
        pytest.param(decision(a_run("FAILED")), "", id="accepted"),
    ],
)
def test_a_refusal_says_what_would_have_to_change(decided, way_out):
    assert (decided.way_out, decided.accepted) == (way_out, not way_out)


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
    assert "since it succeeded at 10:00 UTC" in decided.reason
    assert "force: true" in decided.reason


ONE_SECOND_LATER = SUCCEEDED_AT + timedelta(seconds=1)


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(ONE_SECOND_LATER.isoformat(), id="ISO 8601"),
        pytest.param("2026-03-02T11:00:01+01:00", id="ISO 8601 with an offset"),
        pytest.param(int(ONE_SECOND_LATER.timestamp()), id="epoch seconds"),
        pytest.param(str(int(ONE_SECOND_LATER.timestamp())), id="epoch seconds as text"),
        pytest.param(int(ONE_SECOND_LATER.timestamp() * 1000), id="epoch milliseconds"),
    ],
)
def test_an_update_since_the_success_is_news_in_each_form_of_time(form):
    reading = parse_reading("row-count", "row-count", {"count": 1000, "updatedAt": form})

    assert decision(a_success(), {**UNCHANGED, "row-count": reading}).accepted


@pytest.mark.parametrize(("count", "accepted"), [(1000, False), (1001, True)])
def test_a_clock_in_the_future_proves_no_update_and_the_values_decide(count, accepted):
    reading = parse_reading("row-count", "row-count", {"count": count, "updatedAt": "2099-01-01"})

    assert decision(a_success(), {**UNCHANGED, "row-count": reading}).accepted is accepted


def test_news_counts_from_the_success_and_not_from_what_was_said_of_the_run_since():
    run = a_success(succeeded_at=SUCCEEDED_AT, updated_at=SUCCEEDED_AT + timedelta(hours=9))

    assert decision(run, {**UNCHANGED, "row-count": a_reading(updated_at=ONE_SECOND_LATER)}).accepted


@pytest.mark.parametrize("count", [1000.0, "1000"])
def test_the_value_that_the_run_read_in_another_form_is_no_news(count):
    assert not decision(a_success(), {**UNCHANGED, "row-count": a_reading({"count": count})}).accepted


def test_what_the_run_read_for_drift_beside_its_rules_is_no_news():
    run = a_success(seen={"row-count": {"count": 1000, "bytes": 5}, "stock": {"count": 3}})

    assert not decision(run).accepted


@pytest.mark.parametrize(
    ("used", "budget", "accepted"), [(0, 1, True), (1, 1, False), (4, 5, True), (0, 0, False)]
)
def test_a_rerun_of_our_own_needs_the_budget_of_late_data_and_drift(used, budget, accepted):
    run = a_success(drift_reruns=used, manual_reruns=5)

    decided = decide_own_rerun(run, Job(JobType.GLUE, max_drift_reruns=budget), None)

    assert decided.accepted is accepted
    assert accepted or "maxDriftReruns" in decided.reason


def test_a_rerun_by_hand_leaves_the_budget_of_late_data_alone():
    assert decision(a_run("FAILED", drift_reruns=5), max_manual_reruns=1).accepted


def test_an_excluded_date_is_not_run_again_for_late_data():
    decided = decide_own_rerun(a_success(), Job(JobType.GLUE, max_drift_reruns=5), "2026-03-02 is excluded")

    assert (decided.accepted, decided.reason) == (False, "2026-03-02 is excluded")


def test_reruns_of_both_kinds_are_numbered_in_one_row():
    assert rerun_number(a_success(manual_reruns=2, drift_reruns=3)) == 5


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
    now = at("2026-03-02T12:00")
    readiness = evaluate_readiness(RULES, UNCHANGED, now)

    decided = decide_rerun(
        run, Job(JobType.GLUE), None, UNCHANGED, readiness, [upstream], force=False, now=now
    )

    assert decided.accepted is accepted

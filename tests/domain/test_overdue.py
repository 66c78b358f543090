"""When an open run must have lost its workflow."""

from datetime import timedelta

import pytest

from builders import OPENED_AT, a_run, an_intent, at
from interlock.domain.overdue import why_overdue

WINDOW_ENDS = OPENED_AT + timedelta(hours=1)
JOB_ENDS_BY = at("2026-03-02T12:10")


@pytest.mark.parametrize(
    ("run", "overdue_at"),
    [
        pytest.param(a_run("RUNNING"), JOB_ENDS_BY + timedelta(minutes=15), id="a job's time is over"),
        pytest.param(
            a_run("RUNNING", job_ends_by=None), OPENED_AT + timedelta(minutes=15), id="a job without a time"
        ),
        pytest.param(a_run(), WINDOW_ENDS + timedelta(minutes=15), id="a wait"),
        pytest.param(
            a_run(confirmed=False), WINDOW_ENDS + timedelta(minutes=30), id="its execution never started"
        ),
        pytest.param(
            a_run(retry_at=at("2026-03-02T10:00")), at("2026-03-02T10:15"), id="its back-off ends later"
        ),
        pytest.param(
            a_run(refused_since=at("2026-03-02T08:50")),
            at("2026-03-02T09:35"),
            id="its job service refused for now",
        ),
        pytest.param(
            a_run(intent=an_intent(1, OPENED_AT)),
            WINDOW_ENDS + timedelta(hours=2),
            id="a start whose fate is unknown is looked up for an hour",
        ),
        pytest.param(
            a_run(pools=("warehouse",), slots_at=at("2026-03-04T10:00")),
            at("2026-03-04T10:15"),
            id="it got its slot days later",
        ),
        pytest.param(
            a_run(pools=("warehouse",), intent=an_intent(1, OPENED_AT)),
            WINDOW_ENDS + timedelta(hours=2),
            id="one that began to start waits for no slot",
        ),
    ],
)
def test_an_open_run_is_given_up_when_its_workflow_cannot_be_at_it_any_more(run, overdue_at):
    assert why_overdue(run, overdue_at - timedelta(milliseconds=1)) is None
    assert why_overdue(run, overdue_at) is not None


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "EXPIRED", "CANCELLED"])
def test_a_run_that_has_ended_is_never_overdue(status):
    assert why_overdue(a_run(status), at("2026-04-02T00:00")) is None


def test_a_run_that_waits_for_a_slot_may_wait_as_long_as_others_hold_them():
    assert why_overdue(a_run(pools=("warehouse",)), at("2026-04-02T00:00")) is None

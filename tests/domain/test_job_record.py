"""Whom a job record is believed: only of the attempt that is open, and only if it names no other job."""

from dataclasses import replace

import pytest

from builders import OPENED_AT, a_key, a_run, an_intent
from interlock.domain.job_record import JobRecord, applies_to
from interlock.domain.run import JobEnd, Outcome, attempt_name

RUNNING = a_run("RUNNING", attempt=2)
STARTING = a_run("WAITING", attempt=2, intent=an_intent(2, OPENED_AT))


def a_record(**changes):
    record = JobRecord(a_key(), 2, OPENED_AT, Outcome(JobEnd.SUCCESS))
    return replace(record, **changes)


@pytest.mark.parametrize(
    ("attempt", "believed"),
    [(2, True), pytest.param(1, False, id="of the attempt before"), pytest.param(3, False, id="of none yet")],
)
def test_a_record_tells_of_the_open_attempt_alone(attempt, believed):
    assert applies_to(a_record(attempt=attempt), RUNNING, "jr_1") is believed


@pytest.mark.parametrize(
    ("run_id", "believed"),
    [
        pytest.param(None, True, id="the reporter did not say"),
        pytest.param(RUNNING.run_id, True, id="ours"),
        pytest.param("jr_1", True, id="the service's own"),
        pytest.param("jr_2", False, id="another job's"),
        pytest.param(attempt_name(a_key(), 1, OPENED_AT), False, id="ours, of the attempt before"),
        pytest.param("", False, id="empty"),
    ],
)
def test_a_record_of_another_job_is_not_believed(run_id, believed):
    assert applies_to(a_record(run_id=run_id), RUNNING, "jr_1") is believed


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "EXPIRED", "CANCELLED"])
def test_a_run_that_has_ended_believes_nobody(status):
    assert not applies_to(a_record(), a_run(status, attempt=2), None)


@pytest.mark.parametrize(
    ("run", "believed"),
    [
        pytest.param(STARTING, True, id="its start is under way"),
        pytest.param(replace(STARTING, intent=None), False, id="nothing was started"),
        pytest.param(
            replace(STARTING, intent=an_intent(1, OPENED_AT)), False, id="only the attempt before was"
        ),
    ],
)
def test_a_waiting_run_believes_the_end_of_a_job_that_is_being_started(run, believed):
    assert applies_to(a_record(), run, None) is believed

"""What EMR tells of its jobs, as it may arrive: twice, late, in disorder. Each run ends once, as its own job did."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from builders import a_key, a_run
from interlock.domain.run import JobEnd
from interlock.steps.job_event import job_ended
from interlock.triggers.state_events import remote_end
from world_builder import NOW, World

ASLEEP = replace(a_run("RUNNING"), remote_id="id-1", task_token="token", token_for="job")
BOTH = pytest.mark.parametrize("job_type", ["emr", "emr-serverless"])
DETAIL_TYPES = {
    "emr": ("EMR Step Status Change", "stepId"),
    "emr-serverless": ("EMR Serverless Job Run State Change", "jobRunId"),
}
SUCCEEDED = {"emr": "COMPLETED", "emr-serverless": "SUCCESS"}


def a_world(job_type, run=ASLEEP):
    world = World(run=run)
    world.tasks.joblog.remember_remote(job_type, "id-1", a_key(), 1, NOW)
    return world


def arrives(world, job_type, state, after=timedelta(0), remote_id="id-1"):
    kind, id_key = DETAIL_TYPES[job_type]
    end = remote_end(
        {"source": f"aws.{job_type}", "detail-type": kind, "detail": {"state": state, id_key: remote_id}}
    )
    if end is not None:
        ports = world.tasks
        job_ended(
            end.job_type, end.remote_id, end.outcome, NOW + after, ports.control, ports.joblog, ports.machine
        )


@BOTH
def test_events_in_any_order_and_twice_over_end_the_run_as_its_job_ended(job_type):
    for order in permutations(["PENDING", "RUNNING", SUCCEEDED[job_type]]):
        world = a_world(job_type)

        for state in (*order, *order):
            arrives(world, job_type, state)

        assert world.run.outcome.end is JobEnd.SUCCESS
        assert set(world.machine.woken) == {"token"}


@BOTH
def test_a_late_end_that_says_otherwise_changes_nothing(job_type):
    world = a_world(job_type)

    arrives(world, job_type, SUCCEEDED[job_type])
    arrives(world, job_type, "FAILED", after=timedelta(minutes=5))

    assert world.run.outcome.end is JobEnd.SUCCESS


@BOTH
def test_a_late_end_of_the_attempt_before_does_not_end_this_one(job_type):
    world = a_world(job_type, run=replace(ASLEEP, attempt=2, remote_id="id-2"))

    arrives(world, job_type, SUCCEEDED[job_type])

    assert (world.run.outcome, world.machine.woken) == (None, [])


@BOTH
def test_the_end_of_somebody_elses_job_ends_nothing(job_type):
    world = a_world(job_type)

    arrives(world, job_type, SUCCEEDED[job_type], remote_id="id-9")

    assert world.run.outcome is None

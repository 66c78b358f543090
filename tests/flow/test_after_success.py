"""What is written after a success: late data and drift run it again, a verdict on its output is told."""

import pytest

from flow.world import QUICK, World
from interlock.domain.run import RunStatus

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("flow")]


def test_another_value_after_success_runs_the_partition_again_and_is_told(world: World) -> None:
    pipeline = world.declare(QUICK)
    world.open_ready(pipeline)
    world.reaches(pipeline, RunStatus.SUCCEEDED)

    world.write(pipeline, "orders", count="1000.0", host="a heartbeat")
    world.write(pipeline, "orders", count=1300)

    assert world.reaches(pipeline, RunStatus.SUCCEEDED, attempt=2).drift_reruns == 1
    late, recovered = world.reads(pipeline, messages=2)
    assert "orders.count was 1000 and is 1300" in late
    assert "Recovered" in recovered
    assert world.hears(pipeline, "LATE_DATA_ARRIVAL", "RERUN_ACCEPTED").count("LATE_DATA_ARRIVAL") == 1


def test_a_source_that_drifts_runs_the_partition_again_within_its_budget(world: World) -> None:
    watched = {"rules": [{"key": "stock", "check": "exists"}], "driftThreshold": "5%"}
    pipeline = world.declare(QUICK, post_run=watched, maxDriftReruns=1)
    world.write(pipeline, "stock", count=100)
    world.open_ready(pipeline)
    world.reaches(pipeline, RunStatus.SUCCEEDED)

    world.write(pipeline, "stock", count=105)
    world.hears(pipeline, "POST_RUN_PASSED")
    world.write(pipeline, "stock", count=106)
    world.reaches(pipeline, RunStatus.SUCCEEDED, attempt=2)
    world.write(pipeline, "stock", count=90)

    events = world.hears(pipeline, "POST_RUN_DRIFT", "RERUN_ACCEPTED", "RERUN_REJECTED")
    assert (events.count("RERUN_ACCEPTED"), len(world.jobs(pipeline))) == (1, 2)

"""Pipelines that wait for pipelines, on the embedded stack: DynamoDB's own transactions, streams and filters in between."""

import pytest

from flow.world import QUICK, World
from interlock.domain.run import RunStatus

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("flow")]


def test_a_success_starts_the_run_of_another_pipeline_that_waits_for_it(world: World) -> None:
    upstream = world.declare(QUICK)
    pipeline = world.declare(QUICK, rules=[{"pipeline": upstream, "check": "succeeded"}])
    world.open(pipeline)
    assert world.reasons(pipeline) == [f"{upstream} 2026-03-01 has not run"]

    world.open_ready(upstream)

    world.reaches(upstream, RunStatus.SUCCEEDED)
    run = world.reaches(pipeline, RunStatus.SUCCEEDED)
    assert run.verdicts[0].reason == f"{upstream} 2026-03-01 is SUCCEEDED"
    assert len(world.jobs(pipeline)) == 1

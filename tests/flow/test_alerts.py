"""What Slack refuses for now arrives later, once."""

import pytest

from flow.world import World
from interlock.domain.run import RunStatus
from interlock.local.job_services import JobFailed, JobRun, LocalJob

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("flow")]


def fails(_: object, run: JobRun) -> None:
    raise JobFailed(f"{run.id} found no orders")


def test_a_message_that_slack_refuses_for_now_comes_later(world: World) -> None:
    pipeline = world.declare(LocalJob(fails), maxRetries=0)
    world.session.slack.fail_next(1, status=429, retry_after=1)

    world.open_ready(pipeline)

    world.reaches(pipeline, RunStatus.FAILED)
    texts = world.reads(pipeline, messages=2)
    assert [sum(what in text for text in texts) for what in ("Job failed", "no retry left")] == [1, 1]

"""A job of each type whose service a stand-in plays, from the write at which its rules hold to its end."""

from __future__ import annotations

import pytest

from flow.world import DATE, PLAYED, World
from interlock.domain.run import Run, RunStatus
from interlock.local.job_services import JobFailed, JobRun, LocalJob, RunState
from local.emulator_kit import eventually

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("flow")]

EVERY_TYPE = pytest.mark.parametrize("job_type", PLAYED)
PUBLISHED = ("glue", "emr", "emr-serverless")
TAKES_A_WHILE = LocalJob(
    lambda _, run: run.sleep(1.5)
)  # longer than AwaitJob takes to ask for the first time
HANGS = LocalJob(lambda _, run: run.sleep(600))


def fails(_: object, run: JobRun) -> None:
    run.sleep(1.5)
    raise JobFailed("disk full")


def the_job(world: World, job_type: str, name: str) -> JobRun:
    """The only one that was started, once it was."""
    service = world.session.job_services[job_type]
    (run,) = eventually(lambda: service.runs(name), 60)
    return run


def ended(world: World, job_type: str, pipeline: str, name: str, status: RunStatus) -> Run:
    """The run, once it has noticed the end of its job; where nobody tells, at its next poll."""
    job = the_job(world, job_type, name)
    if job_type not in PUBLISHED:
        world.reaches(pipeline, RunStatus.RUNNING)
        eventually(lambda: not job.is_alive)
        eventually(lambda: world.control.due_runs_of(pipeline), 60)
        world.poll_now(pipeline)
    return world.reaches(pipeline, status)


@EVERY_TYPE
def test_a_job_that_succeeds_ends_its_run_and_learns_its_period(world: World, job_type: str) -> None:
    pipeline, name = world.declare_played(job_type, TAKES_A_WHILE, maxRetries=0)

    world.open_ready(pipeline)

    run = ended(world, job_type, pipeline, name, RunStatus.SUCCEEDED)
    assert run.attempt == 1
    given = str(the_job(world, job_type, name).arguments)
    assert DATE in given or DATE.replace("-", "") in given


@EVERY_TYPE
def test_a_job_that_fails_fails_its_attempt(world: World, job_type: str) -> None:
    pipeline, name = world.declare_played(job_type, LocalJob(fails), maxRetries=0)

    world.open_ready(pipeline)

    ended(world, job_type, pipeline, name, RunStatus.FAILED)
    events = world.hears(pipeline, "JOB_TRIGGERED", "JOB_FAILED", "RETRY_EXHAUSTED")
    assert (events.count("JOB_FAILED"), "JOB_COMPLETED" in events) == (1, False)


@pytest.mark.parametrize("job_type", PUBLISHED)
def test_an_end_that_is_published_is_noticed_by_its_event(world: World, job_type: str) -> None:
    pipeline, name = world.declare_played(job_type, TAKES_A_WHILE)

    world.open_ready(pipeline)

    run = world.reaches(pipeline, RunStatus.SUCCEEDED)
    job = the_job(world, job_type, name)
    assert job.ended_at is not None
    # AwaitJob asks when it falls asleep, and the job was at work then; the poll comes after 15 minutes.
    assert 0 <= run.updated_at.timestamp() - job.ended_at < 30


@EVERY_TYPE
def test_the_job_of_a_run_whose_workflow_is_stopped_is_cancelled(world: World, job_type: str) -> None:
    pipeline, name = world.declare_played(job_type, HANGS, maxRetries=0)
    world.open_ready(pipeline)
    job = the_job(world, job_type, name)

    world.stop_workflow(pipeline)

    world.reaches(pipeline, RunStatus.FAILED)
    eventually(lambda: not job.is_alive)
    assert job.state is RunState.STOPPED


@EVERY_TYPE
def test_a_function_that_dies_between_the_start_and_its_handle_starts_one_job(
    world: World, job_type: str
) -> None:
    pipeline, name = world.declare_played(job_type, TAKES_A_WHILE)
    orchestrator, killed = world.session.stack.function("orchestrator"), []
    world.session.job_services[job_type].cut_next_start(
        lambda: killed.append(world.session.emulator.kill_function(orchestrator))
    )

    world.open_ready(pipeline)

    ended(world, job_type, pipeline, name, RunStatus.SUCCEEDED)
    assert killed[0] >= 1
    assert len(world.session.job_services[job_type].runs(name)) == 1
    assert world.hears(pipeline, "JOB_TRIGGERED", "JOB_COMPLETED").count("JOB_TRIGGERED") == 1

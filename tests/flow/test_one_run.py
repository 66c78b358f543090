"""One run from its first sensor write to what people hear of it."""

import pytest

from flow.world import DATE, HEALTHY, QUICK, World
from interlock.domain.run import RunStatus
from interlock.local.job_services import JobFailed, JobRun, LocalJob

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("flow")]


def fails_once(pipeline_runs: list[JobRun]) -> LocalJob:
    def work(_: object, run: JobRun) -> None:
        pipeline_runs.append(run)
        if len(pipeline_runs) == 1:
            raise JobFailed("Rate exceeded")

    return LocalJob(work)


def test_a_healthy_run_is_an_event_each_step_and_no_message(world: World) -> None:
    pipeline = world.declare(QUICK)

    world.open_ready(pipeline)

    world.reaches(pipeline, RunStatus.SUCCEEDED)
    assert sorted(world.hears(pipeline, *HEALTHY)) == sorted(HEALTHY)
    assert world.threads(pipeline) == []


def test_the_job_learns_its_period(world: World) -> None:
    pipeline = world.declare(QUICK)

    world.open_ready(pipeline)
    world.reaches(pipeline, RunStatus.SUCCEEDED)

    (job,) = world.jobs(pipeline)
    assert job.arguments["--par_day"] == DATE.replace("-", "")


def test_a_run_waits_saying_why_and_the_last_reading_wakes_it(world: World) -> None:
    pipeline = world.declare(QUICK)
    world.write(pipeline, "orders", count=999)
    world.open(pipeline)
    waiting = world.reasons(pipeline)

    world.write(pipeline, "orders", count=1000)

    world.reaches(pipeline, RunStatus.SUCCEEDED)
    assert waiting == ["orders.count is 999, wanted >= 1000"]
    assert len(world.jobs(pipeline)) == 1


def test_a_failure_opens_a_thread_and_the_recovery_is_its_answer(world: World) -> None:
    pipeline = world.declare(fails_once([]), maxRetries=1)

    world.open_ready(pipeline)

    assert world.reaches(pipeline, RunStatus.SUCCEEDED).attempt == 2
    failed, recovered = world.reads(pipeline, messages=2)
    assert "Rate exceeded" in failed
    assert "Recovered" in recovered


def test_a_job_that_keeps_failing_ends_failed_and_says_that_nothing_follows(world: World) -> None:
    def work(_: object, run: JobRun) -> None:
        raise JobFailed(f"{run.id} found no orders")

    pipeline = world.declare(LocalJob(work), maxRetries=1)

    world.open_ready(pipeline)

    world.reaches(pipeline, RunStatus.FAILED)
    texts = world.reads(pipeline, messages=3)
    assert len(world.jobs(pipeline)) == 2
    assert sum("no retry left" in text for text in texts) == 1


def test_a_window_that_closes_names_the_rule_that_was_missing(world: World) -> None:
    pipeline = world.declare(QUICK, window="2s")

    world.open(pipeline)

    world.reaches(pipeline, RunStatus.EXPIRED)
    (text,) = world.reads(pipeline, messages=1)
    assert "orders" in text
    assert world.jobs(pipeline) == []


def test_data_that_comes_after_the_window_starts_the_run_after_all(world: World) -> None:
    pipeline = world.declare(QUICK, window="1s")
    world.open(pipeline)
    world.reaches(pipeline, RunStatus.EXPIRED)

    world.write(pipeline, "orders", count=1000)

    world.reaches(pipeline, RunStatus.SUCCEEDED)
    assert len(world.jobs(pipeline)) == 1


def test_what_a_run_calls_is_counted_by_name(world: World) -> None:
    pipeline = world.declare(QUICK)
    calls, invocations = world.session.calls(), world.session.invocations()

    world.open_ready(pipeline)

    world.reaches(pipeline, RunStatus.SUCCEEDED)
    world.hears(pipeline, "JOB_COMPLETED")
    made = world.session.calls() - calls
    assert {name: made[name] for name in ("glue.StartJobRun", "stepfunctions.StartExecution")} == {
        "glue.StartJobRun": 1,
        "stepfunctions.StartExecution": 1,
    }
    # To register its token, to store what the start came to, and to complete: each is a write.
    assert made["dynamodb.UpdateItem"] >= 3
    assert (world.session.invocations() - invocations)["orchestrator"] == 4  # a run that is ready at once

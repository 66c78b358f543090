"""A run whose workflow is gone is ended with its reason: by the tick, or as soon as Step Functions tells."""

import json
from datetime import timedelta

import pytest

from builders import a_key, a_pipeline, a_rule, a_run, an_intent, at
from interlock.domain.job_record import JobRecord
from interlock.domain.pipeline import Job, JobType, OnTimeout
from interlock.domain.run import JobEnd, Outcome, RunStatus
from interlock.ports import WORKFLOW_ENDED, CallFailed, DueRun, TriggerError
from interlock.steps.check_runs import ChecksFailed, check_runs
from interlock.steps.close_stale_run import execution_ended
from interlock.steps.job_end import WAITS_FOR_JUDGEMENT
from world_builder import FAILED, NOW, SUCCEEDED, World

AFTER_WINDOW = at("2026-03-02T09:15")
AFTER_JOB = at("2026-03-02T12:25")


def check(world, now, waits_for="job", tries=0):
    check_runs([DueRun(a_key(), now, waits_for, tries)], world.tasks, now)


def ready(world):
    world.write_sensor(count=1000)
    return world


def test_a_job_that_nobody_judged_in_time_is_a_time_out_and_is_cancelled():
    world = World(run=a_run("RUNNING"))

    check(world, AFTER_JOB)

    assert world.told == ["SFN_TIMEOUT", "JOB_POLL_EXHAUSTED", "JOB_TIMEOUT"]
    assert world.run.status is RunStatus.FAILED
    assert world.jobs.cancelled == [{"jobName": "gold-revenue-etl", "runId": "jr_1"}]
    assert world.due == []


def test_an_end_that_is_in_the_log_alone_judges_a_run_whose_workflow_is_gone():
    world = World(run=a_run("RUNNING"))
    world.tasks.joblog.put(JobRecord(a_key(), 1, NOW, SUCCEEDED))

    check(world, AFTER_JOB)

    assert (world.run.status, world.jobs.cancelled) == (RunStatus.SUCCEEDED, [])


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (at("2026-03-02T12:10"), ["SFN_TIMEOUT", "JOB_POLL_EXHAUSTED", "JOB_TIMEOUT"]),
        (at("2026-03-02T12:09"), ["SFN_TIMEOUT", "JOB_FAILED"]),
    ],
)
def test_a_job_whose_workflow_was_stopped_has_timed_out_from_the_end_of_its_time_on(now, told):
    world = World(run=a_run("RUNNING"))

    check(world, now, "workflow ABORTED", tries=1)

    assert world.told == told


def test_a_job_that_may_still_be_judged_is_only_asked():
    world = World(run=a_run("RUNNING"))

    check(world, AFTER_JOB - timedelta(seconds=1))

    assert (world.told, world.run.status) == ([], RunStatus.RUNNING)


def test_a_job_is_looked_at_again_when_it_must_have_been_judged():
    world = World(run=a_run("RUNNING"))

    check(world, at("2026-03-02T12:10"))

    assert world.due == [("2026-03-02", "12:25:00", 1)]


@pytest.mark.parametrize(
    ("known", "says"),
    [
        pytest.param(SUCCEEDED, None, id="reported"),
        pytest.param(None, SUCCEEDED, id="its service says so"),
    ],
)
def test_a_job_that_succeeded_leaves_its_run_succeeded(known, says):
    world = World(run=a_run("RUNNING", outcome=known))
    world.jobs.says = says

    check(world, AFTER_JOB)

    assert world.run.status is RunStatus.SUCCEEDED
    assert world.told[:2] == ["SFN_TIMEOUT", "JOB_COMPLETED"]
    assert world.jobs.cancelled == []


def test_a_success_that_is_disproved_leaves_no_run_succeeded_whose_workflow_is_gone():
    world = World(run=a_run("RUNNING", outcome=SUCCEEDED))
    world.jobs.disproved = "disk full"

    check(world, AFTER_JOB)

    assert (world.run.status, world.told) == (RunStatus.FAILED, ["SFN_TIMEOUT", "JOB_FAILED"])


def test_a_job_that_is_left_when_it_times_out_is_left():
    leaves = a_pipeline(
        rules=[a_rule()], job=Job(JobType.GLUE, {"jobName": "etl"}, on_timeout=OnTimeout.LEAVE)
    )
    world = World(leaves, a_run("RUNNING"))

    check(world, AFTER_JOB)

    assert world.jobs.cancelled == []
    assert world.run.status is RunStatus.FAILED


def test_a_job_that_cannot_be_cancelled_keeps_its_run_open_for_an_hour():
    world = World(run=a_run("RUNNING"))
    world.jobs.cancel_error = TriggerError("throttled", permanent=False)

    with pytest.raises(ChecksFailed):
        check(world, AFTER_JOB)
    assert world.run.status is RunStatus.RUNNING

    check(world, at("2026-03-02T13:10"))
    assert world.run.status is RunStatus.FAILED


def test_a_run_whose_config_is_gone_is_closed_all_the_same():
    world = World(None, a_run("RUNNING"))

    check(world, AFTER_JOB)

    assert world.run.status is RunStatus.FAILED


def test_a_waiting_run_that_is_ready_and_does_not_start_is_expired():
    world = ready(World(run=a_run(task_token="t", token_for="readiness")))

    check(world, AFTER_WINDOW, "readiness")

    assert (world.told, world.run.status) == (["SFN_TIMEOUT"], RunStatus.EXPIRED)
    assert world.machine.failed == [("t", "RunOver")]
    assert world.due == []


def test_a_waiting_run_that_is_not_ready_expires_as_any_does():
    world = World(run=a_run())

    check(world, AFTER_WINDOW, "readiness")

    assert world.told == ["VALIDATION_EXHAUSTED"]


def test_a_start_whose_fate_is_unknown_is_given_its_time():
    world = ready(World(run=a_run(intent=an_intent(1, NOW))))

    check(world, AFTER_WINDOW, "readiness")

    assert (world.told, world.run.status) == ([], RunStatus.WAITING)


def test_a_run_whose_execution_can_never_be_started_is_told():
    world = World(run=a_run(confirmed=False))
    refused = CallFailed("states.StartExecution", "AccessDeniedException")
    world.calls.arrange("states.StartExecution", refused)
    with pytest.raises(ChecksFailed):
        check(world, AFTER_WINDOW, "readiness")
    world.calls.arrange("states.StartExecution", refused)

    check(world, at("2026-03-02T09:30"), "readiness")

    assert world.told == ["SFN_TIMEOUT"]


def test_a_run_that_moves_on_meanwhile_has_a_workflow_after_all():
    world = World(run=a_run("RUNNING"))
    world.calls.arrange("dynamodb.UpdateItem", lambda: world.put_run(a_run("FAILED", version=2)))

    check(world, AFTER_JOB)

    assert "SFN_TIMEOUT" not in world.told


def test_a_job_that_ended_and_is_judged_by_nobody_is_closed_an_hour_later():
    world = World(run=a_run("RUNNING", outcome=FAILED, task_token="t", token_for="job"))
    check(world, NOW)
    assert (world.machine.woken, world.due) == (["t"], [("2026-03-02", "09:30:00", 1)])

    check(world, NOW + timedelta(hours=1), WAITS_FOR_JUDGEMENT, tries=1)

    assert world.told == ["SFN_TIMEOUT", "JOB_FAILED"]
    assert world.run.status is RunStatus.FAILED


def test_the_attempt_that_followed_is_not_judged_for_the_one_before():
    world = World(run=a_run("RUNNING", attempt=2, outcome=FAILED))

    check(world, NOW, WAITS_FOR_JUDGEMENT, tries=1)

    assert world.told == []


# -- Step Functions tells


def ended(world, run, status="ABORTED", **changes):
    key = {"pipelineId": "gold-revenue", "scheduleId": "stream", "date": "2026-03-02"}
    told = {"name": run.execution_name, "execution_input": json.dumps({"run": key}), **changes}
    execution_ended(told["name"], status, told["execution_input"], world.control, NOW)


def test_a_run_whose_execution_broke_off_is_closed_at_the_next_tick():
    run = a_run("RUNNING")
    world = World(run=run)
    ended(world, run)
    (due,) = world.outside.due_runs_of("gold-revenue")
    assert due.due_at == NOW

    check_runs([due], world.tasks, NOW)

    assert world.told == ["SFN_TIMEOUT", "JOB_FAILED"]
    assert "ABORTED" in world.events[0].message
    assert len(world.jobs.cancelled) == 1


def test_a_run_that_was_opened_again_since_is_left_alone():
    run = a_run("RUNNING")
    world = World(run=run)
    ended(world, run)
    (due,) = world.outside.due_runs_of("gold-revenue")
    world.put_run(a_run("RUNNING", execution_count=2))

    check_runs([due], world.tasks, NOW)

    assert world.told == []


@pytest.mark.parametrize(
    ("run", "changes"),
    [
        pytest.param(a_run("FAILED"), {}, id="its row says so already"),
        pytest.param(a_run("RUNNING"), {"name": "another"}, id="the row names another execution"),
        pytest.param(a_run("RUNNING"), {"execution_input": "{}"}, id="its input names no run"),
        pytest.param(a_run("RUNNING"), {"execution_input": "None"}, id="its input was left out"),
        pytest.param(None, {}, id="no such run"),
    ],
)
def test_an_execution_of_no_open_run_concerns_nobody(run, changes):
    world = World(run=run)

    ended(world, run or a_run(), **changes)

    assert world.due == []


def test_what_a_job_said_before_its_workflow_broke_off_is_what_counts():
    run = a_run("RUNNING", outcome=Outcome(JobEnd.FAIL, "disk full"))
    world = World(run=run)
    ended(world, run, "TIMED_OUT")

    check_runs(world.outside.due_runs_of("gold-revenue"), world.tasks, NOW)

    assert "disk full" in world.run.outcome.error


@pytest.mark.parametrize(
    ("age", "status", "told"),
    [
        (timedelta(minutes=14, seconds=59), "WAITING", []),
        (timedelta(minutes=15), "EXPIRED", ["SFN_TIMEOUT"]),
    ],
)
def test_a_start_that_may_be_under_way_keeps_its_run_open_although_its_execution_was_stopped(
    age, status, told
):
    run = a_run(intent=an_intent(1, NOW - age))
    world = World(run=run)

    check(world, NOW, WORKFLOW_ENDED["ABORTED"], run.execution_count)

    assert (world.run.status, world.told) == (status, told)

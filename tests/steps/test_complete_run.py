"""The attempt that ended is judged once, however often it is asked for; and what broke is recorded, never stuck."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from builders import a_key, a_pipeline, a_rule, a_run, a_trigger, an_intent, at
from interlock.domain.job_record import JobRecord
from interlock.domain.pipeline import Exclude, Job, JobType, OnTimeout
from interlock.domain.run import FailureCategory, JobEnd, Outcome, moved, next_attempt
from interlock.ports import CallFailed, DueRun, Lost, TriggerError
from interlock.simulation.faults import FunctionCrashed
from interlock.steps.complete_run import FUNCTION_MAY_LIVE, StartMayTakePlace, complete_run, record_failure
from interlock.steps.task import RunOver
from world_builder import FAILED, NOW, SUCCEEDED, THROTTLED, World, a_task, later

ROOT = Path(__file__).resolve().parents[2]
RUNNING = a_run("RUNNING", task_token="token", token_for="job")
WINDOW_ENDS = at("2026-03-02T12:10")
PERMANENT = Outcome(JobEnd.FAIL, "no such column", FailureCategory.PERMANENT)
DREAMING = Outcome(JobEnd.FAIL, "it is DREAMING", FailureCategory.PERMANENT, may_live=True)
BUSY = TriggerError("Rate exceeded", permanent=False)
FORBIDDEN = TriggerError("AccessDenied", permanent=True)


def a_world(outcome=None, run=RUNNING, **job):
    pipeline = a_pipeline(job=Job(JobType.GLUE, {"jobName": "etl"}, **job))
    world = World(pipeline, run and replace(run, outcome=outcome))
    world.outside.promise(DueRun(RUNNING.key, NOW, "job"))
    return world


def complete(world, run=RUNNING, now=NOW):
    return complete_run(a_task(run, None), world.tasks, now)


def test_a_job_that_succeeded_completes_its_run():
    world = a_world(SUCCEEDED)

    answer = complete(world)

    assert (answer["status"], world.run.status) == ("SUCCEEDED", "SUCCEEDED")
    assert world.told == ["JOB_COMPLETED", "POST_RUN_BASELINE_CAPTURED"]
    assert (world.run.task_token, world.due) == (None, [])


def test_a_success_that_the_jobs_own_records_disprove_completes_nothing():
    world = a_world(SUCCEEDED)
    world.jobs.disproved = "disk full"

    complete(world)

    assert (world.run.status, world.told) == ("WAITING", ["JOB_FAILED", "JOB_RETRIED"])
    assert "disk full" in world.events[0].message


def test_what_the_sensors_read_at_success_is_kept_for_later():
    world = a_world(SUCCEEDED, replace(RUNNING, attempt=2))
    world.write_sensor("upstream-complete", status="ready", note="x")

    complete(world)

    baseline = world.outside.baseline(a_key())
    assert (baseline.attempt, baseline.sensors) == (2, {"upstream-complete": {"status": "ready"}})


def test_where_nothing_is_compared_nothing_is_kept():
    world = World(
        a_pipeline(trigger=a_trigger(rule=a_rule("exists", field=None))), replace(RUNNING, outcome=SUCCEEDED)
    )

    complete(world)

    assert (world.told, world.outside.baseline(a_key())) == (["JOB_COMPLETED"], None)


def test_a_job_that_failed_leaves_no_baseline():
    world = a_world(FAILED)

    complete(world)

    assert world.outside.baseline(a_key()) is None


@pytest.mark.parametrize("call", ["dynamodb.TransactGetItems", "dynamodb.PutItem"])
def test_a_table_that_fails_while_the_baseline_is_kept_is_tried_again(call):
    world = a_world(SUCCEEDED)
    world.calls.arrange(call, THROTTLED)

    with pytest.raises(CallFailed):
        complete(world)
    complete(world)

    assert world.told == ["JOB_COMPLETED", "POST_RUN_BASELINE_CAPTURED"]


@pytest.mark.parametrize("call", ["dynamodb.TransactGetItems", "dynamodb.PutItem"])
def test_a_table_that_goes_on_failing_costs_the_baseline_and_not_the_success(call):
    world = a_world(SUCCEEDED)
    world.calls.arrange(call, THROTTLED)

    complete_run(a_task(RUNNING, None, tries=5), world.tasks, NOW)

    assert (world.run.status, world.told) == ("SUCCEEDED", ["JOB_COMPLETED", "BASELINE_CAPTURE_FAILED"])
    assert "ThrottlingException" in world.events[1].message


@pytest.mark.parametrize("after", [False, True])
def test_whoever_dies_between_the_baseline_and_the_success_is_made_good(after):
    world = a_world(SUCCEEDED)
    world.calls.arrange("dynamodb.UpdateItem", FunctionCrashed("completing"), after=after)
    with suppress(FunctionCrashed):
        complete(world)

    answer = complete(world)

    assert (answer["status"], world.told) == ("SUCCEEDED", ["JOB_COMPLETED", "POST_RUN_BASELINE_CAPTURED"])


def test_a_job_that_failed_is_followed_by_another_attempt_with_a_window_of_its_own():
    world = a_world(FAILED)

    answer = complete(world)

    assert (world.run.status, world.run.attempt, world.run.retries) == ("WAITING", 2, 1)
    assert answer == {
        "status": "WAITING",
        "retryAt": "2026-03-02T08:31:00+00:00",
        "windowEndsAt": "2026-03-02T09:31:00+00:00",
    }
    assert world.told == ["JOB_FAILED", "JOB_RETRIED"]


def test_a_run_that_is_tried_again_stays_in_the_ledger():
    world = a_world(FAILED)

    complete(world)

    assert len(world.due) == 1


def test_a_run_without_budget_has_failed():
    world = a_world(FAILED, max_retries=0)

    answer = complete(world)

    assert (answer["status"], world.told) == ("FAILED", ["JOB_FAILED", "RETRY_EXHAUSTED"])
    assert (world.run.outcome, world.due) == (FAILED, [])


@pytest.mark.parametrize("outcome", [SUCCEEDED, FAILED, PERMANENT])
@pytest.mark.parametrize("after", [False, True])
def test_a_function_that_dies_while_it_judges_says_the_same_the_next_time(outcome, after):
    whole, world = a_world(outcome), a_world(outcome)
    world.calls.arrange("dynamodb.UpdateItem", FunctionCrashed("moving"), after=after)

    with pytest.raises(FunctionCrashed):
        complete(world)

    assert complete(world) == complete(whole)
    assert (world.run, world.told) == (whole.run, whole.told)


def test_a_judgement_that_is_asked_for_again_announces_nothing_more():
    world = a_world(FAILED)

    answers = [complete(world), complete(world, now=later(minutes=9))]

    assert answers[0] == answers[1]
    assert world.told == ["JOB_FAILED", "JOB_RETRIED"]


@pytest.mark.parametrize(
    "current",
    [None, a_run("RUNNING", execution_name="another"), a_run("SUCCEEDED", execution_name="another")],
)
def test_an_execution_that_outlived_its_run_judges_nothing(current):
    world = a_world(run=current)

    with pytest.raises(RunOver):
        complete(world)

    assert world.run == current


def test_a_run_that_is_deleted_while_it_is_judged_is_over():
    world = a_world(SUCCEEDED)
    world.calls.arrange("dynamodb.UpdateItem", world.remove_run)

    with pytest.raises(RunOver):
        complete(world)

    assert (world.run, world.told) == (None, [])


def test_a_judgement_that_another_try_made_first_is_the_answer():
    world = a_world(FAILED)
    theirs = next_attempt(
        replace(RUNNING, outcome=FAILED), NOW, [], retry_at=later(minutes=7), window_ends_at=later(hours=2)
    )
    world.calls.arrange("dynamodb.UpdateItem", lambda: world.put_run(theirs))

    assert complete(world)["retryAt"] == "2026-03-02T08:37:00+00:00"
    assert world.told == []


# ---------------------------------------------------------------- a config that is gone


@pytest.mark.parametrize(
    ("outcome", "status"), [(SUCCEEDED, "SUCCEEDED"), pytest.param(FAILED, "FAILED", id="not tried again")]
)
def test_a_run_whose_config_is_gone_is_seen_to_its_end(outcome, status):
    world = a_world(outcome)
    world.remove_config()

    assert complete(world)["status"] == status
    assert "RETRY_EXHAUSTED" not in world.told


# ---------------------------------------------------------------- nobody reported an end


def test_before_the_windows_end_the_run_goes_back_to_sleep():
    world = a_world()

    answer = complete(world, now=at("2026-03-02T12:09:59"))

    assert (answer["status"], answer["jobEndsBy"]) == ("RUNNING", "2026-03-02T12:10:00+00:00")
    assert (world.run, world.told) == (RUNNING, [])


@pytest.mark.parametrize("says", [SUCCEEDED, FAILED])
def test_at_the_windows_end_the_service_is_asked_once_more(says):
    world = a_world(max_retries=0)
    world.jobs.says = says

    complete(world, now=WINDOW_ENDS)

    assert world.run.outcome == says
    assert "JOB_POLL_EXHAUSTED" not in world.told


@pytest.mark.parametrize(
    ("attempt", "reported_at", "becomes"),
    [
        pytest.param(1, NOW, "SUCCEEDED", id="of this attempt"),
        pytest.param(2, NOW, "WAITING", id="of another"),
        pytest.param(1, RUNNING.started_at - timedelta(minutes=5), "SUCCEEDED", id="by another clock"),
        pytest.param(1, RUNNING.started_at - timedelta(minutes=6), "WAITING", id="before it began"),
    ],
)
def test_an_end_whose_stream_record_was_lost_is_found_in_the_log_when_time_is_up(
    attempt, reported_at, becomes
):
    world = a_world()
    world.tasks.joblog.put(JobRecord(RUNNING.key, attempt, reported_at, SUCCEEDED))

    complete(world, now=WINDOW_ENDS)

    assert world.run.status == becomes


@pytest.mark.parametrize("says", [None, BUSY])
def test_a_job_of_which_nobody_knows_the_end_is_cancelled_and_its_attempt_timed_out(says):
    world = a_world()
    world.jobs.says = says

    complete(world, now=WINDOW_ENDS)

    assert world.told == ["JOB_POLL_EXHAUSTED", "JOB_TIMEOUT", "JOB_RETRIED"]
    assert world.jobs.cancelled == [RUNNING.handle]
    assert world.events[0].detail["remoteJob"] == "the job was cancelled"


@pytest.mark.parametrize("outcome", [None, DREAMING])
def test_a_job_that_may_live_and_is_to_be_left_is_neither_cancelled_nor_started_beside(outcome):
    world = a_world(outcome, on_timeout=OnTimeout.LEAVE, max_code_retries=3)

    answer = complete(world, now=WINDOW_ENDS)

    assert (answer["status"], world.jobs.cancelled) == ("FAILED", [])
    assert world.events[0].detail["remoteJob"] == "the job was left running"


def test_a_job_in_a_state_that_nobody_knows_is_cancelled():
    world = a_world(DREAMING)

    complete(world)

    assert (world.jobs.cancelled, world.run.status) == ([RUNNING.handle], "FAILED")


def test_a_cancellation_that_may_yet_work_is_tried_again_before_anything_is_judged():
    world = a_world(DREAMING)
    world.jobs.cancel_error = BUSY

    with pytest.raises(TriggerError):
        complete(world)

    assert (world.run.status, world.told) == ("RUNNING", [])


def test_a_cancellation_that_cannot_work_is_told():
    world = a_world(DREAMING)
    world.jobs.cancel_error = FORBIDDEN

    complete(world)

    assert world.events[0].detail["remoteJob"] == "the job could not be cancelled: AccessDenied"


def test_a_job_whose_config_is_gone_is_cancelled_all_the_same():
    world = a_world(on_timeout=OnTimeout.LEAVE)
    world.remove_config()

    complete(world, now=WINDOW_ENDS)

    assert (world.jobs.cancelled, world.run.status) == ([RUNNING.handle], "FAILED")


# ---------------------------------------------------------------- a step that failed for good


def give_up(world, run=RUNNING, error="States.Timeout"):
    return record_failure(a_task(run, None, error=error), world.tasks, NOW)


@pytest.mark.parametrize(
    ("error", "age", "status"),
    [
        ("Lambda.SdkClientException", timedelta(minutes=14), "WAITING"),  # who called may be calling yet
        ("Lambda.SdkClientException", timedelta(minutes=15), "EXPIRED"),
        ("Runtime.ExitError", timedelta(minutes=1), "EXPIRED"),
    ],
)
def test_a_start_that_may_take_place_yet_keeps_its_run_open_although_its_state_failed(error, age, status):
    waiting = a_run(intent=an_intent(1, NOW - age))
    world = a_world(run=waiting)

    with suppress(StartMayTakePlace):
        record_failure(a_task(waiting, None, error=error), world.tasks, NOW)

    assert (world.run.status, world.told) == (status, ["INFRA_FAILURE"] if status == "EXPIRED" else [])


def test_who_may_live_are_those_for_whom_the_state_machine_waits_before_it_starts_again():
    states = json.loads((ROOT / "statemachine" / "pipeline_run.asl.json").read_text(encoding="utf-8"))[
        "States"
    ]
    waits = [retry for retry in states["StartJob"]["Retry"] if retry.get("IntervalSeconds") == 900]

    assert [frozenset(retry["ErrorEquals"]) for retry in waits] == [FUNCTION_MAY_LIVE]


def test_a_waiting_run_whose_workflow_failed_can_be_revived():
    waiting = a_run(task_token="token", token_for="readiness")
    world = a_world(run=waiting)

    answer = give_up(world, waiting)

    assert (answer["status"], world.run.status, world.told) == ("EXPIRED", "EXPIRED", ["INFRA_FAILURE"])
    assert world.events[0].detail["error"] == "States.Timeout"
    assert (world.run.task_token, world.due) == (None, [])


def test_a_running_run_whose_workflow_failed_has_failed_and_its_job_is_stopped():
    world = a_world()

    answer = give_up(world)

    assert (answer["status"], world.told) == ("FAILED", ["INFRA_FAILURE", "JOB_FAILED"])
    assert (world.jobs.cancelled, world.due) == ([RUNNING.handle], [])


def test_a_workflow_that_failed_after_the_jobs_end_keeps_that_end():
    world = a_world(FAILED)

    give_up(world)

    assert (world.run.outcome, world.jobs.cancelled) == (FAILED, [])
    assert world.events[1].detail["error"] == "disk full"


@pytest.mark.parametrize(("on_timeout", "cancelled"), [(OnTimeout.CANCEL, 1), (OnTimeout.LEAVE, 0)])
def test_a_workflow_that_failed_leaves_no_job_in_a_state_that_nobody_knows(on_timeout, cancelled):
    world = a_world(DREAMING, on_timeout=on_timeout)

    give_up(world)

    assert (len(world.jobs.cancelled), world.run.outcome) == (cancelled, DREAMING)


def test_who_reads_of_the_failure_reads_of_the_success_too():
    world = a_world(SUCCEEDED)

    give_up(world)

    assert world.events[1].detail["recovered"] is True


def test_a_job_that_succeeded_has_succeeded_although_the_workflow_failed():
    world = a_world(SUCCEEDED)

    answer = give_up(world)

    assert (answer["status"], world.run.status) == ("SUCCEEDED", "SUCCEEDED")
    assert world.told == ["INFRA_FAILURE", "JOB_COMPLETED", "POST_RUN_BASELINE_CAPTURED"]


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "EXPIRED", "CANCELLED"])
def test_a_run_that_has_ended_is_left_as_it_is(status):
    ended = a_run(status)
    world = a_world(run=ended)

    assert give_up(world, ended)["status"] == status
    assert (world.run, world.told) == (ended, [])


def test_a_failure_that_is_recorded_twice_is_told_once():
    world = a_world()

    give_up(world)
    give_up(world)

    assert world.told == ["INFRA_FAILURE", "JOB_FAILED"]


def test_the_failure_of_an_execution_that_outlived_its_run_is_nobodys():
    world = a_world(run=a_run("RUNNING", execution_name="another"))

    with pytest.raises(RunOver):
        give_up(world)

    assert world.told == []


def test_a_failure_that_cannot_stop_the_job_now_is_recorded_by_the_next_try():
    world = a_world()
    world.jobs.cancel_error = BUSY

    with pytest.raises(TriggerError):
        give_up(world)

    assert (world.run, world.told) == (RUNNING, [])


@pytest.mark.parametrize(("tries", "recorded"), [(7, False), (8, True)])
@pytest.mark.parametrize("outcome", [None, DREAMING])
def test_a_job_that_cannot_be_stopped_keeps_its_run_open_for_some_time_only(outcome, tries, recorded):
    world = a_world(outcome)
    world.jobs.cancel_error = BUSY

    with suppress(TriggerError):
        record_failure(a_task(RUNNING, None, error="x", tries=tries), world.tasks, NOW)

    assert (world.run.status == "FAILED") is recorded
    assert not recorded or "could not be cancelled" in world.events[1].detail["remoteJob"]


def test_a_workflow_that_failed_before_a_job_was_started_stops_none():
    world = a_world(run=replace(RUNNING, handle=None))

    give_up(world)

    assert (world.jobs.cancelled, world.events[1].detail["remoteJob"]) == ([], "no job was started")


@pytest.mark.parametrize("outcome", [None, SUCCEEDED, FAILED])
def test_a_run_that_has_ended_sleeps_on_nothing(outcome):
    world = a_world(outcome)

    give_up(world)

    assert (world.run.task_token, world.run.token_for) == (None, None)


def test_a_failure_that_was_overtaken_is_tried_again_on_the_row_as_it_stands():
    world = a_world()
    done = moved(RUNNING, "SUCCEEDED", NOW)
    world.calls.arrange("dynamodb.UpdateItem", lambda: world.put_run(done))

    with pytest.raises(Lost):
        give_up(world)

    assert give_up(world)["status"] == "SUCCEEDED"
    assert world.told == []


def test_a_table_that_refuses_leaves_the_failure_to_the_next_try():
    world = a_world()
    world.calls.arrange("dynamodb.UpdateItem", CallFailed("dynamodb.UpdateItem", "ThrottlingException"))

    with pytest.raises(CallFailed):
        give_up(world)
    give_up(world)

    assert world.told == ["INFRA_FAILURE", "JOB_FAILED"]


def test_a_failure_is_recorded_although_somebody_wrote_over_the_config():
    world = a_world()
    world.table.from_outside().put({"PK": "PIPELINE#gold-revenue", "SK": "CONFIG", "config": "?"})

    assert give_up(world)["status"] == "FAILED"


def test_a_failed_run_is_not_tried_again_when_its_calendar_excludes_its_date_by_now():
    world = a_world(FAILED)
    excluded = a_pipeline(exclude=Exclude(calendar="company"), job=Job(JobType.GLUE, {"jobName": "etl"}))
    world.put_config(excluded)
    company = {"PK": "CALENDAR#company", "SK": "CALENDAR", "dates": ["2026-03-02"]}
    world.table.from_outside().put(company)

    answer = complete(world)

    assert (answer["status"], world.told) == ("FAILED", ["JOB_FAILED"])
    assert "excluded by the calendar company" in world.events[-1].detail["retry"]


def test_a_calendar_is_read_only_for_a_retry_that_would_be_made():
    world = a_world(FAILED)
    world.put_config(a_pipeline(exclude=Exclude(calendar="company"), job=Job(JobType.GLUE, max_retries=0)))
    world.table.from_outside().put({"PK": "CALENDAR#company", "SK": "CALENDAR", "dates": "unreadable"})

    complete(world)

    assert world.run.status == "FAILED"

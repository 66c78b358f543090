"""A run sleeps until its job's end is known, whoever noticed it first; nobody else's end wakes it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from builders import OPENED_AT, a_key, a_run, an_intent, at
from interlock.domain.job_record import JobRecord
from interlock.domain.run import FailureCategory, JobEnd, Outcome
from interlock.ports import CallFailed, DueRun, TriggerError
from interlock.simulation.faults import FunctionCrashed
from interlock.steps.await_job import await_job, next_poll, poll_job
from interlock.steps.job_end import record_end, settle
from interlock.steps.job_event import job_ended
from interlock.steps.remote_job import Asked, ask_job
from interlock.steps.task import RunOver
from world_builder import FAILED, NOW, SUCCEEDED, World, a_task, later

RUNNING = a_run("RUNNING")
ASLEEP = replace(RUNNING, task_token="token", token_for="job")
BUSY = TriggerError("Rate exceeded", permanent=False)
UNKNOWN_STATE = TriggerError("the job is DREAMING", permanent=True)


def wait(world, run=RUNNING, token="token"):
    return await_job(a_task(run, token), world.tasks, NOW)


def test_a_run_sleeps_until_its_job_has_ended():
    world = World(run=RUNNING)

    wait(world)

    assert (world.run.task_token, world.run.token_for) == ("token", "job")
    assert world.machine.woken == []


def test_an_end_that_was_reported_before_the_run_slept_wakes_it():
    world = World(run=replace(RUNNING, outcome=SUCCEEDED))

    wait(world)

    assert (world.machine.woken, world.due) == (["token"], [])


def test_a_workflow_that_ended_while_the_run_fell_asleep_is_not_forgotten():
    world = World(run=RUNNING)
    gone = DueRun(RUNNING.key, NOW, "workflow ABORTED", RUNNING.execution_count)
    world.calls.arrange("dynamodb.UpdateItem", lambda: world.outside.promise(gone), after=True)

    wait(world)

    (due,) = world.outside.due_runs_of("gold-revenue")
    assert due.waits_for == "workflow ABORTED"


def test_an_event_that_came_before_the_run_was_known_by_its_id_is_made_up_for():
    world = World(run=RUNNING)
    world.jobs.says = SUCCEEDED

    wait(world)

    assert (world.run.outcome, world.machine.woken) == (SUCCEEDED, ["token"])


def test_where_no_event_tells_of_an_end_none_can_have_come_too_early():
    world = World(run=RUNNING)
    world.jobs.publishes_end, world.jobs.says = False, SUCCEEDED

    wait(world)

    assert (world.run.outcome, world.machine.woken) == (None, [])


def test_what_is_odd_about_a_job_that_was_started_just_now_is_left_to_the_poll():
    world = World(run=RUNNING)
    world.jobs.says = UNKNOWN_STATE

    wait(world)

    assert (world.run.outcome, world.machine.woken) == (None, [])
    assert len(world.due) == 1


def test_a_report_between_the_token_and_the_look_is_the_one_that_counts():
    world = World(run=RUNNING)
    world.jobs.says = FAILED
    reported = replace(RUNNING, outcome=SUCCEEDED)
    world.calls.arrange("dynamodb.PutItem", lambda: world.put_run(reported), after=True)

    wait(world)

    assert (world.run.outcome, world.machine.woken) == (SUCCEEDED, ["token"])


@pytest.mark.parametrize(
    "current",
    [
        pytest.param(a_run(), id="waits for its next attempt"),
        pytest.param(a_run("SUCCEEDED"), id="has ended"),
        pytest.param(a_run("RUNNING", execution_name="another"), id="runs in another execution"),
        pytest.param(None, id="was deleted"),
    ],
)
def test_an_execution_that_outlived_its_run_takes_no_token_and_ends(current):
    world = World(run=current)

    with pytest.raises(RunOver):
        wait(world)

    assert (world.run, world.due) == (current, [])


def test_a_start_that_was_refused_for_good_needs_no_poll():
    world = World(run=replace(RUNNING, handle=None, remote_id=None, outcome=FAILED))

    wait(world)

    assert (world.machine.woken, world.due) == (["token"], [])


# ---------------------------------------------------------------- polls


@pytest.mark.parametrize(
    ("publishes_end", "can_be_asked", "polls", "at_"),
    [
        pytest.param(True, True, 0, "08:45:00", id="beside events, every 15 minutes"),
        pytest.param(True, True, 7, "08:45:00", id="beside events, for ever"),
        pytest.param(False, True, 0, "08:31:00", id="alone, after a minute"),
        pytest.param(False, True, 1, "08:31:30", id="then half as long again"),
        pytest.param(False, True, 2, "08:32:15", id="and again"),
        pytest.param(False, True, 4, "08:35:00", id="but never after more than 5 minutes"),
        pytest.param(False, True, 400_000, "08:35:00", id="however often"),
        pytest.param(False, False, 0, "12:10:00", id="one that cannot be asked, at its window's end"),
    ],
)
def test_a_job_is_looked_at_again_as_often_as_it_makes_sense(publishes_end, can_be_asked, polls, at_):
    trigger = World().jobs
    trigger.publishes_end, trigger.can_be_asked = publishes_end, can_be_asked

    due = next_poll(RUNNING, trigger, polls, NOW)

    assert (due.due_at.isoformat()[11:19], due.tries, due.waits_for) == (at_, polls + 1, "job")


@pytest.mark.parametrize(
    ("now", "at_"),
    [
        pytest.param(at("2026-03-02T12:05"), "12:10", id="not after the window's end"),
        pytest.param(at("2026-03-02T12:10"), "12:25", id="unless it is over: then the execution is late"),
    ],
)
def test_the_last_poll_is_at_the_windows_end(now, at_):
    assert next_poll(RUNNING, World().jobs, 0, now).due_at.isoformat()[11:16] == at_


@pytest.mark.parametrize(
    ("says", "told"),
    [
        (None, None),
        (SUCCEEDED, SUCCEEDED),
        pytest.param(BUSY, None, id="a service that is busy"),
        pytest.param(
            UNKNOWN_STATE,
            Outcome(JobEnd.FAIL, "the job is DREAMING", FailureCategory.PERMANENT, may_live=True),
            id="a state that nobody knows is a failure, and the job may live",
        ),
    ],
)
def test_a_service_is_believed_as_far_as_it_answers(says, told):
    world = World()
    world.jobs.says = says

    assert ask_job(RUNNING, world.jobs, world.vault).outcome == told


@pytest.mark.parametrize(("handle", "can_be_asked"), [(None, True), ({"runId": "jr_1"}, False)])
def test_who_cannot_be_asked_is_not(handle, can_be_asked):
    world = World()
    world.jobs.can_be_asked, world.jobs.says = can_be_asked, SUCCEEDED

    assert ask_job(replace(RUNNING, handle=handle), world.jobs, world.vault) == Asked()


def test_a_poll_that_finds_the_end_records_it_and_wakes_the_run():
    world = World(run=ASLEEP)
    world.jobs.says = FAILED

    poll_job(world.run, 3, world.tasks, NOW)

    assert (world.run.outcome, world.machine.woken) == (FAILED, ["token"])


def test_a_poll_that_finds_a_job_at_work_looks_again_later():
    world = World(run=ASLEEP)

    poll_job(world.run, 3, world.tasks, NOW)

    assert (world.run.outcome, world.machine.woken) == (None, [])
    assert world.due == [("2026-03-02", "08:45:00", 4)]


def test_a_poll_wakes_a_run_whose_waker_died():
    world = World(run=replace(ASLEEP, outcome=SUCCEEDED))

    poll_job(world.run, 3, world.tasks, NOW)

    assert world.machine.woken == ["token"]


def test_a_waking_that_fails_is_tried_again_at_the_next_poll():
    world = World(run=replace(ASLEEP, outcome=SUCCEEDED))
    world.calls.arrange("states.SendTaskSuccess", CallFailed("states.SendTaskSuccess", "Throttling"))

    with pytest.raises(CallFailed):
        poll_job(world.run, 3, world.tasks, NOW)
    poll_job(world.run, 3, world.tasks, later(minutes=1))

    assert world.machine.woken == ["token"]


def test_a_run_without_a_job_is_polled_for_nothing():
    world = World(run=replace(ASLEEP, handle=None))

    poll_job(world.run, 3, world.tasks, NOW)

    assert world.due == []


# ---------------------------------------------------------------- reports


def a_report(outcome=SUCCEEDED, **changes):
    return replace(JobRecord(a_key(), 1, NOW, outcome), **changes)


def report(world, record):
    settle(record, world.control, world.machine, NOW)


def test_a_report_wakes_the_run_that_sleeps_on_its_job():
    world = World(run=ASLEEP)

    report(world, a_report())

    assert (world.run.outcome, world.machine.woken) == (SUCCEEDED, ["token"])


def test_whoever_reports_first_is_believed():
    world = World(run=ASLEEP)

    report(world, a_report(SUCCEEDED))
    report(world, a_report(FAILED))

    assert world.run.outcome == SUCCEEDED


def test_a_report_that_comes_again_wakes_a_run_whose_waker_died():
    world = World(run=ASLEEP)
    world.calls.arrange("states.SendTaskSuccess", FunctionCrashed("waking"))

    with pytest.raises(FunctionCrashed):
        report(world, a_report())
    report(world, a_report())

    assert world.machine.woken == ["token"]


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(a_report(attempt=2), id="of another attempt"),
        pytest.param(a_report(run_id="jr_7"), id="of another job"),
        pytest.param(a_report(key=a_key(date="2026-03-03")), id="of another date"),
        pytest.param(a_report(key=a_key("silver")), id="of another pipeline"),
    ],
)
def test_a_report_of_something_else_changes_nothing(record):
    world = World(run=ASLEEP)

    report(world, record)

    assert (world.run, world.machine.woken) == (ASLEEP, [])


@pytest.mark.parametrize(
    ("status", "token_for"),
    [
        pytest.param("RUNNING", "readiness", id="a token that was for its rules"),
        pytest.param("RUNNING", None, id="no token yet"),
    ],
)
def test_a_run_that_does_not_sleep_on_its_job_is_not_woken_by_its_end(status, token_for):
    run = a_run(status, task_token="token" if token_for else None, token_for=token_for)
    world = World(run=run)

    report(world, a_report())

    assert (world.run.outcome, world.machine.woken) == (SUCCEEDED, [])


def test_a_job_that_ends_before_its_handle_is_stored_is_remembered_and_wakes_nobody():
    starting = a_run(intent=an_intent(1, OPENED_AT), task_token="old", token_for="readiness")
    world = World(run=starting)

    report(world, a_report())

    assert (world.run.outcome, world.run.status, world.machine.woken) == (SUCCEEDED, "WAITING", [])


def test_a_run_that_is_deleted_while_a_report_is_settled_is_no_error():
    world = World(run=ASLEEP)
    world.calls.arrange("dynamodb.UpdateItem", world.remove_run)

    report(world, a_report())

    assert (world.run, world.machine.woken) == (None, [])


def test_a_report_that_is_overtaken_by_the_next_attempt_wakes_nobody():
    world = World(run=ASLEEP)
    second = replace(ASLEEP, attempt=2, task_token="second", outcome=FAILED)
    world.calls.arrange("dynamodb.UpdateItem", lambda: world.put_run(second))

    report(world, a_report())

    assert world.machine.woken == []


def test_a_report_that_is_overtaken_by_another_wakes_the_run_all_the_same():
    """The other may have died before it woke anybody."""
    world = World(run=ASLEEP)
    world.calls.arrange("dynamodb.UpdateItem", lambda: world.put_run(replace(ASLEEP, outcome=FAILED)))

    report(world, a_report())

    assert (world.run.outcome, world.machine.woken) == (FAILED, ["token"])


def test_an_end_that_we_noticed_is_in_the_log_before_it_is_in_the_row():
    world = World(run=ASLEEP)
    world.calls.arrange("dynamodb.UpdateItem", FunctionCrashed("recording"))

    with pytest.raises(FunctionCrashed):
        record_end(ASLEEP, FAILED, world.control, world.tasks.joblog, NOW)

    (row,) = [row for row in world.rows if row["SK"].startswith("JOB#")]
    assert (row["event"], row["runId"]) == ("fail", ASLEEP.run_id)


def test_an_end_that_neither_the_log_nor_the_row_takes_is_not_taken_for_recorded():
    world = World(run=ASLEEP)
    world.calls.arrange("dynamodb.PutItem", CallFailed("dynamodb.PutItem", "ThrottlingException"))
    world.calls.arrange("dynamodb.UpdateItem", CallFailed("dynamodb.UpdateItem", "ThrottlingException"))

    with pytest.raises(CallFailed):
        record_end(ASLEEP, FAILED, world.control, world.tasks.joblog, NOW)


# ---------------------------------------------------------------- state-change events


def an_event(world, remote_id="jr_1", after=timedelta(0)):
    ports = world.tasks
    job_ended("glue", remote_id, FAILED, NOW + after, ports.control, ports.joblog, ports.machine)


def test_an_event_of_a_job_of_ours_settles_its_run():
    world = World(run=ASLEEP)
    world.tasks.joblog.remember_remote("glue", "jr_1", a_key(), 1, NOW)

    an_event(world)

    assert (world.run.outcome, world.machine.woken) == (FAILED, ["token"])


def test_an_event_that_is_delivered_twice_is_one_record():
    world = World(run=ASLEEP)
    world.tasks.joblog.remember_remote("glue", "jr_1", a_key(), 1, NOW)

    an_event(world)
    an_event(world)

    assert len([row for row in world.rows if row["SK"].startswith("JOB#")]) == 1


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(ASLEEP, id="of a row that was deleted and made anew"),
        pytest.param(a_run(intent=an_intent(1, NOW)), id="before its id is in the row: AwaitJob asks"),
    ],
)
def test_an_event_of_another_job_than_the_rows_settles_nothing(run):
    world = World(run=run)
    world.tasks.joblog.remember_remote("glue", "jr_0", a_key(), 1, NOW)

    an_event(world, "jr_0")

    assert (world.run, world.machine.woken) == (run, [])


def test_an_event_of_somebody_elses_job_is_ignored():
    world = World(run=ASLEEP)

    an_event(world, "jr_7")

    assert (world.run, world.joblog_table.query("PIPELINE#gold-revenue")) == (ASLEEP, [])

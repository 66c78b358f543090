"""A dry run opens, waits and ends without starting anything, wherever a function dies and whoever comes twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from builders import OPENED_AT, a_key, a_pipeline, a_rule, a_run
from interlock.domain.job_record import JobRecord
from interlock.domain.pipeline import Job, JobType, Sla
from interlock.domain.run import FailureCategory, JobEnd, Outcome, Run, RunStatus, moved
from interlock.ports import CallFailed, DueRun, Lost
from interlock.simulation.faults import FunctionCrashed
from interlock.steps.check_runs import ChecksFailed, check_runs
from interlock.steps.job_end import settle
from interlock.steps.open_run import open_run
from interlock.steps.wake_runs import wake_run
from world_builder import NOW, World, later

OBSERVES = a_pipeline(dry_run=True, rules=[a_rule()])
WAITING = a_run(dry_run=True)
STARTED = a_run("RUNNING", dry_run=True, handle=None, started_at=OPENED_AT + timedelta(minutes=30))
ENDED = a_run("SUCCEEDED", dry_run=True)
OPENED = ["RUN_OPENED"]
COMPLETE = ["DRY_RUN_WOULD_TRIGGER", "DRY_RUN_COMPLETED", "POST_RUN_BASELINE_CAPTURED"]


def a_world(run: Run | None = None, pipeline: Any = OBSERVES) -> World:
    world = World(pipeline, run)
    if run is not None:
        world.outside.promise(DueRun(a_key(), NOW, "readiness"))
    return world


def opens(world: World, pipeline: Any = OBSERVES, now: Any = NOW) -> None:
    open_run(pipeline, a_key(), "trigger", "upstream is ready", world.control, world.machine, now)


def looks(world: World, now: Any = NOW) -> Any:
    return wake_run(a_key(), OBSERVES, world.control, world.machine, now)


def checks(world: World, now: Any = NOW) -> None:
    check_runs(
        [due for due in world.outside.due_runs_of("gold-revenue") if due.due_at <= now], world.tasks, now
    )


# ---------------------------------------------------------------- from its opening to its end


def test_one_whose_rules_hold_already_ends_at_once():
    world = a_world()
    world.write_sensor(count=1000)

    opens(world)

    assert (world.told, world.run.status) == ([*OPENED, *COMPLETE], "SUCCEEDED")
    assert (world.due, world.machine.started, world.jobs.started) == ([], {}, [])


def test_one_that_waits_is_looked_at_after_a_minute_and_then_at_its_interval():
    world = a_world()
    opens(world)

    checks(world, later(minutes=1))

    assert world.due == [("2026-03-02", "08:36:00", 0)]
    assert world.told == OPENED


def test_the_write_at_which_its_rules_hold_ends_it():
    world = a_world(WAITING)
    world.write_sensor(count=1000)

    looks(world)

    assert (world.told, world.run.status, world.due) == (COMPLETE, "SUCCEEDED", [])
    assert world.run.started_at == NOW


def test_what_its_rules_read_is_kept_for_later_comparison():
    world = a_world(WAITING)
    world.write_sensor(count=1000)

    looks(world)

    assert world.run.seen == {"row-count": {"count": 1000}}
    assert world.outside.baseline(a_key()).sensors["row-count"] == {"count": 1000}


def test_its_sla_is_projected_before_it_ends():
    sla = Sla(expected_duration=timedelta(minutes=20), max_duration=timedelta(hours=1))
    pipeline = replace(OBSERVES, sla=sla)
    world = a_world(pipeline=pipeline)
    world.write_sensor(count=1000)

    opens(world, pipeline)

    assert world.told == [*OPENED, COMPLETE[0], "DRY_RUN_SLA_PROJECTION", *COMPLETE[1:]]


@pytest.mark.parametrize("call", range(1, 9))
@pytest.mark.parametrize("after", [False, True], ids=["before its effect", "after it"])
def test_whichever_call_it_dies_at_it_ends_once_and_says_everything_once(call, after, monkeypatch):
    world = a_world()
    world.write_sensor(count=1000)
    _dies_at(world, call, after, monkeypatch)

    with pytest.raises(FunctionCrashed):
        opens(world)
    opens(world, now=later(seconds=5))  # the record is delivered again
    checks(world, later(minutes=2))

    assert sorted(world.told) == sorted([*OPENED, *COMPLETE])
    assert (world.run.status, world.due, world.machine.started) == ("SUCCEEDED", [], {})


def _dies_at(world: World, call: int, after: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def strikes(*_: Any, **__: Any) -> None:
        made.append(1)
        if len(made) == call:
            raise FunctionCrashed

    monkeypatch.setattr(world.calls, "after" if after else "before", strikes)


def test_who_comes_second_says_nothing_again():
    world = a_world(WAITING)
    world.write_sensor(count=1000)
    by_another = moved(WAITING, RunStatus.RUNNING, NOW, started_at=NOW)
    world.calls.arrange("dynamodb.UpdateItem", lambda: world.put_run(by_another))

    looks(world)

    assert (world.told, world.run) == ([], by_another)


def test_one_that_died_half_way_is_ended_by_its_check_row():
    world = a_world(STARTED)

    checks(world)

    assert (world.told, world.run.status, world.due) == (COMPLETE[1:], "SUCCEEDED", [])


def test_one_that_died_half_way_is_ended_although_its_config_is_gone():
    world = a_world(STARTED, None)

    checks(world)

    assert (world.told, world.run.status, world.due) == (["DRY_RUN_COMPLETED"], "SUCCEEDED", [])


def test_a_baseline_that_cannot_be_kept_is_tried_again_and_then_told():
    world = a_world(STARTED)
    for _ in range(3):  # the check row that goes behind the others is the second
        world.calls.arrange("dynamodb.PutItem", CallFailed("dynamodb.PutItem", "ThrottlingException"))

    with pytest.raises(ChecksFailed):
        checks(world)
    assert world.run.status == "RUNNING"
    checks(world, later(minutes=11))

    assert world.told == ["DRY_RUN_COMPLETED", "BASELINE_CAPTURE_FAILED"]
    assert world.run.status == "SUCCEEDED"


# ---------------------------------------------------------------- when its rules never hold


def test_its_window_closes_as_any_other():
    world = a_world(WAITING)

    assert looks(world, later(minutes=30)) is None
    assert (world.told, world.run.status, world.due) == (["VALIDATION_EXHAUSTED"], "EXPIRED", [])
    assert world.events[0].detail["dryRun"] is True


def test_one_that_is_revived_while_its_check_row_goes_gets_another():
    world = a_world(WAITING)
    revived = replace(WAITING, version=9, confirmed=True)
    world.calls.arrange("dynamodb.DeleteItem", lambda: world.put_run(revived))

    looks(world, later(minutes=30))

    assert (world.run.status, world.due) == ("WAITING", [("2026-03-02", "09:01:00", 0)])


# ---------------------------------------------------------------- what happens outside afterwards

ONE_RETRY = replace(OBSERVES, job=Job(JobType.GLUE, max_retries=1))


def hears(world: World, end: JobEnd = JobEnd.FAIL, minutes: int = 0, category: Any = None) -> None:
    record = JobRecord(a_key(), 1, later(minutes=minutes), Outcome(end, "disk full", category))
    settle(record, world.control, world.machine, later(minutes=minutes))


def test_a_failure_outside_would_be_retried_within_the_budget_and_then_no_more():
    world = a_world(ENDED, ONE_RETRY)

    for minute in range(3):
        hears(world, minutes=minute)

    assert world.told == ["DRY_RUN_WOULD_RETRY", "DRY_RUN_RETRY_EXHAUSTED"]
    assert (world.run.status, world.run.retries) == ("SUCCEEDED", 1)


def test_a_failure_that_is_reported_twice_counts_once():
    world = a_world(ENDED, ONE_RETRY)

    hears(world)
    hears(world)

    assert world.told == ["DRY_RUN_WOULD_RETRY"]


def test_a_failure_that_loses_a_race_is_told_when_it_is_delivered_again():
    world = a_world(ENDED, ONE_RETRY)
    world.calls.arrange("dynamodb.UpdateItem", lambda: world.put_run(replace(ENDED, version=7)))

    with pytest.raises(Lost):
        hears(world)
    hears(world)

    assert (world.told, world.run.retries) == (["DRY_RUN_WOULD_RETRY"], 1)


def test_a_permanent_failure_uses_the_other_budget():
    world = a_world(ENDED, ONE_RETRY)

    hears(world, category=FailureCategory.PERMANENT)

    (told,) = world.events
    assert (told.type, "maxCodeRetries" in told.message) == ("DRY_RUN_RETRY_EXHAUSTED", True)


@pytest.mark.parametrize(
    ("run", "end"),
    [
        pytest.param(ENDED, JobEnd.SUCCESS, id="a success"),
        pytest.param(WAITING, JobEnd.FAIL, id="before its rules held"),
        pytest.param(a_run("EXPIRED", dry_run=True), JobEnd.FAIL, id="its rules never held"),
    ],
)
def test_what_interlock_would_not_have_answered_says_nothing(run, end):
    world = a_world(run, ONE_RETRY)

    hears(world, end)

    assert (world.told, world.run) == ([], run)


def test_without_a_config_there_is_no_budget_to_speak_of():
    world = a_world(ENDED, None)

    hears(world)

    assert world.told == []


# ---------------------------------------------------------------- dryRun switched on, or off


def test_an_expired_dry_run_whose_pipeline_runs_for_real_by_now_is_revived_for_real():
    real = replace(OBSERVES, dry_run=False)
    expired = replace(a_run("EXPIRED", dry_run=True), manual_reruns=1)
    world = a_world(expired, real)
    world.write_sensor(count=1000)

    wake_run(a_key(), real, world.control, world.machine, later(hours=2))

    run = world.run
    assert (run.status, run.dry_run, run.attempt, run.manual_reruns) == ("WAITING", False, 1, 0)
    assert list(world.machine.started) == [run.execution_name]


def test_an_expired_run_of_a_pipeline_that_only_observes_by_now_stays_expired():
    expired = a_run("EXPIRED")
    world = a_world(expired)
    world.write_sensor(count=1000)

    wake_run(a_key(), OBSERVES, world.control, world.machine, later(hours=2))

    assert (world.run, world.machine.started) == (expired, {})


def test_a_run_that_waits_for_real_goes_on_so():
    asleep = a_run(task_token="token", token_for="readiness")
    world = a_world(asleep)
    world.write_sensor(count=1000)

    looks(world)

    assert (world.machine.woken, world.told) == (["token"], [])

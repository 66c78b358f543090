"""Somebody asks for a partition again: decided once, told, and forgotten; a redelivery asks for nothing."""

from contextlib import suppress
from dataclasses import replace

import pytest

from builders import a_key, a_pipeline, a_rule, a_run
from interlock.aws import keys
from interlock.domain.pipeline import Exclude, Job, JobType
from interlock.domain.routing import RerunRequested
from interlock.domain.run import moved, opened
from interlock.ports import CallFailed
from interlock.simulation.faults import FunctionCrashed
from interlock.steps.request_rerun import RerunRaced, request_rerun
from world_builder import NOW, WAITS_FOR_ROWS, World, later

WINDOW = WAITS_FOR_ROWS.schedule.evaluation.window
FAILED = a_run("FAILED", retries=2, code_retries=1)


def request(world, request_id="r1", schedule_id="stream", **attributes):
    """The row as somebody puts it, and what the stream says of it."""
    key = a_key(schedule_id=schedule_id)
    partition, sort = keys.rerun_request_key(key)
    row = {"PK": partition, "SK": sort, "reason": "source was corrected", **attributes}
    world.table.from_outside().put(row)
    return RerunRequested(key, request_id, row, "source was corrected", "ana", attributes.get("force", False))


def decide(world, asked, pipeline=WAITS_FOR_ROWS, now=NOW):
    request_rerun(asked, pipeline, world.control, world.router.reruns, world.machine, now)


def ledger(world):
    return [
        (row["SK"], row["reason"], row["requestedBy"])
        for row in world.rerun_table.from_outside().query("PIPELINE#gold-revenue")
    ]


def still_asked(world):
    return world.outside.rerun_request(a_key()) is not None


def test_an_accepted_request_reopens_the_run_with_fresh_retry_budgets():
    world = World(run=FAILED)

    decide(world, request(world))

    run = world.run
    assert (run.status, run.attempt, run.opened_by) == ("WAITING", 2, "rerun")
    assert (run.retries, run.code_retries, run.manual_reruns) == (0, 0, 1)
    assert list(world.machine.started) == [run.execution_name]


def test_an_accepted_request_is_told_kept_and_forgotten():
    world = World(run=FAILED)

    decide(world, request(world))

    (told,) = world.events
    assert (told.type, told.detail["requestedBy"]) == ("RERUN_ACCEPTED", "ana")
    assert told.message == "run again: source was corrected"
    assert ledger(world) == [("RERUN#stream#2026-03-02#000001", "source was corrected", "ana")]
    assert not still_asked(world)


def test_a_partition_that_never_ran_is_opened_by_hand_and_uses_no_budget():
    world = World()

    decide(world, request(world))

    assert (world.run.status, world.run.opened_by, world.run.manual_reruns) == ("WAITING", "rerun", 0)
    assert world.told == ["RUN_OPENED", "RERUN_ACCEPTED"]
    assert list(world.machine.started) == [world.run.execution_name]


def test_a_rejected_request_says_why_and_is_forgotten():
    world = World(run=a_run("RUNNING"))

    decide(world, request(world))

    (told,) = world.events
    assert (told.type, told.message) == (
        "RERUN_REJECTED",
        "not run again: a run of this date is RUNNING",
    )
    assert (told.schedule_id, told.date) == ("stream", "2026-03-02")
    assert not still_asked(world)
    assert world.machine.started == {}


@pytest.mark.parametrize(
    ("pipeline", "schedule_id", "why"),
    [
        pytest.param(None, "stream", "there is no pipeline of this id", id="no pipeline"),
        pytest.param(WAITS_FOR_ROWS, "cron", "its schedule is 'stream', not 'cron'", id="another schedule"),
        pytest.param(
            a_pipeline(exclude=Exclude(days=(0,))), "stream", "Mondays are excluded", id="an excluded date"
        ),
        pytest.param(
            a_pipeline(job=Job(JobType.GLUE, max_manual_reruns=0)),
            "stream",
            "maxManualReruns",
            id="no budget",
        ),
    ],
)
def test_a_request_that_cannot_be_met_is_rejected_with_the_reason(pipeline, schedule_id, why):
    world = World(pipeline, FAILED)

    decide(world, request(world, schedule_id=schedule_id, force=True), pipeline)

    (told,) = world.events
    assert told.type == "RERUN_REJECTED"
    assert why in told.message
    assert (replace(world.run, alerted=False), world.machine.started) == (FAILED, {})


def test_a_deleted_request_asks_for_nothing():
    world = World(run=FAILED)
    asked = request(world)
    world.table.from_outside().delete(keys.rerun_request_key(a_key()))

    decide(world, asked)

    assert (world.run, world.told) == (FAILED, [])


# ---------------------------------------------------------------- redelivery, crashes, races


@pytest.mark.parametrize("run", [None, FAILED, a_run("RUNNING")])
def test_a_request_that_is_delivered_again_is_decided_once(run):
    world = World(run=run)
    asked = request(world)

    for minute in range(3):
        decide(world, asked, now=later(minutes=minute))

    assert len(world.events) == (2 if run is None else 1)
    assert len(ledger(world)) == (run is None or run is FAILED)


@pytest.mark.parametrize("run", [None, FAILED])
@pytest.mark.parametrize(
    "call", ["dynamodb.PutItem", "dynamodb.UpdateItem", "states.StartExecution", "dynamodb.DeleteItem"]
)
@pytest.mark.parametrize("after", [False, True])
def test_a_function_that_dies_while_it_decides_reruns_once(run, call, after):
    whole, world = World(run=run), World(run=run)
    decide(whole, request(whole))
    asked = request(world)
    world.calls.arrange(call, FunctionCrashed(call), after=after)

    with suppress(FunctionCrashed):  # not every call is made on both paths
        decide(world, asked)
    decide(world, asked)

    assert (world.run, world.told, ledger(world)) == (whole.run, whole.told, ledger(whole))
    assert world.machine.started == whole.machine.started
    assert not still_asked(world)


def test_a_function_that_dies_while_it_rejects_tells_once():
    world = World(run=a_run("RUNNING"))
    asked = request(world)
    world.calls.arrange("dynamodb.DeleteItem", FunctionCrashed("forgetting"))

    with pytest.raises(FunctionCrashed):
        decide(world, asked)
    decide(world, asked, now=later(minutes=1))

    assert world.told == ["RERUN_REJECTED"]


@pytest.mark.parametrize(
    "more",
    [{"force": True}, {"reason": "another reason"}, {"requestedBy": "ben"}],
    ids=lambda more: next(iter(more)),
)
def test_a_newer_request_that_was_put_before_the_first_was_decided_is_decided_too(more):
    world = World(run=a_run("RUNNING"))
    first, newer = request(world, "r1"), request(world, "r2", **more)

    decide(world, first)
    assert still_asked(world)
    decide(world, newer)

    assert world.told == ["RERUN_REJECTED", "RERUN_REJECTED"]
    assert not still_asked(world)


@pytest.mark.parametrize(
    ("before", "call", "meanwhile"),
    [
        pytest.param(None, "dynamodb.PutItem", opened(a_key(), "trigger", NOW, WINDOW), id="opened"),
        pytest.param(FAILED, "dynamodb.UpdateItem", moved(FAILED, "WAITING", NOW), id="reopened"),
    ],
)
def test_a_run_that_moves_while_its_rerun_is_decided_is_decided_on_as_it_stands_then(before, call, meanwhile):
    world = World(run=before)
    asked = request(world)
    world.calls.arrange("dynamodb.PutItem", lambda: None)  # the ledger's
    world.calls.arrange(call, lambda: world.put_run(meanwhile))

    with pytest.raises(RerunRaced):
        decide(world, asked)
    decide(world, asked)

    # The rejection is remembered in the row: the success that follows goes into its thread.
    assert (world.told, world.run) == (["RERUN_REJECTED"], replace(meanwhile, alerted=True))


def test_a_table_that_refuses_leaves_the_request_to_the_redelivery():
    world = World(run=FAILED)
    asked = request(world)
    world.calls.arrange("dynamodb.UpdateItem", CallFailed("dynamodb.UpdateItem", "ThrottlingException"))

    with pytest.raises(CallFailed):
        decide(world, asked)
    assert still_asked(world)
    decide(world, asked)

    assert (world.told, world.run.manual_reruns) == (["RERUN_ACCEPTED"], 1)


# ---------------------------------------------------------------- a pipeline that only observes

OBSERVES = a_pipeline(rules=[a_rule()], dry_run=True)


def observed(status="SUCCEEDED", **changes):
    return a_run(status, dry_run=True, retries=1, **changes)


def test_a_dry_run_would_be_run_again_within_its_budget_with_fresh_retries():
    world = World(OBSERVES, observed())

    decide(world, request(world, force=True), OBSERVES)
    decide(world, request(world, "r2", force=True), OBSERVES)

    assert world.told == ["DRY_RUN_WOULD_RERUN", "DRY_RUN_RERUN_REJECTED"]
    run = world.run
    assert (run.status, run.attempt, run.manual_reruns, run.retries) == ("SUCCEEDED", 1, 1, 0)
    assert (world.machine.started, ledger(world), still_asked(world)) == ({}, [], False)


def test_a_partition_that_was_never_observed_would_run_and_opens_nothing():
    world = World(OBSERVES)

    decide(world, request(world), OBSERVES)

    assert (world.told, world.run, world.machine.started) == (["DRY_RUN_WOULD_RERUN"], None, {})


def test_a_dry_rerun_that_was_told_before_a_crash_is_told_once():
    world = World(OBSERVES, observed())
    asked = request(world, force=True)
    world.calls.arrange("dynamodb.UpdateItem", FunctionCrashed(), after=True)

    with pytest.raises(FunctionCrashed):
        decide(world, asked, OBSERVES)
    decide(world, asked, OBSERVES)

    assert (world.told, world.run.manual_reruns, still_asked(world)) == (["DRY_RUN_WOULD_RERUN"], 1, False)


def test_a_dry_run_that_moved_while_it_was_decided_is_decided_again():
    world = World(OBSERVES, observed())
    world.calls.arrange("dynamodb.UpdateItem", lambda: world.put_run(observed(version=7)))

    with pytest.raises(RerunRaced):
        decide(world, request(world, force=True), OBSERVES)

    assert (world.told, still_asked(world)) == ([], True)


def test_what_was_only_observed_has_not_run_once_dryrun_is_off():
    world = World(WAITS_FOR_ROWS, observed(manual_reruns=1, succeeded_at=NOW, first_succeeded_at=NOW))

    decide(world, request(world))

    run = world.run
    assert (run.status, run.dry_run, run.attempt) == ("WAITING", False, 1)
    assert (run.manual_reruns, run.retries, run.first_succeeded_at) == (0, 0, None)
    assert list(world.machine.started) == [run.execution_name]

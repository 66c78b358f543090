"""One run for a date, however often it is asked for and wherever a function dies; and its revival."""

import pytest

from builders import OPENED_AT, a_key, a_pipeline, a_rule, a_run, a_trigger, at
from interlock.domain.pipeline import Deadline, Exclude
from interlock.domain.run import moved, opened, reopened
from interlock.ports import CallFailed
from interlock.simulation.faults import FunctionCrashed
from interlock.steps.open_run import open_run, revive_run
from world_builder import NOW, WAITS_FOR_ROWS, World, later

WINDOW = WAITS_FOR_ROWS.schedule.evaluation.window
UNTIL_NOON = a_pipeline(trigger=a_trigger(deadline=Deadline(hour=12, minute=0)))  # of 3 March
NOON = at("2026-03-03T12:00")
NO_MONDAYS = a_pipeline(exclude=Exclude(days=(0,)))


def ask(world, pipeline=WAITS_FOR_ROWS, now=NOW, opened_by="trigger"):
    return open_run(pipeline, a_key(), opened_by, "it is ready", world.control, world.machine, now)


def test_a_run_is_opened_announced_and_set_going():
    world = World()

    opening = ask(world)

    assert opening.is_new
    assert (world.run.status, world.run.window_ends_at) == ("WAITING", NOW + WINDOW)
    assert world.told == ["RUN_OPENED"]
    assert list(world.machine.started) == [world.run.execution_name]


def test_the_execution_is_given_keys_and_never_values():
    world = World()

    ask(world)

    (given,) = world.machine.started.values()
    assert given == {
        "run": {"pipelineId": "gold-revenue", "scheduleId": "stream", "date": "2026-03-02"},
        "windowEndsAt": "2026-03-02T09:30:00+00:00",
    }


def test_ten_asks_open_one_run_with_one_execution():
    world = World()

    openings = [ask(world, now=later(seconds=second)) for second in range(10)]

    assert [opening.is_new for opening in openings] == [True] + [False] * 9
    assert (world.told, len(world.machine.started)) == (["RUN_OPENED"], 1)


@pytest.mark.parametrize("call", ["dynamodb.PutItem", "states.StartExecution"])
@pytest.mark.parametrize("after", [False, True])
def test_a_function_that_dies_while_it_opens_a_run_is_made_good_by_the_redelivery(call, after):
    world = World()
    world.calls.arrange(call, FunctionCrashed(call), after=after)

    with pytest.raises(FunctionCrashed):
        ask(world)
    ask(world, now=later(minutes=3))

    assert world.told == ["RUN_OPENED"]
    assert list(world.machine.started) == [world.run.execution_name]


def test_the_watchdog_sees_to_a_run_whose_execution_was_never_asked_for():
    """Whoever opened it may give up: a cron's fire is delivered a few times only."""
    world = World()
    world.calls.arrange("states.StartExecution", FunctionCrashed("starting"))

    with pytest.raises(FunctionCrashed):
        ask(world)

    assert world.due == [("2026-03-02", "08:31:00", 0)]


def test_a_run_whose_execution_has_slept_is_not_started_again():
    world = World(run=a_run(confirmed=True))

    ask(world)

    assert world.machine.started == {}


def test_a_run_that_another_worker_opens_at_this_instant_is_the_one():
    world = World()
    theirs = opened(a_key(), "cron", OPENED_AT, WINDOW)
    world.calls.arrange("dynamodb.PutItem", lambda: world.put_run(theirs))

    opening = ask(world)

    assert (opening.is_new, opening.run) == (False, theirs)
    assert list(world.machine.started) == [theirs.execution_name]


@pytest.mark.parametrize("status", ["RUNNING", "SUCCEEDED", "FAILED", "EXPIRED", "CANCELLED"])
def test_a_run_that_is_past_its_waiting_is_left_alone(status):
    world = World(run=a_run(status, confirmed=False))

    opening = ask(world)

    assert not opening.is_new
    assert (world.run.status, world.machine.started) == (status, {})


def test_an_excluded_date_is_told_once_and_opens_nothing():
    world = World()

    openings = [ask(world, NO_MONDAYS, now=later(minutes=minute)) for minute in range(3)]

    assert [opening.run for opening in openings] == [None] * 3
    assert (world.run, world.told, world.machine.started) == (None, ["PIPELINE_EXCLUDED"], {})


def test_a_pipeline_that_only_observes_opens_a_run_without_an_execution():
    world = World()

    ask(world, a_pipeline(dry_run=True, rules=[a_rule()]))

    assert (world.run.status, world.run.dry_run, world.machine.started) == ("WAITING", True, {})
    assert world.due == [("2026-03-02", "08:31:00", 0)]


@pytest.mark.parametrize(
    ("now", "is_new"),
    [
        pytest.param(NOON, True, id="at the deadline"),
        pytest.param(at("2026-03-03T12:00:01"), False, id="after it"),
    ],
)
def test_after_the_triggers_deadline_nothing_opens(now, is_new):
    world = World()

    assert ask(world, UNTIL_NOON, now=now).is_new is is_new
    assert (world.run is not None) is is_new


def test_a_run_that_was_opened_in_time_is_set_going_after_the_deadline():
    world = World(run=a_run(confirmed=False))

    ask(world, UNTIL_NOON, now=at("2026-03-03T12:05"))

    assert list(world.machine.started) == [world.run.execution_name]


def test_a_table_that_refuses_is_the_callers_to_try_again():
    world = World()
    world.calls.arrange("dynamodb.PutItem", CallFailed("dynamodb.PutItem", "ThrottlingException"))

    with pytest.raises(CallFailed):
        ask(world)

    assert (world.run, world.machine.started) == (None, {})


# ---------------------------------------------------------------- revival


def revive(world, pipeline=WAITS_FOR_ROWS, now=NOW):
    revive_run(world.run, pipeline, world.control, world.machine, now)


def test_a_revived_run_waits_in_a_new_execution_and_is_not_opened_again():
    world = World(run=a_run("EXPIRED"))

    revive(world)

    assert (world.run.status, world.run.attempt, world.run.execution_count) == ("WAITING", 1, 2)
    assert world.run.window_ends_at == NOW + WINDOW
    assert (world.told, list(world.machine.started)) == ([], [world.run.execution_name])


@pytest.mark.parametrize(("now", "status"), [(NOON, "WAITING"), (at("2026-03-03T12:00:00.001"), "EXPIRED")])
def test_after_the_triggers_deadline_nothing_is_revived(now, status):
    world = World(run=a_run("EXPIRED"))

    revive(world, UNTIL_NOON, now)

    assert world.run.status == status


def test_a_date_that_was_excluded_meanwhile_is_not_revived():
    world = World(run=a_run("EXPIRED"))

    revive(world, NO_MONDAYS)

    assert (world.run.status, world.machine.started) == ("EXPIRED", {})


def test_a_revival_that_another_worker_began_and_did_not_live_to_start_is_started():
    world = World(run=a_run("EXPIRED"))
    theirs = reopened(world.run, NOW, WINDOW)
    world.calls.arrange("dynamodb.UpdateItem", lambda: world.put_run(theirs))

    revive(world)

    assert world.run == theirs
    assert list(world.machine.started) == [theirs.execution_name]


def test_a_run_that_was_deleted_is_not_revived():
    world = World(run=a_run("EXPIRED"))
    world.calls.arrange("dynamodb.UpdateItem", world.remove_run)

    revive(world)

    assert (world.run, world.machine.started) == (None, {})


def test_a_revival_that_was_overtaken_by_a_whole_attempt_starts_nothing():
    world = World(run=a_run("EXPIRED"))
    done = moved(moved(reopened(world.run, NOW, WINDOW), "RUNNING", NOW), "SUCCEEDED", NOW)
    world.calls.arrange("dynamodb.UpdateItem", lambda: world.put_run(done))

    revive(world)

    assert (world.run.status, world.machine.started) == ("SUCCEEDED", {})

"""The watchdog's runs are looked at one by one: what nobody woke goes on, and one that fails harms no other."""

from contextlib import suppress
from dataclasses import replace

import pytest

from builders import a_key, a_run, at
from interlock.domain.run import moved
from interlock.ports import CallFailed, DueRun
from interlock.simulation.faults import FunctionCrashed
from interlock.steps.check_runs import ChecksFailed, check_runs
from world_builder import NOW, SUCCEEDED, World

ASLEEP = a_run(task_token="token", token_for="readiness")
RUNNING = a_run("RUNNING", task_token="token", token_for="job")
WINDOW_ENDS = at("2026-03-02T09:00")


def a_world(run, **values):
    world = World(run=run)
    world.outside.promise(DueRun(a_key(), NOW, "readiness", 2))
    if values:
        world.write_sensor(**values)
    return world


def check(world, *others, now=NOW, tries=2):
    check_runs([DueRun(a_key(), NOW, "readiness", tries), *others], world.tasks, now)


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"])
def test_a_run_that_has_ended_leaves_the_ledger(status):
    world = a_world(a_run(status))

    check(world)

    assert (world.due, world.run.status, world.told) == ([], status, [])


def test_a_run_that_is_not_there_leaves_the_ledger():
    world = a_world(None)

    check(world)

    assert world.due == []


def test_a_run_whose_write_was_lost_is_woken():
    world = a_world(ASLEEP, count=1000)

    check(world)

    assert world.machine.woken == ["token"]
    assert world.due == [("2026-03-02", "08:35:00", 0)]  # until it has started: the waking may be lost too


def test_a_run_whose_rules_do_not_hold_is_looked_at_again():
    world = a_world(ASLEEP, count=999)

    check(world)

    assert world.machine.woken == []
    assert "row-count.count is 999" in world.run.verdicts[0].reason
    assert world.due == [("2026-03-02", "08:35:00", 0)]


def test_a_run_whose_execution_never_lived_is_set_going():
    world = a_world(replace(ASLEEP, confirmed=False, task_token=None, token_for=None))

    check(world)

    assert list(world.machine.started) == [ASLEEP.execution_name]


def test_a_run_in_its_back_off_is_not_woken_before_it_sleeps():
    world = a_world(
        replace(ASLEEP, task_token=None, token_for=None, retry_at=at("2026-03-02T08:40")), count=1000
    )

    check(world)

    assert world.machine.woken == []
    assert world.due == [("2026-03-02", "08:45:00", 0)]


def test_a_run_whose_window_is_over_expires_though_its_execution_says_nothing():
    world = a_world(ASLEEP, count=999)

    check(world, now=WINDOW_ENDS)

    assert (world.run.status, world.told, world.due) == ("EXPIRED", ["VALIDATION_EXHAUSTED"], [])
    assert world.machine.failed == [("token", "RunOver")]


@pytest.mark.parametrize("removed", [False, True], ids=["expired", "cancelled"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", ["dynamodb.UpdateItem", "states.SendTaskFailure", "dynamodb.DeleteItem"])
def test_whoever_dies_ending_a_run_leaves_no_execution_asleep(call, after, removed):
    world = a_world(ASLEEP, count=999)
    if removed:
        world.remove_config()
    world.calls.arrange(call, FunctionCrashed("ending it"), after=after)

    for _ in range(2):
        with suppress(FunctionCrashed):
            check(world, now=WINDOW_ENDS)
        world.calls.calm()
        if not world.due:
            break

    assert (world.run.status, world.due) == ("CANCELLED" if removed else "EXPIRED", [])
    assert ("token", "RunOver") in world.machine.failed


def test_an_expiry_that_died_half_way_is_finished():
    world = a_world(ASLEEP, count=999)
    world.calls.arrange("dynamodb.DeleteItem", FunctionCrashed("keeping the promise"))

    with pytest.raises(FunctionCrashed):
        check(world, now=WINDOW_ENDS)
    check(world, now=WINDOW_ENDS)

    assert (world.told, world.due) == (["VALIDATION_EXHAUSTED"], [])
    assert world.machine.failed == [("token", "RunOver")] * 2  # a token that is gone fails nobody


def test_an_expired_run_whose_rules_hold_by_now_is_revived():
    world = a_world(moved(ASLEEP, "EXPIRED", NOW), count=1000)

    check(world)

    assert (world.run.status, world.run.execution_count) == ("WAITING", 2)
    assert list(world.machine.started) == [world.run.execution_name]


# ---------------------------------------------------------------- jobs


def test_a_running_run_is_polled_and_its_polls_are_counted():
    world = a_world(RUNNING)

    check(world)

    assert world.due == [("2026-03-02", "08:45:00", 3)]


def test_a_job_whose_end_was_lost_completes_its_run():
    world = a_world(RUNNING)
    world.jobs.says = SUCCEEDED

    check(world)

    assert (world.run.outcome, world.machine.woken) == (SUCCEEDED, ["token"])


# ---------------------------------------------------------------- a config that is gone


def test_a_waiting_run_whose_config_is_gone_is_cancelled_and_its_execution_told():
    world = a_world(ASLEEP)
    world.remove_config()

    check(world)

    assert (world.run.status, world.due) == ("CANCELLED", [])
    assert world.machine.failed == [("token", "RunOver")]


def test_an_expired_run_whose_config_is_gone_leaves_the_ledger():
    world = a_world(a_run("EXPIRED"))
    world.remove_config()

    check(world)

    assert (world.run.status, world.due) == ("EXPIRED", [])


def test_a_job_whose_config_is_gone_is_polled_to_its_end():
    world = a_world(RUNNING)
    world.remove_config()
    world.jobs.says = SUCCEEDED

    check(world)

    assert world.machine.woken == ["token"]


# ---------------------------------------------------------------- neighbours


def a_neighbour(world):
    run = replace(RUNNING, key=a_key(date="2026-03-03"), task_token="neighbour", outcome=SUCCEEDED)
    world.put_run(run)
    return DueRun(run.key, NOW, "job")


def test_a_run_that_cannot_be_read_now_harms_no_other_and_is_named():
    world = a_world(ASLEEP)
    neighbour = a_neighbour(world)
    world.calls.arrange("dynamodb.GetItem", CallFailed("dynamodb.GetItem", "ThrottlingException"))

    with pytest.raises(ChecksFailed, match=r"gold-revenue 2026-03-02: .*ThrottlingException"):
        check(world, neighbour)

    assert world.machine.woken == ["neighbour"]


def test_a_run_that_somebody_wrote_over_harms_no_other_and_is_named():
    world = a_world(ASLEEP)
    neighbour = a_neighbour(world)
    world.table.from_outside().update(("PIPELINE#gold-revenue", "RUN#stream#2026-03-02"), {"status": "?"})

    with pytest.raises(ChecksFailed, match=r"2026-03-02.*is not a run's row"):
        check(world, neighbour)

    assert world.machine.woken == ["neighbour"]


def test_a_run_that_somebody_wrote_over_is_looked_at_again_in_an_hour_not_each_minute():
    world = a_world(ASLEEP)
    world.table.from_outside().update(("PIPELINE#gold-revenue", "RUN#stream#2026-03-02"), {"status": "?"})

    with pytest.raises(ChecksFailed):
        check(world)

    assert world.due == [("2026-03-02", "09:30:00", 2)]


def test_a_run_that_failed_stays_in_the_ledger_for_the_next_tick():
    world = a_world(ASLEEP)
    before = world.due
    world.calls.arrange("dynamodb.TransactGetItems", CallFailed("dynamodb.TransactGetItems", "Throttling"))

    with pytest.raises(ChecksFailed):
        check(world)

    assert world.due == before


def test_many_failures_are_named_in_few_words():
    world = a_world(None)
    dates = [a_key(date=f"2026-03-{day:02}") for day in range(1, 29)]
    for key in dates:
        world.table.from_outside().put({"PK": "PIPELINE#gold-revenue", "SK": f"RUN#stream#{key.date}"})

    with pytest.raises(ChecksFailed) as failed:
        check_runs([DueRun(key, NOW, "job") for key in dates], world.tasks, NOW)

    assert len(str(failed.value)) < 4000


def test_a_run_that_cannot_be_looked_at_goes_behind_the_others_that_are_due():
    world = World(run=a_run())
    world.outside.promise(DueRun(a_key(), at("2026-03-02T08:00"), "readiness"))
    world.calls.arrange("dynamodb.GetItem", CallFailed("dynamodb.GetItem", "ThrottlingException"))

    with pytest.raises(ChecksFailed):
        check_runs(world.outside.due_runs_of("gold-revenue"), world.tasks, NOW)

    assert world.due == [("2026-03-02", "08:30:00", 0)]

"""A slot goes to the first who waits, who is woken: whoever dies, however often it is told, whoever comes between."""

from contextlib import suppress
from dataclasses import replace

import pytest

from builders import a_key, a_run, an_intent
from interlock.domain.pool import ticket_of
from interlock.domain.run import RunStatus
from interlock.ports import DueRun
from interlock.simulation.faults import FunctionCrashed
from interlock.steps.check_runs import check_runs
from interlock.steps.give_back_slots import give_back, give_back_for_now, reclaim
from interlock.steps.slots import has_slots
from interlock.steps.start_job import start_job
from interlock.steps.task import NoLongerReady
from slot_world import MINE, THEIRS, SlotWorld, limited
from world_builder import NOW, a_task

EVERY_CALL = range(1, 14)
TICKET, THEIR_TICKET = ticket_of(MINE), ticket_of(THEIRS)
RUNNING = a_run("RUNNING", task_token="mine", token_for="job")
THIRD = a_run(key=a_key("third"), task_token="thirds", token_for="readiness")


def a_world(mine=RUNNING):
    """`gold-revenue` holds the slot; `other` waits, then `third`."""
    world = SlotWorld(mine)
    world.put_config(limited("third"))
    world.rows("third")
    world.put_run(THIRD)
    for run in (mine, THEIRS, THIRD):
        world.ask(run)
    return world


def over(world):
    """Its attempt has ended, and the record of it comes."""
    world.put_run(replace(world.run, status=RunStatus.SUCCEEDED))
    end(world)


def end(world):
    give_back(TICKET, ["warehouse"], world.control, world.machine, NOW)


def test_the_slot_goes_to_the_first_who_waits_and_wakes_nobody_else():
    world = a_world()

    over(world)

    assert (world.pool().holders, world.machine.woken) == ((THEIR_TICKET,), ["theirs"])


def test_an_end_that_is_told_twice_frees_one_slot():
    world = a_world()

    over(world)
    end(world)

    assert (world.pool().holders, world.pool().ahead_of(ticket_of(THIRD))) == ((THEIR_TICKET,), 0)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", EVERY_CALL)
def test_whoever_dies_giving_back_is_made_up_for_by_the_redelivery(number, after):
    world = a_world()
    world.put_run(replace(world.run, status=RunStatus.SUCCEEDED))

    def dies():
        raise FunctionCrashed("killed")

    world.at_call(number, dies, after=after)

    try:
        end(world)
    except FunctionCrashed:
        end(world)

    assert world.pool().holders == (THEIR_TICKET,)
    assert set(world.machine.woken) == {"theirs"}


@pytest.mark.parametrize("number", EVERY_CALL)
def test_two_who_give_back_at_once_free_one_slot(number):
    world = a_world()
    world.put_run(replace(world.run, status=RunStatus.SUCCEEDED))
    world.at_call(number, lambda: give_back(TICKET, ["warehouse"], world.outside, world.machine, NOW))

    end(world)

    assert (world.pool().holders, set(world.machine.woken)) == ((THEIR_TICKET,), {"theirs"})


@pytest.mark.parametrize("number", EVERY_CALL)
def test_a_slot_that_two_hand_on_at_once_is_never_two(number):
    """The first gives up in the queue while the holder ends."""
    world = a_world()
    world.put_run(replace(world.run, status=RunStatus.SUCCEEDED))

    def gives_up():
        world.rows("other", 1)
        give_back_for_now(world.outside.run(THEIRS.key), world.outside, world.machine, NOW)

    world.at_call(number, gives_up)

    end(world)

    assert len(world.pool().holders) <= 1


# ---------------------------------------------------------------- those who cannot start


def test_a_run_whose_rules_no_longer_hold_hands_the_slot_on_and_asks_again_in_another_turn():
    world = a_world()
    world.rows("other", 1)

    over(world)
    theirs = world.outside.run(THEIRS.key)

    assert (world.pool().holders, world.machine.woken) == ((ticket_of(THIRD),), ["thirds"])
    assert (theirs.slot_turn, ticket_of(theirs) in world.pool().tickets) == (1, False)


@pytest.mark.parametrize(
    ("key", "damage"),
    [
        pytest.param(("PIPELINE#other", "CONFIG"), {"pipeline": "{"}, id="its config"),
        pytest.param(("PIPELINE#other", "RUN#stream#2026-03-02"), {"status": "WAITING"}, id="its own row"),
    ],
)
def test_a_neighbour_whose_rows_were_written_over_fails_nobody(key, damage):
    world = a_world()
    world.table.from_outside().put({"PK": key[0], "SK": key[1], **damage})

    over(world)

    assert (world.run.status, world.machine.failed) == ("SUCCEEDED", [])


def test_a_run_whose_config_cannot_be_read_hands_the_slot_on_until_it_is_mended():
    world = a_world()
    world.table.from_outside().put({"PK": "PIPELINE#other", "SK": "CONFIG", "pipeline": "{"})

    over(world)

    assert world.machine.woken == ["thirds"]


def test_a_run_whose_limits_were_removed_is_woken_and_hands_its_slot_on():
    world = a_world()
    world.put_config(limited("other", slots=None))

    over(world)

    assert (world.machine.woken, world.pool().holders) == (["theirs"], (ticket_of(THIRD),))


# ---------------------------------------------------------------- while its own start is under way


@pytest.mark.parametrize("number", range(1, 6))
def test_a_slot_with_which_a_job_starts_meanwhile_is_not_given_away(number):
    world = a_world(MINE)
    seen = world.run
    tasks = replace(world.tasks, control=world.outside)
    world.at_call(number, lambda: starts(tasks))

    give_back_for_now(seen, world.control, world.machine, NOW)

    assert not world.jobs.started or ticket_of(world.run) in world.pool().holders


def starts(tasks):
    with suppress(NoLongerReady):
        start_job(a_task(MINE, None), tasks, NOW)


def test_a_run_whose_job_may_exist_keeps_its_slot_although_its_rules_no_longer_hold():
    world = a_world(replace(MINE, intent=an_intent(1, NOW)))

    give_back_for_now(world.run, world.control, world.machine, NOW)

    assert (world.pool().holders, world.run.slot_turn) == ((TICKET,), 0)


# ---------------------------------------------------------------- what no record told of


def test_the_first_who_waits_takes_the_slot_of_a_run_that_is_over():
    world = a_world()
    world.put_run(replace(RUNNING, status=RunStatus.FAILED))

    reclaim(world.outside.run(THEIRS.key), world.control, world.machine, NOW)

    assert (world.pool().holders, world.machine.woken) == ((THEIR_TICKET,), ["theirs"])


@pytest.mark.parametrize(
    "live",
    [
        pytest.param(RUNNING, id="runs"),
        pytest.param(MINE, id="is on its way"),
        pytest.param(replace(MINE, intent=an_intent(1, NOW)), id="may run"),
    ],
)
def test_nobody_takes_the_slot_of_a_run_that_is_not_over(live):
    world = a_world(live)

    reclaim(world.outside.run(THEIRS.key), world.control, world.machine, NOW)

    assert (world.pool().holders, world.machine.woken) == ((TICKET,), [])


def test_nobody_takes_the_slot_of_a_run_whose_row_was_written_over_for_its_job_may_run_on():
    world = a_world()
    world.table.from_outside().put({"PK": "PIPELINE#gold-revenue", "SK": "RUN#stream#2026-03-02"})

    reclaim(world.outside.run(THEIRS.key), world.control, world.machine, NOW)

    assert world.pool().holders == (TICKET,)


def test_a_row_that_was_deleted_by_hand_keeps_no_slot():
    world = a_world()
    world.remove_run()

    reclaim(world.outside.run(THEIRS.key), world.control, world.machine, NOW)

    assert world.pool().holders == (THEIR_TICKET,)


@pytest.mark.parametrize("damage", [None, {"status": "WAITING"}], ids=["deleted", "written over"])
def test_a_dead_first_holds_up_nobody_who_waits_behind_it(damage):
    world = a_world()
    if damage is None:
        world.remove_run(THEIRS.key)
    else:
        world.table.from_outside().put({"PK": "PIPELINE#other", "SK": "RUN#stream#2026-03-02", **damage})
    world.put_run(replace(RUNNING, status=RunStatus.FAILED))

    reclaim(world.outside.run(THIRD.key), world.control, world.machine, NOW)

    assert (world.pool().holders, world.machine.woken) == ((ticket_of(THIRD),), ["thirds"])


def test_whoever_waits_behind_a_live_first_leaves_it_to_him():
    world = a_world()
    world.put_run(replace(RUNNING, status=RunStatus.FAILED))

    reclaim(world.outside.run(THIRD.key), world.control, world.machine, NOW)

    assert world.pool().holders == (TICKET,)


@pytest.mark.parametrize("number", EVERY_CALL)
def test_a_slot_is_not_taken_from_a_run_that_tries_again_meanwhile(number):
    world = a_world()
    again = replace(MINE, attempt=2)

    def tries_again():
        world.put_run(again)
        give_back(TICKET, ["warehouse"], world.outside, world.machine, NOW)
        has_slots(again, limited(), world.outside, NOW)

    world.at_call(number, tries_again)

    reclaim(world.outside.run(THEIRS.key), world.control, world.machine, NOW)

    assert world.pool().holders in ((THEIR_TICKET,), (TICKET,))


def test_a_look_at_a_run_that_waits_reclaims_and_starts_it():
    world = a_world()
    world.put_run(replace(RUNNING, status=RunStatus.FAILED))

    check_runs([DueRun(THEIRS.key, NOW, "readiness")], world.tasks, NOW)

    assert "theirs" in world.machine.woken

"""A job starts only while its run holds the slots: whatever somebody else does between any two calls, wherever it dies."""

from dataclasses import replace

import pytest

from builders import a_run, an_intent
from interlock.domain.pool import ticket_of
from interlock.domain.run import RunStatus, moved
from interlock.ports import CallFailed, DueRun, Lost, StartedJob
from interlock.simulation.faults import FunctionCrashed
from interlock.steps.check_runs import check_runs
from interlock.steps.evaluate_readiness import evaluate_readiness
from interlock.steps.give_back_slots import give_back, give_back_for_now
from interlock.steps.slots import change, has_slots
from interlock.steps.start_job import start_job
from interlock.steps.task import NoLongerReady
from slot_world import MINE, THEIRS, SlotWorld, limited
from world_builder import NOW, a_task, later

EVERY_CALL = range(1, 12)
TICKET, THEIR_TICKET = ticket_of(MINE), ticket_of(THEIRS)


def have(world, run=None, pipeline=None):
    return has_slots(run or world.run, pipeline or limited(), world.control, NOW)


def start(world, run=MINE):
    return start_job(a_task(run, None), world.tasks, NOW)


def tolerated(world, run=MINE):
    """A try of StartJob that the state machine would repeat, or sends back to waiting."""
    try:
        start(world, run)
    except (FunctionCrashed, Lost, NoLongerReady) as error:
        return error
    return None


# ---------------------------------------------------------------- asking


def test_a_run_that_gets_its_slots_says_so_in_its_row():
    world = SlotWorld()

    held = have(world)

    assert (held.pools, held.slots_at, world.run) == (("warehouse",), NOW, held)
    assert world.pool().holders == (TICKET,)


def test_a_run_that_gets_none_waits_and_tells_why_once():
    world = SlotWorld()
    world.ask(THEIRS)

    assert [have(world), have(world)] == [None, None]
    assert (world.pool().ahead_of(TICKET), world.told) == (0, ["SLOT_AWAITED"])
    assert world.events[0].detail == {
        "pool": "warehouse",
        "slots": 1,
        "heldBy": ["other 2026-03-02"],
        "ahead": 0,
    }


def test_no_slot_of_the_second_limit_is_asked_for_before_the_first_is_held():
    world = SlotWorld(max_concurrent_runs=1)
    other_date = replace(THEIRS, key=replace(MINE.key, date="2026-03-01"))
    world.put_run(other_date)
    world.ask(other_date, pool="pipeline:gold-revenue")

    assert have(world, pipeline=limited(max_concurrent_runs=1)) is None
    assert world.pool().is_empty


def test_a_run_whose_config_names_another_pool_leaves_the_queue_of_the_first():
    world = SlotWorld()
    world.ask(THEIRS)
    have(world)

    held = have(world, pipeline=limited(pool="lake"))

    assert (held.pools, world.pool("lake").holders) == (("lake",), (ticket_of(held),))
    assert world.pool().tickets == (THEIR_TICKET,)


def test_a_run_whose_config_lost_its_limits_holds_nothing_any_more():
    world = SlotWorld()
    have(world)

    held = have(world, pipeline=limited(slots=None))

    assert (held.pools, world.pool().is_empty) == ((), True)


def test_a_run_that_was_granted_a_slot_that_is_there_no_more_waits_first_of_all():
    world = SlotWorld()
    world.ask(THEIRS, slots=2)
    assert have(world, pipeline=limited(slots=2)) is not None

    assert have(world, pipeline=limited(slots=1)) is None
    assert (world.pool().holders, world.pool().ahead_of(ticket_of(world.run))) == ((THEIR_TICKET,), 0)
    assert world.run.slots_at is None


def test_a_run_whose_job_may_exist_keeps_the_slot_that_is_there_no_more():
    tried = replace(MINE, intent=an_intent(1, NOW))
    world = SlotWorld(tried)
    world.ask(THEIRS, slots=2)
    have(world, pipeline=limited(slots=2))

    assert have(world, pipeline=limited(slots=1)) is not None
    assert world.pool().holders == (THEIR_TICKET, TICKET)


def test_a_pool_that_too_many_change_at_once_is_said_to_be_busy():
    world = SlotWorld()

    def somebody():
        run = replace(THEIRS, slot_turn=world.pool().version)
        world.ask_only(run)

    world.calls.before = lambda call, *_: somebody() if call == "dynamodb.PutItem" else None

    with pytest.raises(CallFailed, match="the pool warehouse is changed by too many at once"):
        change("warehouse", lambda pool: replace(pool, holders=(TICKET,)), world.control, NOW)


# ---------------------------------------------------------------- at the start


def test_a_job_whose_run_has_no_slot_does_not_start():
    world = SlotWorld()
    world.ask(THEIRS)

    with pytest.raises(NoLongerReady):
        start(world)

    assert (world.jobs.started, world.run.status) == ([], "WAITING")


def test_a_run_whose_earlier_start_came_to_nothing_waits_for_its_slot_asleep():
    # Revived: its slots went with its former life, its intent did not.
    world = SlotWorld(replace(MINE, intent=an_intent(1, NOW)))
    world.ask(THEIRS)

    with pytest.raises(NoLongerReady):
        start(world)
    evaluate_readiness(a_task(MINE, "again"), world.tasks, NOW)

    assert world.machine.woken == []


def test_a_job_that_is_found_after_its_slots_went_counts_beside_those_that_have_them():
    world = SlotWorld(replace(MINE, intent=an_intent(1, NOW)))
    world.ask(THEIRS)
    world.jobs.found = StartedJob({"jobName": "etl", "runId": "jr_9"}, "jr_9")

    start(world)

    assert world.run.status is RunStatus.RUNNING
    assert world.pool().holders == (THEIR_TICKET, TICKET)


def test_a_job_that_is_found_in_the_same_life_holds_its_slot_once():
    world = SlotWorld()
    world.calls.arrange("glue.StartJobRun", FunctionCrashed("killed"), after=True)
    assert isinstance(tolerated(world), FunctionCrashed)
    world.jobs.found = StartedJob({"jobName": "etl", "runId": "jr_1"}, "jr_1")

    start(world)

    assert (len(world.jobs.started), world.pool().holders) == (1, (TICKET,))


# ---------------------------------------------------------------- between any two calls


def flips(world):
    """Its rules hold no more: whoever sees it gives the slots away, and `other` takes one."""
    world.rows("gold-revenue", 1)
    give_back_for_now(world.run, world.outside, world.machine, NOW)
    current = world.outside.run(THEIRS.key)
    has_slots(current, limited("other"), world.outside, NOW)


def flips_twice(world):
    flips(world)
    give_back(ticket_of(world.outside.run(THEIRS.key)), ["warehouse"], world.outside, world.machine, NOW)
    world.rows("gold-revenue")
    has_slots(world.run, limited(), world.outside, NOW)


def is_reconfigured(world):
    """Fewer slots, and the first is `other`'s."""
    world.put_config(limited(pool="lake"))
    has_slots(world.run, limited(pool="lake"), world.outside, NOW)
    has_slots(world.outside.run(THEIRS.key), limited("other"), world.outside, NOW)


@pytest.mark.parametrize("number", EVERY_CALL)
@pytest.mark.parametrize("meanwhile", [flips, flips_twice, is_reconfigured])
@pytest.mark.parametrize("held", [True, False], ids=["held", "not yet asked for"])
def test_a_job_that_starts_holds_a_slot_whatever_somebody_else_does_meanwhile(number, meanwhile, held):
    world = SlotWorld()
    if held:
        have(world)
    world.at_call(number, lambda: meanwhile(world))

    tolerated(world)

    holders = [*world.pool().holders, *world.pool("lake").holders]
    assert len(world.pool().holders) <= 1
    assert not world.jobs.started or ticket_of(world.run) in holders


@pytest.mark.parametrize("number", range(1, 6))
def test_a_late_look_takes_no_slot_from_a_later_turn_of_its_run(number):
    world = SlotWorld()
    world.at_call(
        number, lambda: (flips_twice(world), start_job(a_task(MINE, None), later_tasks(world), NOW))
    )

    have(world, run=MINE)

    assert world.run.status is RunStatus.RUNNING
    assert world.pool().holders == (ticket_of(world.run),)


def later_tasks(world):
    return replace(world.tasks, control=world.outside)


@pytest.mark.parametrize("number", range(1, 6))
def test_a_look_at_a_run_that_ends_meanwhile_leaves_no_ticket_behind(number):
    world = SlotWorld()

    def ends():
        current = world.run
        world.outside.move(current, moved(current, RunStatus.CANCELLED, NOW))
        give_back(ticket_of(current), current.pools, world.outside, world.machine, NOW)

    world.at_call(number, ends)

    have(world)

    assert world.pool().is_empty


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", EVERY_CALL)
def test_a_start_that_dies_at_any_call_and_is_tried_again_holds_one_slot_for_one_job(number, after):
    world = SlotWorld()

    def dies():
        raise FunctionCrashed("killed")

    world.at_call(number, dies, after=after)

    first = tolerated(world)
    if world.jobs.started and isinstance(first, FunctionCrashed):
        world.jobs.found = StartedJob({"jobName": "etl", "runId": "jr_1"}, "jr_1")
    if isinstance(first, FunctionCrashed):
        tolerated(world)

    assert (len(world.jobs.started), world.run.status) == (1, "RUNNING")
    assert world.pool().holders == (TICKET,)


# ---------------------------------------------------------------- asleep


def test_a_run_that_falls_asleep_without_a_slot_is_looked_at_after_an_interval():
    world = SlotWorld()
    world.ask(THEIRS)

    evaluate_readiness(a_task(MINE), world.tasks, NOW)

    assert (world.machine.woken, world.due) == ([], [("2026-03-02", "08:35:00", 0)])


def test_a_run_whose_waking_was_lost_is_woken_by_its_own_next_look():
    world = SlotWorld()
    world.ask(MINE)  # granted; whoever granted it died

    check_runs([DueRun(MINE.key, NOW, "readiness")], world.tasks, NOW)

    assert world.machine.woken == ["mine"]


def test_a_run_that_waits_for_a_slot_is_never_overdue_and_one_that_was_granted_it_is():
    world = SlotWorld()
    world.ask(THEIRS)
    have(world)

    check_runs([DueRun(MINE.key, NOW, "readiness")], world.tasks, later(days=3))
    waiting = world.run.status
    give_back(THEIR_TICKET, ["warehouse"], world.control, world.machine, later(days=3))
    check_runs([DueRun(MINE.key, NOW, "readiness")], world.tasks, later(days=3, minutes=16))

    assert (waiting, world.run.status) == ("WAITING", "EXPIRED")


def test_a_retry_asks_anew():
    world = SlotWorld(a_run("WAITING", attempt=2, task_token="mine", token_for="readiness"))
    world.ask_only(MINE)  # the first attempt's, of whose end no record told yet

    assert have(world) is not None
    assert world.pool().tickets == (ticket_of(world.run),)

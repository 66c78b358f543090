"""A tick hands on what is due and nothing else; a part that fails is named once, and stops no other part."""

from datetime import timedelta

import pytest

from builders import a_key, a_pipeline, at
from interlock.aws import keys
from interlock.domain.promise import PromiseKind, promised
from interlock.ports import DUE_SHARDS, CallFailed, DueRun, SweepPass
from interlock.steps.tick import TickFailed
from watchdog_world import WatchdogWorld

NOW = at("2026-03-02T08:31")  # no minute of a config sync
SYNC_MINUTE = at("2026-03-02T08:35")
REFUSED = CallFailed("lambda.Invoke", "TooManyRequestsException")
THROTTLED = CallFailed("dynamodb.Query", "ThrottlingException")


@pytest.fixture
def world():
    """Of which a sweep has been made just now."""
    world = WatchdogWorld()
    world.ports.memory.advance(None, SweepPass(NOW, None))
    world.calls.made.clear()
    return world


@pytest.fixture
def functions(world):
    return world.functions


def promise(world, due_at=NOW, **key):
    due = DueRun(a_key(**key), due_at, "readiness", 3)
    world.outside.promise(due)
    return due


def tick(world, functions, now=NOW):
    assert functions is world.functions
    return world.tick(now).handed_on


def in_each_shard():
    """A pipeline for each shard."""
    names = {keys.due_shard(a_key(name)): name for name in (f"p{number}" for number in range(100))}
    return [names[shard] for shard in range(DUE_SHARDS)]


@pytest.mark.parametrize(
    ("due_at", "handed_on"),
    [(NOW - timedelta(days=3), 1), (NOW, 1), pytest.param(NOW + timedelta(milliseconds=1), 0, id="not yet")],
)
def test_what_is_due_by_now_is_handed_on(world, functions, due_at, handed_on):
    promise(world, due_at)

    assert tick(world, functions) == handed_on
    assert len(functions.dates) == handed_on


def test_what_is_handed_on_is_whole_and_stays_in_the_ledger(world, functions):
    """A hand-over that is lost is repeated: only who has looked moves the row."""
    due = promise(world)

    tick(world, functions)
    tick(world, functions)

    assert functions.batches == [[due], [due]]


def test_the_runs_of_every_shard_are_found(world, functions):
    for pipeline_id in in_each_shard():
        promise(world, pipeline_id=pipeline_id)

    assert tick(world, functions) == DUE_SHARDS


def test_many_runs_go_in_batches(world, functions):
    for hour in range(24):
        for minute in (0, 15, 30):
            promise(world, date=f"2026-03-02T{hour:02}:{minute:02}")

    assert tick(world, functions) == 72
    assert [len(batch) for batch in functions.batches] == [25, 25, 22]


def test_a_quiet_tick_asks_each_shard_once_and_hands_on_nothing(world, functions):
    tick(world, functions)

    # Besides, how far the sweep has come and which parts failed at the tick before.
    assert world.calls.made == [*["dynamodb.Query"] * DUE_SHARDS, "dynamodb.GetItem", "dynamodb.GetItem"]
    assert functions.batches == []


def degraded(world):
    """The parts that were named, a list for each event."""
    return [event.detail["parts"] for event in world.events if event.type == "WATCHDOG_DEGRADED"]


def test_a_shard_that_cannot_be_read_stops_no_other_and_is_named(world, functions):
    for pipeline_id in in_each_shard():
        promise(world, pipeline_id=pipeline_id)
    world.calls.arrange("dynamodb.Query", THROTTLED)

    tick(world, functions)

    assert len(functions.dates) == DUE_SHARDS - 1
    assert degraded(world) == [["due shard 0"]]


def test_a_hand_over_that_is_refused_stops_no_other_and_is_made_at_the_next_tick(world, functions):
    for hour in range(24):
        for minute in (0, 30):
            promise(world, date=f"2026-03-02T{hour:02}:{minute:02}")
    functions.refusals.append(REFUSED)

    assert tick(world, functions) == 23
    assert degraded(world) == [["hand-over of runs"]]

    assert tick(world, functions) == 48


def test_a_part_that_goes_on_failing_is_named_once(world, functions):
    for minute in range(3):
        world.calls.arrange("dynamodb.Query", THROTTLED)
        tick(world, functions, NOW + timedelta(minutes=minute))

    assert degraded(world) == [["due shard 0"]]


def test_a_part_that_has_worked_in_between_is_named_again(world, functions):
    for minute in range(3):
        if minute != 1:
            world.calls.arrange("dynamodb.Query", THROTTLED)
        tick(world, functions, NOW + timedelta(minutes=minute))

    assert degraded(world) == [["due shard 0"], ["due shard 0"]]


def test_another_part_that_begins_to_fail_is_named_alone(world, functions):
    world.calls.arrange("dynamodb.Query", THROTTLED)
    tick(world, functions)
    world.calls.arrange("dynamodb.Query", THROTTLED)
    functions.refusals.append(REFUSED)
    tick(world, functions, SYNC_MINUTE)

    assert degraded(world) == [["due shard 0"], ["config sync"]]


def test_a_config_sync_that_failed_is_taken_to_fail_until_the_next_one(world, functions):
    functions.refusals.append(REFUSED)
    tick(world, functions, SYNC_MINUTE)
    tick(world, functions, SYNC_MINUTE + timedelta(minutes=1))
    functions.refusals.append(REFUSED)
    tick(world, functions, SYNC_MINUTE + timedelta(minutes=5))

    assert degraded(world) == [["config sync"]]


def test_a_tick_that_can_write_nothing_down_fails_as_a_whole(world, functions):
    world.calls.arrange("dynamodb.Query", THROTTLED)
    world.calls.arrange("dynamodb.PutItem", CallFailed("dynamodb.PutItem", "ThrottlingException"))

    with pytest.raises(TickFailed, match=r"due shard 0: .*could not be written down.*PutItem"):
        tick(world, functions)


def test_two_ticks_at_once_name_a_part_once(world, functions):
    def another_tick():
        world.calls.arrange("dynamodb.Query", THROTTLED)
        tick(world, functions)

    world.calls.arrange("dynamodb.Query", THROTTLED)
    world.calls.arrange("dynamodb.PutItem", another_tick)

    tick(world, functions)

    assert degraded(world) == [["due shard 0"]]


@pytest.mark.parametrize(("now", "syncs"), [(NOW, 0), (SYNC_MINUTE, 1), (at("2026-03-02T09:00:59"), 1)])
def test_configs_are_synced_every_five_minutes(world, functions, now, syncs):
    tick(world, functions, now)

    assert functions.syncs == syncs


def test_configs_are_synced_although_a_shard_cannot_be_read(world, functions):
    world.calls.arrange("dynamodb.Query", THROTTLED)

    tick(world, functions, SYNC_MINUTE)

    assert functions.syncs == 1


@pytest.mark.parametrize(
    ("latest", "asked"),
    [
        pytest.param(SweepPass(NOW - timedelta(minutes=1), None), 0, id="a pass is just over"),
        pytest.param(SweepPass(NOW - timedelta(minutes=1), "b.yaml"), 1, id="one is under way"),
        pytest.param(SweepPass(NOW - timedelta(minutes=55), None), 1, id="the next is due"),
        pytest.param(SweepPass(NOW + timedelta(minutes=5), None), 1, id="the clock went backwards"),
    ],
)
def test_a_page_of_the_sweep_is_asked_for_while_there_is_something_to_sweep(latest, asked):
    world = WatchdogWorld()
    world.ports.memory.advance(None, latest)

    world.tick(NOW)

    assert world.functions.sweeps == asked


FIRE = PromiseKind.FIRE
DAILY = a_pipeline(cron="0 8 * * *")


def a_fire(world, date, due_at=NOW, pipeline_id="gold-revenue"):
    world.outside.make_promise(promised(FIRE, a_key(pipeline_id, "cron", date), due_at, NOW))


def test_promises_for_which_there_is_no_time_are_due_at_the_next_tick(world):
    for day in range(1, 6):
        a_fire(world, f"2026-02-{day:02}")
    world.seconds_a_look = 15.0  # the third look finds forty seconds over

    assert world.tick(NOW).promises == 2
    assert world.tick(NOW).promises == 2
    assert world.tick(NOW).promises == 1
    assert world.open_promises() == []


def test_a_promise_that_keeps_failing_goes_behind_those_that_are_due_as_well(world):
    world.load(DAILY)
    a_fire(world, "2026-03-01", NOW - timedelta(hours=20))
    a_fire(world, "2026-02-28", NOW - timedelta(hours=10))
    # The first read is of how far the sweep has come.
    world.calls.arrange("dynamodb.GetItem", lambda: None)
    world.calls.arrange("dynamodb.GetItem", CallFailed("dynamodb.GetItem", "ThrottlingException"))

    world.tick(NOW)

    assert degraded(world) == [["cron fires"]]
    assert world.told_of("SCHEDULE_MISSED") == ["2026-02-28"]
    assert world.open_promises()[0][1] == "2026-03-01"


def test_of_promises_of_one_kind_only_the_one_that_failed_is_put_off(world):
    world.load(DAILY)
    for hours, date in ((20, "2026-03-01"), (10, "2026-02-28"), (9, "2026-02-27")):
        a_fire(world, date, NOW - timedelta(hours=hours))
    world.calls.arrange("dynamodb.GetItem", lambda: None)
    world.calls.arrange("dynamodb.GetItem", CallFailed("dynamodb.GetItem", "ThrottlingException"))
    world.calls.made.clear()

    world.tick(NOW)

    assert world.calls.made.count("dynamodb.UpdateItem") == 1


def test_a_promise_that_somebody_wrote_over_stops_no_other(world, functions):
    due = promise(world)
    shard = keys.due_partition(keys.due_shard(a_key()))
    for sort_key in ("DUE#check#", "whatever", "DUE#check#stream#2026-03-01"):
        world.table.from_outside().put(
            {"PK": "PIPELINE#gold-revenue", "SK": sort_key, "dueShard": shard, "dueAt": 1}
        )

    tick(world, functions)

    assert functions.batches == [[due]]

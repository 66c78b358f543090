"""One write of a sensor: it opens, wakes or revives exactly the runs that it concerns, however often it is delivered."""

from dataclasses import replace

import pytest

from builders import a_key, a_pipeline, a_rule, a_run, an_intent, at
from interlock.domain.pipeline import Start
from interlock.domain.routing import SensorWritten
from interlock.domain.run import moved, reopened
from interlock.ports import DueRun, Lost
from interlock.simulation.faults import FunctionCrashed
from interlock.steps.wake_runs import sensor_written
from world_builder import NOW, WAITS_FOR_ROWS, World, later

ASLEEP = a_run(task_token="token", token_for="readiness")
READY, ENOUGH, TOO_FEW = {"status": "ready"}, {"count": 1000}, {"count": 999}
TODAY = {"date": "2026-03-02"}


def write(world, key, values, pipeline=WAITS_FOR_ROWS, now=NOW, written_at=None):
    """The write, and what the stream says of it."""
    if values is None:
        world.table.from_outside().delete((f"PIPELINE#{pipeline.id}", f"SENSOR#{key}"))
    else:
        world.write_sensor(key, **values)
    deliver(world, key, values, pipeline, now, written_at)


def deliver(world, key, values, pipeline=WAITS_FOR_ROWS, now=NOW, written_at=None):
    written = SensorWritten(pipeline.id, key, values, written_at or now)
    sensor_written(written, pipeline, world.control, world.router.reruns, world.machine, now)


def asleep_world(run=ASLEEP):
    world = World(run=run)
    world.outside.promise(DueRun(run.key, at("2026-03-02T09:00"), "readiness"))
    return world


# ---------------------------------------------------------------- opening


def test_a_trigger_that_is_met_opens_the_run_of_its_date():
    world = World()

    write(world, "upstream-complete", READY | {"date": "2026-03-01"})

    run = world.outside.run(a_key(date="2026-03-01"))
    assert (run.status, run.opened_by, list(world.machine.started)) == (
        "WAITING",
        "trigger",
        [run.execution_name],
    )


@pytest.mark.parametrize(
    ("key", "values"),
    [
        pytest.param("upstream-complete", {"status": "running"}, id="not met"),
        pytest.param("upstream-complete", {}, id="without its field"),
        pytest.param("upstream-complete", None, id="removed"),
        pytest.param("upstream-complete-eu", READY, id="of a similar name"),
        pytest.param("row-count", ENOUGH, id="a rule's sensor"),
    ],
)
def test_a_write_that_meets_no_trigger_opens_nothing(key, values):
    world = World()

    write(world, key, values)

    assert (world.run, world.machine.started) == (None, {})


def test_a_write_that_is_delivered_after_midnight_opens_the_day_it_was_made_on():
    world = World()

    write(world, "upstream-complete", READY, now=at("2026-03-03T00:01"), written_at=at("2026-03-02T23:59"))

    assert world.run is not None
    assert world.outside.run(a_key(date="2026-03-03")) is None


def test_a_write_that_is_delivered_ten_times_opens_one_run():
    world = World()
    write(world, "upstream-complete", READY)

    for second in range(9):
        deliver(world, "upstream-complete", READY, now=later(seconds=second), written_at=NOW)

    assert (world.told, len(world.machine.started)) == (["RUN_OPENED"], 1)


def test_a_run_that_was_opened_by_a_function_that_died_is_set_going_by_the_redelivery():
    world = World()
    world.calls.arrange("states.StartExecution", FunctionCrashed("starting"))

    with pytest.raises(FunctionCrashed):
        write(world, "upstream-complete", READY)
    deliver(world, "upstream-complete", READY)

    assert list(world.machine.started) == [world.run.execution_name]


FIRE_AND_TRIGGER = a_pipeline(
    cron="0 8 * * *", trigger=WAITS_FOR_ROWS.schedule.trigger, start=Start.ALL, rules=[a_rule()]
)


@pytest.mark.parametrize(("now", "opens"), [(at("2026-03-02T07:59"), False), (at("2026-03-02T08:00"), True)])
def test_a_trigger_that_needs_a_fire_too_opens_nothing_before_it(now, opens):
    world = World(FIRE_AND_TRIGGER)

    write(world, "upstream-complete", READY | TODAY, FIRE_AND_TRIGGER, now)

    assert (world.outside.run(a_key(schedule_id="cron")) is not None) is opens


# ---------------------------------------------------------------- waking


def test_the_last_needed_write_wakes_the_run():
    world = asleep_world()

    write(world, "row-count", ENOUGH)

    assert world.machine.woken == ["token"]


def test_a_write_that_is_not_enough_leaves_the_reason_and_wakes_nobody():
    world = asleep_world()

    write(world, "row-count", TOO_FEW)

    assert world.machine.woken == []
    assert "row-count.count is 999" in world.run.verdicts[0].reason


@pytest.mark.parametrize("key", ["stock", "row-count-eu", "row"])
def test_a_write_of_another_sensor_reads_nothing(key):
    world = asleep_world()

    write(world, key, ENOUGH)

    assert world.calls.made == []


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"token_for": "job"}, id="a token of the wrong state"),
        pytest.param({"token_for": None, "task_token": None}, id="not asleep yet"),
    ],
)
def test_a_run_that_does_not_sleep_on_its_rules_is_not_woken_by_them(changes):
    world = asleep_world(replace(ASLEEP, **changes))

    write(world, "row-count", ENOUGH)

    assert world.machine.woken == []


def test_a_write_for_another_date_wakes_nobody():
    world = asleep_world()

    write(world, "row-count#2026-03-01", ENOUGH)

    assert world.machine.woken == []


def test_a_dateless_write_wakes_every_run_that_waits_for_it():
    world = asleep_world()
    yesterday = replace(ASLEEP, key=a_key(date="2026-03-01"), task_token="yesterday")
    world.put_run(yesterday)
    world.outside.promise(DueRun(yesterday.key, at("2026-03-02T09:00"), "readiness"))

    write(world, "row-count", ENOUGH)

    assert sorted(world.machine.woken) == ["token", "yesterday"]


def test_a_run_that_waits_without_its_ledger_row_is_found_by_its_date_and_gets_a_row_again():
    world = World(run=ASLEEP)

    write(world, "row-count", TOO_FEW)
    assert world.due == [("2026-03-02", "08:35:00", 0)]
    write(world, "row-count", ENOUGH)

    assert world.machine.woken == ["token"]


def test_a_removed_sensor_is_a_reason_to_wait_on():
    world = asleep_world()

    write(world, "row-count", None)

    assert world.run.verdicts[0].reason == "row-count was never reported"


def test_a_write_after_the_window_closes_the_run_that_nobody_closed():
    world = asleep_world()

    write(world, "row-count", TOO_FEW, now=at("2026-03-02T09:00"))

    assert (world.run.status, world.told) == ("EXPIRED", ["VALIDATION_EXHAUSTED"])
    assert world.machine.failed == [("token", "RunOver")]


def test_a_ledger_row_without_a_run_is_no_error():
    world = asleep_world()
    world.remove_run()

    write(world, "row-count", ENOUGH)

    assert world.machine.woken == []


def test_reasons_that_another_function_wrote_meanwhile_stay():
    world = asleep_world()
    running = moved(ASLEEP, "RUNNING", NOW)
    world.calls.arrange("dynamodb.UpdateItem", lambda: world.put_run(running))

    write(world, "row-count", TOO_FEW)

    assert world.run == running


# ---------------------------------------------------------------- revival


def test_the_data_that_arrives_after_the_window_revives_its_run():
    world = World(run=a_run("EXPIRED"))

    write(world, "row-count", ENOUGH)

    assert (world.run.status, world.run.execution_count) == ("WAITING", 2)
    assert list(world.machine.started) == [world.run.execution_name]


@pytest.mark.parametrize(
    ("key", "values"),
    [
        pytest.param("row-count", TOO_FEW, id="not enough"),
        pytest.param("row-count#2026-03-01", ENOUGH, id="for another date"),
        pytest.param("row-count", None, id="removed"),
    ],
)
def test_an_expired_run_stays_expired_and_nothing_is_said_again(key, values):
    expired = a_run("EXPIRED")
    world = World(run=expired)

    write(world, key, values)

    assert (world.run, world.told, world.machine.started) == (expired, [], {})


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "CANCELLED"])
def test_only_an_expired_run_is_revived(status):
    world = World(run=a_run(status, seen={"row-count": ENOUGH}))

    write(world, "row-count", ENOUGH)

    assert (world.run.status, world.machine.started) == (status, {})


def test_a_days_reading_revives_the_hours_that_expired():
    world = World()
    for hour in (9, 10):
        world.put_run(a_run("EXPIRED", key=a_key(date=f"2026-03-02T{hour:02}")))
    world.put_run(a_run("EXPIRED", key=a_key(date="2026-03-03T09")))

    write(world, "row-count#2026-03-02", ENOUGH)

    assert [run.status for run in world.outside.runs_of_date("gold-revenue", "stream", "2026-03")] == [
        "WAITING",
        "WAITING",
        "EXPIRED",
    ]


def test_a_revival_whose_function_died_is_set_going_by_the_redelivery():
    world = World(run=a_run("EXPIRED"))
    world.calls.arrange("states.StartExecution", FunctionCrashed("starting"))

    with pytest.raises(FunctionCrashed):
        write(world, "row-count", ENOUGH)
    deliver(world, "row-count", ENOUGH)

    assert (world.run.execution_count, list(world.machine.started)) == (2, [world.run.execution_name])


def test_a_run_that_nothing_knows_of_but_its_row_is_set_going():
    """A function died between the row and everything else."""
    world = World(run=a_run(confirmed=False))

    write(world, "row-count", TOO_FEW)

    assert list(world.machine.started) == [world.run.execution_name]


def test_a_run_whose_job_may_be_running_does_not_expire():
    world = asleep_world(replace(ASLEEP, intent=an_intent(1, NOW)))

    write(world, "row-count", TOO_FEW, now=at("2026-03-02T09:00"))

    assert (world.run.status, world.told) == ("WAITING", [])


def test_a_run_that_was_revived_by_another_delivery_is_revived_once():
    world = World(run=a_run("EXPIRED"))
    theirs = reopened(world.run, NOW, WAITS_FOR_ROWS.schedule.evaluation.window)
    world.calls.arrange("dynamodb.UpdateItem", lambda: world.put_run(theirs))

    write(world, "row-count", ENOUGH)

    assert world.run == theirs


# ---------------------------------------------------------------- readings that cannot be placed


@pytest.mark.parametrize(
    ("key", "values", "wrong"),
    [
        ("upstream-complete", READY | TODAY | {"hour": 24}, "`hour` is 24; write 00 to 23"),
        ("row-count", ENOUGH | {"date": "2026-02-30"}, '`date` is "2026-02-30"'),
        ("row-count#soon", ENOUGH, '"soon" is not a period'),
        ("row-count#2026-03-01", ENOUGH | TODAY, "the key says 2026-03-01"),
        ("row-count", {"data": "text"}, '`data` is "text"; write a map'),
    ],
)
def test_a_reading_that_cannot_be_placed_is_told_once_and_opens_and_wakes_nothing(key, values, wrong):
    world = asleep_world()

    write(world, key, values)
    deliver(world, key, values)

    (told,) = world.events
    assert told.type == "SENSOR_INVALID"
    assert wrong in told.message
    assert (world.machine.woken, world.machine.started) == ([], {})


def test_another_mistake_of_the_same_sensor_is_told_too():
    world = World()

    write(world, "row-count", {"date": "x"})
    write(world, "row-count", {"hour": "x"})

    assert world.told == ["SENSOR_INVALID", "SENSOR_INVALID"]


def test_two_mistakes_of_one_instant_are_both_told():
    world = World()
    world.calls.arrange("dynamodb.PutItem", lambda: write(world, "row-count", {"hour": "x"}))

    with pytest.raises(Lost):  # the record is delivered again
        write(world, "row-count", {"date": "x"})
    deliver(world, "row-count", {"date": "x"})

    assert len({event.message for event in world.events}) == 2


@pytest.mark.parametrize("length", [1, 1000, 1017])
def test_a_sensor_of_any_name_that_a_key_can_hold_is_told_of(length):
    world = World()
    key = ("row-count#" + "x" * length)[:1017]

    write(world, key, ENOUGH)

    assert world.told == ["SENSOR_INVALID"]

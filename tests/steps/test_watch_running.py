"""A source that drifts while the job runs: told once a sensor and attempt, and nothing else is done about it."""

from dataclasses import replace

import pytest

from builders import a_pipeline, a_rule, a_run, at
from interlock.domain.pipeline import PostRun
from interlock.domain.routing import SensorWritten
from interlock.steps.wake_runs import sensor_written
from world_builder import NOW, World, later

STOCK, ORDERS = a_rule("exists", field=None, key="stock"), a_rule("exists", field=None, key="orders")
WATCHING = a_pipeline(post_run=PostRun((STOCK, ORDERS)))
RUNNING = a_run("RUNNING", seen={"stock": {"count": 10}, "orders": {"count": 3}})


def write(world, sensor="stock", written_at=NOW, now=None, **values):
    world.write_sensor(sensor, **values)
    deliver(world, sensor, written_at, now, **values)


def deliver(world, sensor="stock", written_at=NOW, now=None, **values):
    written = SensorWritten("gold-revenue", sensor, values, written_at)
    ports = (world.control, world.router.reruns, world.machine)
    sensor_written(written, WATCHING, *ports, now or written_at)


def test_drift_from_what_the_run_read_at_its_start_is_told_and_leaves_its_row_alone():
    world = World(WATCHING, RUNNING)

    write(world, count=11)

    assert (world.told, world.run) == (["POST_RUN_DRIFT_INFLIGHT"], RUNNING)


def test_each_sensor_is_told_once_an_attempt():
    world = World(WATCHING, RUNNING)

    write(world, count=11)
    write(world, count=12)
    write(world, "orders", count=4)
    deliver(world, count=12)
    world.put_run(replace(RUNNING, attempt=2))
    write(world, count=13)

    assert [(event.attempt, event.detail["sensor"]) for event in world.events] == [
        (1, "stock"),
        (1, "orders"),
        (2, "stock"),
    ]


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param({"stock": {"count": 11}}, id="the same value"),
        pytest.param({}, id="nothing was read at the start"),
        pytest.param({"stock": {"count": "many"}}, id="no number was"),
    ],
)
def test_what_is_no_drift_is_not_told(seen):
    world = World(WATCHING, replace(RUNNING, seen=seen))

    write(world, count=11)

    assert world.told == []


def test_a_dateless_write_of_the_next_day_is_none_of_this_run():
    world = World(WATCHING, RUNNING)

    write(world, count=11, written_at=later(days=1))

    assert world.told == []


def test_a_record_that_comes_late_says_nothing_of_what_was_written_since():
    world = World(WATCHING, RUNNING)
    world.write_sensor("stock", count=99)

    deliver(world, count=11)

    assert world.told == []


def test_a_run_that_ends_just_now_is_compared_with_its_baseline_instead():
    world = World(WATCHING, RUNNING)
    ended = replace(a_run("SUCCEEDED"), succeeded_at=at("2026-03-02T08:30"))
    world.calls.arrange("dynamodb.TransactGetItems", lambda: world.put_run(ended))

    write(world, count=11)

    assert world.told == []

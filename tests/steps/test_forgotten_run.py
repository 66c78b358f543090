"""A run whose row has outlived its time and is gone: what is written for its date then is for a date that never ran."""

from datetime import timedelta

import pytest

from builders import a_key, a_run, an_intent
from interlock.aws import keys
from interlock.aws.run_item import RUN_KEPT
from interlock.domain.routing import RerunRequested, SensorWritten
from interlock.steps.request_rerun import request_rerun
from interlock.steps.wake_runs import sensor_written
from world_builder import NOW, WAITS_FOR_ROWS, World

FORMER = a_run("SUCCEEDED", attempt=3, execution_count=2, retries=2, intent=an_intent(3, NOW), told=("late",))
AFTERWARDS = NOW + RUN_KEPT + timedelta(days=2)


@pytest.fixture
def world():
    world = World(run=FORMER)
    world.remove_run()
    return world


def write(world, key, **values):
    world.write_sensor(key, **values, date="2026-03-02")
    written = SensorWritten("gold-revenue", key, {**values, "date": "2026-03-02"}, AFTERWARDS)
    sensor_written(written, WAITS_FOR_ROWS, world.control, world.router.reruns, world.machine, AFTERWARDS)


def is_a_first_one(world):
    run = world.run
    assert (run.attempt, run.execution_count, run.retries, run.intent, run.told) == (1, 1, 0, None, ())
    assert list(world.machine.started) == [run.execution_name]
    return run.execution_name != FORMER.execution_name and run.run_id != FORMER.run_id


def test_what_its_rules_read_opens_nothing_and_is_no_late_data(world):
    write(world, "row-count", count=1)

    assert (world.run, world.told) == (None, [])


def test_its_trigger_opens_a_run_that_takes_nothing_for_its_own_of_the_former(world):
    write(world, "upstream-complete", status="ready")

    assert world.run.opened_by == "trigger"
    assert is_a_first_one(world)


def test_a_request_opens_a_run_with_budgets_of_its_own(world):
    partition, sort = keys.rerun_request_key(a_key())
    row = {"PK": partition, "SK": sort, "reason": "audit"}
    world.table.from_outside().put(row)
    asked = RerunRequested(a_key(), "r1", row, "audit", "ana", force=False)

    request_rerun(asked, WAITS_FOR_ROWS, world.control, world.router.reruns, world.machine, AFTERWARDS)

    assert world.run.opened_by == "rerun"
    assert is_a_first_one(world)

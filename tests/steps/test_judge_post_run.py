"""Were the postRun sensors written after the success? The promise that asks, and what it says when it is due."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from builders import a_key, a_pipeline, a_reading, a_rule, a_run, at
from interlock.domain.pipeline import PostRun
from interlock.domain.promise import PromiseKind, settled
from interlock.domain.routing import SensorWritten
from interlock.domain.run import RunStatus
from interlock.simulation.faults import FunctionCrashed
from interlock.steps.judge_post_run import note_written, post_run_due, promise_post_run
from world_builder import NOW, World, later

SUCCEEDED_AT = at("2026-03-02T08:20")
DUE = at("2026-03-02T10:20")
AUDIT, LINEAGE = a_rule("exists", field=None, key="audit"), a_rule("exists", field=None, key="lineage")
WATCHING = a_pipeline(post_run=PostRun((AUDIT, LINEAGE)))
SUCCESS = a_run("SUCCEEDED", succeeded_at=SUCCEEDED_AT)


def promise_of(world):
    return world.outside.promise_of(PromiseKind.POST_RUN, a_key())


def promised_world(run=SUCCESS, pipeline=WATCHING):
    world = World(pipeline, run)
    promise_post_run(run, pipeline, world.control, NOW)
    return world


def note(world, sensor, run=None, written_at=NOW, period=None):
    written = SensorWritten("gold-revenue", sensor, {}, written_at)
    reading = a_reading({}, sensor, period=period)
    return note_written(run or world.run, written, reading, WATCHING, world.control)


def fall_due(world, pipeline=WATCHING, now=DUE):
    post_run_due(promise_of(world), pipeline, world.control, now)


def test_a_success_promises_its_sensors_within_their_timeout():
    world = promised_world()

    assert (promise_of(world).due_at, promise_of(world).since) == (DUE, SUCCEEDED_AT)


@pytest.mark.parametrize(
    ("pipeline", "run"),
    [
        pytest.param(a_pipeline(), SUCCESS, id="nothing is watched"),
        pytest.param(WATCHING, a_run("FAILED"), id="no success"),
        pytest.param(replace(WATCHING, dry_run=True), SUCCESS, id="the pipeline only observes"),
        pytest.param(WATCHING, replace(SUCCESS, dry_run=True), id="the run was only observed"),
        pytest.param(
            WATCHING, replace(SUCCESS, told=("written:audit", "written:lineage")), id="all were written"
        ),
    ],
)
def test_nothing_is_promised_where_nothing_is_waited_for(pipeline, run):
    assert promise_of(promised_world(run, pipeline)) is None


def test_a_success_that_is_heard_of_again_changes_no_promise():
    world = promised_world()
    before = promise_of(world)

    promise_post_run(SUCCESS, WATCHING, world.control, later(hours=1))

    assert promise_of(world) == before


def test_the_success_of_a_rerun_begins_anew_also_after_a_verdict():
    world = promised_world()
    before = promise_of(world)
    world.outside.change_promise(before, settled(before, "missing"))
    again = replace(SUCCESS, attempt=2, succeeded_at=at("2026-03-02T12:00"))

    promise_post_run(again, WATCHING, world.control, at("2026-03-02T12:00"))

    promise = promise_of(world)
    assert (promise.due_at, promise.since, promise.verdict) == (
        at("2026-03-02T14:00"),
        again.succeeded_at,
        None,
    )


def test_a_verdict_stands_when_its_success_is_heard_of_again():
    world = promised_world()
    fall_due(world)
    verdict = promise_of(world)

    promise_post_run(world.run, WATCHING, world.control, later(hours=9))

    assert promise_of(world) == verdict


def test_the_promise_goes_with_the_last_sensor():
    world = promised_world()

    note(world, "audit")
    assert promise_of(world) is not None
    note(world, "lineage")

    assert promise_of(world) is None
    assert set(world.run.told) == {"written:audit", "written:lineage"}


def test_a_write_is_noted_once_and_bumps_no_version():
    world = promised_world()

    note(world, "audit")
    noted = world.run
    note(world, "audit")

    assert (world.run, noted.version) == (noted, SUCCESS.version)


@pytest.mark.parametrize(
    ("written_at", "period", "counts"),
    [
        pytest.param(at("2026-03-02T08:19:58"), None, False, id="before the success"),
        pytest.param(SUCCEEDED_AT, None, True, id="in its second"),
        pytest.param(at("2026-03-02T23:59"), None, True, id="later that day"),
        pytest.param(at("2026-03-03T00:30"), None, False, id="on the next day"),
        pytest.param(at("2026-03-05T00:30"), "2026-03-02", True, id="of its date, days later"),
    ],
)
def test_a_write_counts_when_it_is_after_the_success_and_of_its_date(written_at, period, counts):
    world = promised_world()

    note(world, "audit", written_at=written_at, period=period)

    assert (world.run.told == ("written:audit",)) is counts


def test_a_dateless_write_after_midnight_counts_while_it_is_waited_for():
    near_midnight = replace(SUCCESS, succeeded_at=at("2026-03-02T23:30"))
    world = promised_world(near_midnight)

    note(world, "audit", written_at=at("2026-03-03T00:30"))
    note(world, "lineage", written_at=at("2026-03-03T01:31"))

    assert world.run.told == ("written:audit",)


def test_whoever_died_before_the_promise_went_is_made_good_when_it_falls_due():
    world = promised_world()
    note(world, "audit")
    world.calls.arrange("dynamodb.DeleteItem", FunctionCrashed("dropping"))
    with suppress(FunctionCrashed):
        note(world, "lineage")

    fall_due(world)

    assert (promise_of(world), world.told) == (None, [])


def test_what_nobody_wrote_is_named_once_although_it_never_existed():
    world = promised_world()
    note(world, "lineage")

    fall_due(world)
    fall_due(world, now=DUE + timedelta(minutes=1))

    assert world.told == ["POST_RUN_SENSOR_MISSING"]
    assert world.events[0].detail["sensors"] == ["audit"]
    assert (promise_of(world).due_at, promise_of(world).verdict) == (None, "missing")


def test_a_write_that_the_stream_lost_is_known_by_its_time():
    world = promised_world()
    note(world, "lineage")
    world.write_sensor("audit", updatedAt="2026-03-02T09:00:00Z")

    fall_due(world)

    assert (promise_of(world), world.told) == (None, [])


@pytest.mark.parametrize(
    ("run", "pipeline"),
    [
        pytest.param(a_run("RUNNING"), WATCHING, id="open again"),
        pytest.param(a_run("FAILED"), WATCHING, id="failed since"),
        pytest.param(SUCCESS, None, id="its config is gone"),
        pytest.param(SUCCESS, a_pipeline(), id="nothing is watched any more"),
    ],
)
def test_a_promise_that_nobody_is_held_to_any_more_is_dropped(run, pipeline):
    world = promised_world()
    world.put_run(run)

    fall_due(world, pipeline)

    assert (promise_of(world), world.told) == (None, [])


def test_a_promise_without_its_run_is_dropped():
    world = promised_world()
    world.remove_run()

    fall_due(world)

    assert (promise_of(world), world.told) == (None, [])


@pytest.mark.parametrize(
    ("succeeded_at", "timeout", "due"),
    [
        pytest.param(
            at("2026-03-02T10:00"), timedelta(hours=2), at("2026-03-02T12:00"), id="a newer success"
        ),
        pytest.param(SUCCEEDED_AT, timedelta(hours=5), at("2026-03-02T13:20"), id="a longer timeout by now"),
    ],
)
def test_a_promise_that_falls_due_too_early_is_moved(succeeded_at, timeout, due):
    world = promised_world()
    world.put_run(replace(SUCCESS, succeeded_at=succeeded_at))

    fall_due(world, replace(WATCHING, post_run=replace(WATCHING.post_run, sensor_timeout=timeout)))

    assert (promise_of(world).due_at, promise_of(world).since, world.told) == (due, succeeded_at, [])


def test_of_two_who_find_it_due_one_tells():
    world = promised_world()
    promise = promise_of(world)
    world.calls.arrange("dynamodb.PutItem", lambda: fall_due(world))

    post_run_due(promise, WATCHING, world.control, DUE)

    assert world.told == ["POST_RUN_SENSOR_MISSING"]


def test_a_run_that_is_reopened_while_a_write_is_noted_is_left_alone():
    world = promised_world()
    reopened = replace(SUCCESS, status=RunStatus.WAITING, attempt=2, version=2)
    world.calls.arrange("dynamodb.UpdateItem", lambda: world.put_run(reopened))

    assert note(world, "audit", run=SUCCESS) == reopened
    assert world.run == reopened

"""The clock of a relative SLA begins with the first reading of its date, and anew with each rerun; never twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from builders import a_key, a_pipeline, a_reading, a_rule, a_run, a_trigger, at
from interlock.domain.pipeline import Exclude, Pipeline, Schedule, Sla
from interlock.domain.promise import Promise, PromiseKind, changed, promised, settled
from interlock.domain.routing import SensorWritten
from interlock.domain.run import Run
from interlock.domain.sensor import Reading
from interlock.ports import CallFailed, Lost
from interlock.steps.sla_clock import begin_clock, restart_clock
from world_builder import World

RELATIVE = PromiseKind.RELATIVE_SLA
PIPELINE = a_pipeline(rules=[a_rule()], sla=Sla(max_duration=timedelta(hours=1)))
WRITTEN_AT, RERUN_AT = at("2026-03-02T08:00"), at("2026-03-02T12:00")
DATED = a_reading({"count": 1}, period="2026-03-02")


def write(
    world: World,
    reading: Reading = DATED,
    pipeline: Pipeline = PIPELINE,
    written_at: datetime = WRITTEN_AT,
    attributes: Any = DATED.values,
) -> None:
    written = SensorWritten(pipeline.id, reading.source, attributes, written_at)
    begin_clock(written, reading, pipeline, world.control, written_at + timedelta(seconds=1))


def clock(world: World) -> Promise | None:
    return world.outside.promise_of(RELATIVE, a_key())


def a_clock(since: datetime = WRITTEN_AT, **changes: Any) -> Promise:
    due_at = since + timedelta(minutes=45)
    return replace(promised(RELATIVE, a_key(), due_at, since, since=since), **changes)


def test_the_first_reading_begins_it() -> None:
    world = World(PIPELINE)

    write(world)

    promise = clock(world)
    assert promise is not None
    assert (promise.since, promise.due_at) == (WRITTEN_AT, at("2026-03-02T08:45"))


def test_a_further_reading_costs_one_read_and_changes_nothing() -> None:
    world = World(PIPELINE)
    write(world)
    world.calls.made.clear()

    write(world, written_at=at("2026-03-02T08:30"))

    promise = clock(world)
    assert promise is not None
    assert promise.since == WRITTEN_AT
    assert world.calls.made == ["dynamodb.GetItem"]


def test_of_two_first_readings_one_begins_it() -> None:
    world = World(PIPELINE)
    world.calls.arrange("dynamodb.PutItem", lambda: world.outside.make_promise(a_clock()))

    write(world, written_at=at("2026-03-02T08:00:05"))

    promise = clock(world)
    assert promise is not None
    assert promise.since == WRITTEN_AT


@pytest.mark.parametrize(
    ("pipeline", "reading"),
    [
        pytest.param(a_pipeline(rules=[a_rule()]), DATED, id="no maxDuration"),
        pytest.param(replace(PIPELINE, dry_run=True), DATED, id="a dry run"),
        pytest.param(
            replace(PIPELINE, schedule=Schedule(trigger=a_trigger(), exclude=Exclude(days=(0,)))),
            DATED,
            id="an excluded date",
        ),
        pytest.param(
            replace(PIPELINE, schedule=Schedule(cron="0 * * * *", trigger=a_trigger())),
            DATED,
            id="a day of an hourly pipeline",
        ),
    ],
)
def test_a_date_without_a_relative_sla_has_no_clock(pipeline: Pipeline, reading: Reading) -> None:
    world = World(pipeline)

    write(world, reading, pipeline)

    assert world.outside.promises_of(pipeline.id) == []
    assert "dynamodb.PutItem" not in world.calls.made


def test_a_reading_that_is_removed_begins_nothing() -> None:
    world = World(PIPELINE)

    write(world, attributes=None)

    assert clock(world) is None


@pytest.mark.parametrize(
    ("run", "begins"),
    [
        pytest.param(a_run("WAITING"), True, id="it waits"),
        pytest.param(a_run("EXPIRED", updated_at=at("2026-03-02T07:00")), True, id="this may revive it"),
        pytest.param(a_run("SUCCEEDED", updated_at=at("2026-03-02T07:00")), False, id="it had succeeded"),
        pytest.param(a_run("FAILED", updated_at=at("2026-03-02T07:00")), False, id="it had failed"),
        pytest.param(
            a_run("SUCCEEDED", updated_at=at("2026-03-02T08:00:30")), True, id="it succeeded after the write"
        ),
    ],
)
def test_a_heartbeat_after_the_run_begins_no_clock(run: Run, begins: bool) -> None:
    world = World(PIPELINE, run)

    write(world)

    assert (clock(world) is not None) is begins


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(None, id="there was none"),
        pytest.param(a_clock(), id="it was running"),
        pytest.param(replace(a_clock(), warned=True, due_at=at("2026-03-02T09:00")), id="it had warned"),
        pytest.param(settled(a_clock(), "met"), id="it was met"),
        pytest.param(settled(a_clock(), "breached"), id="it was breached"),
    ],
)
def test_a_rerun_has_the_whole_of_it(before: Promise | None) -> None:
    world = World(PIPELINE, a_run())
    if before is not None:
        world.outside.make_promise(before)

    restart_clock(a_key(), RERUN_AT, PIPELINE, world.control, RERUN_AT)
    restart_clock(a_key(), RERUN_AT, PIPELINE, world.control, RERUN_AT)

    promise = clock(world)
    assert promise is not None
    assert (promise.since, promise.due_at) == (RERUN_AT, at("2026-03-02T12:45"))
    assert (promise.warned, promise.verdict) == (False, None)


def test_an_earlier_rerun_that_is_heard_of_later_changes_nothing() -> None:
    later = a_clock(since=RERUN_AT)
    world = World(PIPELINE)
    world.outside.make_promise(later)

    restart_clock(a_key(), RERUN_AT - timedelta(hours=1), PIPELINE, world.control, RERUN_AT)

    assert clock(world) == later


def test_a_breach_that_nobody_saw_before_the_rerun_is_told_first() -> None:
    world = World(PIPELINE, a_run("WAITING"))
    world.outside.make_promise(a_clock())

    restart_clock(a_key(), RERUN_AT, PIPELINE, world.control, RERUN_AT)

    assert world.told == ["RELATIVE_SLA_BREACH"]
    promise = clock(world)
    assert promise is not None
    assert promise.since == RERUN_AT


def test_a_rerun_of_a_pipeline_without_a_relative_sla_reads_nothing() -> None:
    world = World(a_pipeline())

    restart_clock(a_key(), RERUN_AT, a_pipeline(), world.control, RERUN_AT)

    assert world.calls.made == []


def test_a_verdict_that_is_told_meanwhile_does_not_stop_the_clock() -> None:
    world = World(PIPELINE, a_run())
    world.outside.make_promise(a_clock())
    promise = clock(world)
    assert promise is not None
    world.calls.arrange(
        "dynamodb.PutItem", lambda: world.outside.change_promise(promise, settled(promise, "breached"))
    )

    restart_clock(a_key(), WRITTEN_AT + timedelta(minutes=5), PIPELINE, world.control, RERUN_AT)

    again = clock(world)
    assert again is not None
    assert (again.since, again.verdict) == (WRITTEN_AT + timedelta(minutes=5), None)


def test_who_is_overtaken_twice_leaves_it_to_the_redelivery() -> None:
    world = World(PIPELINE, a_run())
    world.outside.make_promise(a_clock())

    def changed_by_another() -> None:
        promise = clock(world)
        assert promise is not None
        world.outside.change_promise(promise, changed(promise))

    for _ in range(2):
        world.calls.arrange("dynamodb.PutItem", changed_by_another)
    with pytest.raises(Lost):
        restart_clock(a_key(), WRITTEN_AT + timedelta(minutes=5), PIPELINE, world.control, RERUN_AT)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", ["dynamodb.GetItem", "dynamodb.PutItem"])
def test_a_restart_that_dies_is_repeated_to_the_same_end(call: str, after: bool) -> None:
    world = World(PIPELINE, a_run())
    world.outside.make_promise(a_clock())
    world.calls.arrange(call, CallFailed(call, "crash"), after=after)

    with pytest.raises(CallFailed):
        restart_clock(a_key(), RERUN_AT, PIPELINE, world.control, RERUN_AT)
    restart_clock(a_key(), RERUN_AT, PIPELINE, world.control, RERUN_AT)

    promise = clock(world)
    assert promise is not None
    assert (promise.since, promise.verdict) == (RERUN_AT, None)
    assert world.told == ["RELATIVE_SLA_BREACH"]

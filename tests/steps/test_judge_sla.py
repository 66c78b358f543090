"""An SLA is judged by whoever looks, once: at its times, at the success, through every crash and race."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from builders import a_key, a_pipeline, a_rule, a_run, a_trigger, at
from interlock.domain.pipeline import Deadline, Exclude, Pipeline, Schedule, Sla
from interlock.domain.promise import Promise, PromiseKind, promised
from interlock.domain.run import Run
from interlock.ports import CallFailed, Lost
from interlock.steps.judge_sla import judge_sla, judge_slas
from world_builder import World

SLA, RELATIVE = PromiseKind.SLA, PromiseKind.RELATIVE_SLA
WARNING, DEADLINE = at("2026-03-03T09:30"), at("2026-03-03T10:00")
BOTH = Sla(
    Deadline(0, 10), expected_duration=timedelta(minutes=30), max_duration=timedelta(hours=2), critical=True
)
PIPELINE = a_pipeline(rules=[a_rule()], sla=BOTH)
CLOCK_BEGAN = at("2026-03-03T08:00")  # so that both deadlines fall together
MAY_FAIL = ["dynamodb.GetItem", "dynamodb.PutItem", "dynamodb.TransactGetItems"]


def a_promise(kind: PromiseKind = SLA, due_at: datetime = WARNING, **changes: Any) -> Promise:
    since = CLOCK_BEGAN if kind is RELATIVE else None
    return replace(promised(kind, a_key(), due_at, at("2026-03-02T00:00"), since=since), **changes)


def a_world(run: Run | None = None, *promises: Promise, pipeline: Pipeline = PIPELINE) -> World:
    world = World(pipeline, run)
    for promise in promises or (a_promise(),):
        world.outside.make_promise(promise)
    world.events.clear()
    return world


def row(world: World, kind: PromiseKind = SLA) -> Promise | None:
    return world.outside.promise_of(kind, a_key())


def look(
    world: World, now: datetime, kind: PromiseKind = SLA, pipeline: Pipeline | None = PIPELINE
) -> Promise | None:
    promise = row(world, kind)
    assert promise is not None
    return judge_sla(promise, pipeline, world.control, now)


def done(at_: str) -> Run:
    return a_run("SUCCEEDED", succeeded_at=at(at_), first_succeeded_at=at(at_))


def test_the_warning_is_given_once_and_the_deadline_is_looked_at_next() -> None:
    world = a_world()

    look(world, WARNING)
    look(world, WARNING)

    assert world.told == ["SLA_WARNING"]
    promise = row(world)
    assert promise is not None
    assert (promise.warned, promise.due_at, promise.verdict) == (True, DEADLINE, None)


def test_a_breach_is_told_once_and_settles_the_row() -> None:
    world = a_world(a_run("FAILED"))

    look(world, DEADLINE)
    look(world, DEADLINE + timedelta(days=1))

    assert world.told == ["SLA_BREACH"]
    promise = row(world)
    assert promise is not None
    assert (promise.verdict, promise.due_at) == ("breached", None)


@pytest.mark.parametrize(
    ("kind", "warning", "breach"),
    [(SLA, "SLA_WARNING", "SLA_BREACH"), (RELATIVE, "RELATIVE_SLA_WARNING", "RELATIVE_SLA_BREACH")],
)
def test_each_kind_speaks_by_its_own_types(kind: PromiseKind, warning: str, breach: str) -> None:
    world = a_world(None, a_promise(kind))

    look(world, WARNING, kind)
    look(world, DEADLINE, kind)

    assert world.told == [warning, breach]


def test_a_tick_that_comes_late_tells_the_breach_alone() -> None:
    world = a_world()

    look(world, DEADLINE + timedelta(seconds=45))

    assert world.told == ["SLA_BREACH"]
    assert world.events[0].detail["lateBySeconds"] == 45


def test_nothing_is_told_before_its_time() -> None:
    world = a_world(a_run("EXPIRED"))

    promise = look(world, WARNING - timedelta(seconds=1))

    assert world.told == []
    assert promise == a_promise()


def test_a_success_meets_both_slas_at_once() -> None:
    world = a_world(done("2026-03-03T09:00"), a_promise(SLA), a_promise(RELATIVE))

    judge_slas(a_key(), PIPELINE, world.control, at("2026-03-03T09:00"))
    judge_slas(a_key(), PIPELINE, world.control, at("2026-03-03T09:00"))

    assert world.told == ["SLA_MET", "SLA_MET"]
    assert [event.detail["kind"] for event in world.events] == ["absolute", "relative"]


def test_a_success_of_a_pipeline_without_slas_reads_nothing() -> None:
    world = a_world(done("2026-03-03T09:00"), pipeline=a_pipeline())

    judge_slas(a_key(), a_pipeline(), world.control, at("2026-03-03T09:00"))

    assert world.calls.made == []


def test_a_late_finish_is_breached_also_when_nobody_had_looked() -> None:
    world = a_world(done("2026-03-03T10:10"))

    judge_slas(a_key(), PIPELINE, world.control, at("2026-03-03T10:10"))

    assert world.told == ["SLA_BREACH"]
    assert "the run was done at 10:10 UTC, 10m too late" in world.events[0].message


@pytest.mark.parametrize(
    "pipeline",
    [
        pytest.param(None, id="the config is gone"),
        pytest.param(a_pipeline(), id="the SLA is gone"),
        pytest.param(replace(PIPELINE, dry_run=True), id="it only observes by now"),
        pytest.param(
            replace(
                PIPELINE, schedule=Schedule(trigger=a_trigger(), exclude=Exclude(dates=(date(2026, 3, 2),)))
            ),
            id="its date is excluded by now",
        ),
        pytest.param(
            replace(PIPELINE, schedule=Schedule(cron="0 6 * * *")), id="its runs are a cron's by now"
        ),
    ],
)
@pytest.mark.parametrize("kind", [SLA, RELATIVE])
def test_what_is_no_longer_promised_is_dropped_in_silence(
    kind: PromiseKind, pipeline: Pipeline | None
) -> None:
    world = a_world(None, a_promise(kind))

    assert look(world, DEADLINE, kind, pipeline) is None

    assert row(world, kind) is None
    assert world.told == []


@pytest.mark.parametrize("kind", [SLA, RELATIVE])
def test_a_row_that_somebody_wrote_for_no_date_is_dropped(kind: PromiseKind) -> None:
    nowhere = a_key(date="soon")
    world = a_world(None, a_promise(kind, key=nowhere))
    promise = world.outside.promise_of(kind, nowhere)
    assert promise is not None

    judge_sla(promise, PIPELINE, world.control, DEADLINE)

    assert world.outside.promise_of(kind, nowhere) is None


def test_a_deadline_that_its_config_moved_moves_the_row() -> None:
    world, later = a_world(), replace(PIPELINE, sla=replace(BOTH, deadline=Deadline(0, 12)))

    look(world, DEADLINE, pipeline=later)

    promise = row(world)
    assert promise is not None
    assert promise.due_at == at("2026-03-03T11:30")
    assert world.told == []


def test_a_deadline_that_a_config_puts_before_its_own_loading_is_nobodys_promise() -> None:
    sooner = replace(
        PIPELINE, sla=replace(BOTH, deadline=Deadline(0, 1))
    )  # the config was loaded at 8:30 of the day before
    world = a_world(None, a_promise(key=a_key(date="2026-03-01")), pipeline=sooner)
    promise = world.outside.promise_of(SLA, a_key(date="2026-03-01"))
    assert promise is not None

    judge_sla(promise, sooner, world.control, DEADLINE)

    assert world.told == []
    assert world.outside.promise_of(SLA, a_key(date="2026-03-01")) is None


def test_whoever_settles_a_date_has_seen_to_the_next_one_first() -> None:
    world = a_world()
    world.calls.arrange("dynamodb.PutItem", CallFailed("dynamodb.PutItem", "crash"), after=True)

    with pytest.raises(CallFailed):
        look(world, DEADLINE)

    following = world.outside.promise_of(SLA, a_key(date="2026-03-03"))
    assert following is not None
    assert following.due_at == at("2026-03-04T09:30")
    assert world.told == []


@pytest.mark.parametrize("run", [None, a_run(), a_run("FAILED"), done("2026-03-03T09:00")])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", MAY_FAIL)
def test_a_look_that_dies_anywhere_is_repeated_to_the_same_end(
    call: str, after: bool, run: Run | None
) -> None:
    whole, cut = a_world(run), a_world(run)
    look(whole, DEADLINE)

    for skipped in range(len(whole.calls.made)):
        for _ in range(skipped):
            cut.calls.arrange(call, lambda: None, after=after)
        cut.calls.arrange(call, CallFailed(call, "crash"), after=after)
        try:
            look(cut, DEADLINE)
        except CallFailed:
            continue
        break
    look(cut, DEADLINE)

    assert cut.told == whole.told
    assert row(cut) == row(whole)


def test_two_who_look_at_once_tell_it_once() -> None:
    world = a_world()
    world.calls.arrange("dynamodb.GetItem", lambda: look_outside(world))

    look(world, DEADLINE)

    assert world.told == ["SLA_BREACH"]


def look_outside(world: World) -> None:
    """Another worker is quicker."""
    promise = row(world)
    assert promise is not None
    judge_sla(promise, PIPELINE, world.outside, DEADLINE)


def test_who_is_overtaken_looks_at_the_row_as_it_is_then() -> None:
    world = a_world()
    stale = row(world)
    assert stale is not None
    judge_sla(stale, PIPELINE, world.outside, WARNING)

    judge_sla(stale, PIPELINE, world.control, DEADLINE)

    assert world.told == ["SLA_WARNING", "SLA_BREACH"]


def test_who_is_overtaken_by_a_drop_is_told_that_there_is_nothing() -> None:
    world = a_world()
    stale = row(world)
    assert stale is not None
    world.outside.drop_promise(stale)

    assert judge_sla(stale, PIPELINE, world.control, DEADLINE) is None
    assert world.told == []


def test_who_is_overtaken_twice_leaves_it_to_the_next_look() -> None:
    world = a_world()

    def warned_by_another() -> None:
        promise = row(world)
        assert promise is not None
        world.outside.change_promise(promise, replace(promise, version=promise.version + 1))

    stale = row(world)
    assert stale is not None
    for _ in range(2):  # before each look's read of the run: its write comes too late
        world.calls.arrange("dynamodb.GetItem", warned_by_another)
    with pytest.raises(Lost):
        judge_sla(stale, PIPELINE, world.control, DEADLINE)


def test_a_clock_that_a_days_reading_began_is_nobodys_where_each_hour_has_its_run() -> None:
    world = a_world(a_run(key=a_key(date="2026-03-02T07")), a_promise(RELATIVE))

    look(world, WARNING, RELATIVE)

    assert world.told == []
    assert row(world, RELATIVE) is None


def test_what_a_pipeline_only_observed_meets_no_sla() -> None:
    world = a_world(replace(done("2026-03-03T09:00"), dry_run=True))

    look(world, DEADLINE)

    assert world.told == ["SLA_BREACH"]
    assert "no run was opened" in world.events[0].message


def test_a_breach_says_what_keeps_the_run_that_never_was_from_starting() -> None:
    world = a_world()
    world.write_sensor("row-count", count=900)

    look(world, DEADLINE)

    (event,) = world.events
    assert "no run was opened: upstream-complete was never reported; row-count.count is 900" in event.message
    assert [reason["reason"] for reason in event.detail["unmet"]] == [
        "upstream-complete was never reported",
        "row-count.count is 900, wanted >= 1000",
    ]
    assert event.detail["explanation"] == [
        "upstream-complete was never reported:"
        ' SENSOR#upstream-complete#2026-03-02 must be written with status == "ready"',
        "row-count.count is 900: must rise by 100 to 1000",
    ]


def test_a_breach_of_a_run_whose_job_runs_speaks_of_no_rule() -> None:
    world = a_world(a_run("RUNNING"))

    look(world, DEADLINE)

    assert "unmet" not in world.events[0].detail
    assert "its job runs since" in world.events[0].message

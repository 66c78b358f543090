"""A one-shot schedule follows its promise's row, in whatever order the changes are heard of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from builders import a_key, a_pipeline, a_run, at
from interlock.domain.pipeline import Deadline, Sla
from interlock.domain.promise import Promise, PromiseKind, changed, promised, settled
from interlock.domain.run import RunKey
from interlock.ports import CallFailed
from interlock.steps.mirror_deadline import (
    DeadlineKeepsMoving,
    SlaMonitorPorts,
    deadline_fired,
    mirror_deadline,
)
from world_builder import World

SLA = PromiseKind.SLA
PIPELINE = a_pipeline(sla=Sla(Deadline(0, 10), expected_duration=timedelta(minutes=30)))
WARNING, DEADLINE = at("2026-03-03T09:30"), at("2026-03-03T10:00")
NOON = at("2026-03-02T12:00")


@dataclass
class OneShots:
    """`Deadlines`: when each of a promise's two looks is asked for."""

    calls: list[str] = field(default_factory=list)
    at: dict[bool, datetime] = field(default_factory=dict)
    meanwhile: list[Callable[[], None]] = field(default_factory=list)  # before a call takes effect
    error: CallFailed | None = None

    def put(self, promise: Promise, at: datetime) -> None:
        self._called("put")
        self.at[promise.warned] = at

    def remove(self, kind: PromiseKind, key: RunKey) -> None:  # noqa: ARG002  (the protocol's)
        self._called("remove")
        self.at.clear()

    def _called(self, call: str) -> None:
        self.calls.append(call)
        if self.error is not None:
            raise self.error
        if self.meanwhile:
            self.meanwhile.pop(0)()


def a_promise(due_at: datetime = WARNING, **changes: Any) -> Promise:
    return replace(promised(SLA, a_key(), due_at, at("2026-03-02T00:00")), **changes)


def a_world(promise: Promise | None = None, **world: Any) -> tuple[World, OneShots, SlaMonitorPorts]:
    made, shots = World(PIPELINE, **world), OneShots()
    if promise is not None:
        made.outside.make_promise(promise)
    made.events.clear()
    return made, shots, SlaMonitorPorts(made.control, shots)


def row(world: World) -> Promise:
    promise = world.outside.promise_of(SLA, a_key())
    assert promise is not None
    return promise


def test_a_new_promise_has_its_first_look_scheduled() -> None:
    _, shots, ports = a_world(a_promise())

    mirror_deadline(SLA, a_key(), ports, NOON)
    mirror_deadline(SLA, a_key(), ports, NOON)

    assert shots.at == {False: WARNING}


def test_after_the_warning_the_deadline_is_scheduled_under_a_name_of_its_own() -> None:
    _, shots, ports = a_world(a_promise(DEADLINE, warned=True))

    mirror_deadline(SLA, a_key(), ports, WARNING)

    assert shots.at == {True: DEADLINE}


@pytest.mark.parametrize("promise", [None, settled(a_promise(), "met")])
def test_what_nobody_waits_for_has_no_schedule(promise: Promise | None) -> None:
    _, shots, ports = a_world(promise)
    shots.at = {False: WARNING, True: DEADLINE}

    mirror_deadline(SLA, a_key(), ports, NOON)

    assert shots.at == {}


def test_what_is_due_by_now_is_judged_and_not_scheduled() -> None:
    world, shots, ports = a_world(a_promise())

    mirror_deadline(SLA, a_key(), ports, DEADLINE)

    assert world.told == ["SLA_BREACH"]
    assert shots.calls == ["remove"]


def test_a_run_that_succeeded_before_its_promise_was_made_meets_it_now() -> None:
    done = a_run("SUCCEEDED", first_succeeded_at=NOON, succeeded_at=NOON)
    world, shots, ports = a_world(a_promise(), run=done)

    mirror_deadline(SLA, a_key(), ports, NOON)

    assert world.told == ["SLA_MET"]
    assert shots.at == {}


@pytest.mark.parametrize(
    ("due_at", "scheduled_at"),
    [
        pytest.param(DEADLINE + timedelta(milliseconds=1), DEADLINE + timedelta(seconds=1), id="never early"),
        pytest.param(DEADLINE, DEADLINE, id="a whole second"),
    ],
)
def test_schedules_know_no_fractions(due_at: datetime, scheduled_at: datetime) -> None:
    pipeline = a_pipeline(sla=Sla(max_duration=timedelta(hours=1)))
    since = due_at - timedelta(hours=1)
    promise = promised(PromiseKind.RELATIVE_SLA, a_key(), due_at, since, since=since, warned=True)
    world, shots = World(pipeline), OneShots()
    world.outside.make_promise(promise)

    mirror_deadline(PromiseKind.RELATIVE_SLA, a_key(), SlaMonitorPorts(world.control, shots), NOON)

    assert shots.at == {True: scheduled_at}


def test_what_is_due_in_a_moment_is_scheduled_where_scheduler_still_fires_it() -> None:
    world, shots, ports = a_world(a_promise(DEADLINE, warned=True))

    mirror_deadline(SLA, a_key(), ports, DEADLINE - timedelta(milliseconds=300))

    assert world.told == []
    assert shots.at == {True: DEADLINE + timedelta(seconds=2)}


def test_of_two_who_mirror_at_once_the_slower_one_shows_the_newer_row() -> None:
    world, shots, ports = a_world(a_promise())
    shots.meanwhile = [lambda: world.outside.change_promise(row(world), settled(row(world), "met"))]

    mirror_deadline(SLA, a_key(), ports, NOON)

    assert shots.calls == ["put", "remove"]
    assert shots.at == {}


def test_a_row_that_never_rests_is_left_to_the_next_invocation() -> None:
    world, shots, ports = a_world(a_promise())

    def move() -> None:
        promise = row(world)
        assert promise.due_at is not None
        world.outside.change_promise(promise, changed(promise, due_at=promise.due_at + timedelta(hours=1)))

    shots.meanwhile = [move] * 9
    with pytest.raises(DeadlineKeepsMoving):
        mirror_deadline(SLA, a_key(), ports, NOON)


def test_a_schedule_that_is_refused_fails_the_invocation() -> None:
    _, shots, ports = a_world(a_promise())
    shots.error = CallFailed("scheduler.CreateSchedule", "ThrottlingException")

    with pytest.raises(CallFailed):
        mirror_deadline(SLA, a_key(), ports, NOON)


def test_a_fire_judges_and_leaves_the_schedule_to_the_change_that_it_makes() -> None:
    world, shots, ports = a_world(a_promise())

    deadline_fired(SLA, a_key(), ports, WARNING)

    assert world.told == ["SLA_WARNING"]
    assert row(world).due_at == DEADLINE
    assert shots.calls == []


@pytest.mark.parametrize("promise", [None, settled(a_promise(), "met")])
def test_a_fire_for_what_is_settled_or_gone_says_nothing(promise: Promise | None) -> None:
    world, shots, ports = a_world(promise)

    deadline_fired(SLA, a_key(), ports, DEADLINE)

    assert world.told == []
    assert shots.calls == []


def test_a_fire_for_a_time_that_the_row_no_longer_has_asks_for_the_right_one() -> None:
    world, shots, ports = a_world(a_promise())

    deadline_fired(SLA, a_key(), ports, NOON)

    assert world.told == []
    assert shots.at == {False: WARNING}

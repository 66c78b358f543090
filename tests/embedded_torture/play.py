"""Plays one world on the stage: its configs, then what people do, until everything rests or nothing moves any more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from embedded_torture.facts import Facts, is_ours
from embedded_torture.promises import broken, unrest, unrest_of_rows
from embedded_torture.stage import Stage
from embedded_torture.worlds import Act, Corner, WorldPlan
from interlock.simulation.promises.facts import Broken

_LOADED_WITHIN_SECONDS = 180.0  # a pass of config-sync may end by somebody else's fault
_LOOK_SECONDS = 2.0
_RESTS_AFTER_LOOKS = 2  # without anything that is yet to come
# Longer than anything rests by itself: a message whose dispatcher died stays hidden for 90 s, and so does its thread's claim.
_STUCK_SECONDS = 240.0
_LONGEST_SECONDS = 1200.0


@dataclass(frozen=True)
class Played:
    """A world that was played."""

    plan: WorldPlan
    facts: Facts | None  # None: its configs were never loaded
    broken: tuple[Broken, ...]
    seconds: float
    again: int  # records and events that were brought a second time
    waited_for: str = ""  # the last thing that kept it from its rest


@dataclass
class _World:
    stage: Stage
    plan: WorldPlan
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)  # `job.config` by pipeline
    published_again: set[str] = field(default_factory=set)
    again: int = 0
    waited_for: str = ""

    def corner(self, act: Act) -> Corner:
        return next(corner for corner in self.plan.corners if corner.id == act.pipeline)

    def facts(self) -> Facts:
        return self.stage.observer.facts(self.plan, self.stage.strikes, self.published_again)


def play(stage: Stage, plan: WorldPlan) -> Played:
    """Whatever happens is in the result; an exception is a fault of the torture itself."""
    world, begun = _World(stage, plan), time.monotonic()
    for corner in plan.corners:
        world.jobs[corner.id] = stage.jobs.config_of(corner)
        stage.upload(corner, world.jobs[corner.id])
    if not waited(lambda: stage.is_loaded(plan), _LOADED_WITHIN_SECONDS):
        lost = Broken("configs-are-loaded", plan.name, f"not within {_LOADED_WITHIN_SECONDS:.0f} s")
        return Played(plan, None, (lost,), time.monotonic() - begun, 0)
    _act_out(world)
    facts, found = _settled(world)
    return Played(plan, facts, tuple(found), time.monotonic() - begun, world.again, world.waited_for)


def _act_out(world: _World) -> None:
    begun = time.monotonic()
    for act in world.plan.acts:
        time.sleep(max(0.0, begun + act.at - time.monotonic()))
        _ACTS[act.what](world, act)


def _write(world: _World, act: Act) -> None:
    world.stage.write(act.pipeline, **act.said)


def _garbage(world: _World, act: Act) -> None:
    world.stage.write_garbage(act.pipeline, act.said["item"])


def _request(world: _World, act: Act) -> None:
    world.stage.request(act.pipeline, act.said["date"], act.said["reason"], force=act.said["force"])


def _record(world: _World, act: Act) -> None:
    world.stage.record(act.pipeline, act.said["date"], act.said["event"], act.said["runId"])


def _upload(world: _World, act: Act) -> None:
    corner = world.corner(act)
    if act.said.get("malformed"):
        world.stage.spoil(corner)
    else:
        world.stage.upload(corner, world.jobs[corner.id], act.said["description"])


def _redeliver(world: _World, act: Act) -> None:
    world.again += world.stage.redeliver(act.pipeline, act.said["share"])


def _publish(world: _World, act: Act) -> None:
    event = world.stage.publish_again(act.pipeline, act.said["share"])
    if event is not None:
        world.published_again.add(event)
        world.again += 1


_ACTS: dict[str, Callable[[_World, Act], None]] = {
    "write": _write,
    "garbage": _garbage,
    "request": _request,
    "record": _record,
    "upload": _upload,
    "redeliver": _redeliver,
    "publish": _publish,
}


def _settled(world: _World) -> tuple[Facts, list[Broken]]:
    """The world at rest; or as it stands when a promise is broken, or nothing moves any more."""
    begun = moved_at = time.monotonic()
    seen: object = None
    stands: object
    rests = 0
    while True:
        rows = world.stage.observer.rows(world.plan)
        yet, stands = list(unrest_of_rows(rows)), len(rows.ordered)
        if not yet:
            facts = world.facts()
            yet, stands = list(unrest(facts)), (len(facts.rows.ordered), len(facts.stored))
            rests = 0 if yet else rests + 1
            if rests == _RESTS_AFTER_LOOKS:
                return facts, list(broken(facts))
        world.waited_for = f"{yet[0].promise} {yet[0].about}" if yet else world.waited_for
        now = time.monotonic()
        seen, moved_at = (stands, now) if stands != seen else (seen, moved_at)
        if now - moved_at > _STUCK_SECONDS or now - begun > _LONGEST_SECONDS:
            facts = world.facts()
            return facts, [*broken(facts), *unrest(facts)]
        time.sleep(_LOOK_SECONDS)


def waited(question: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not question():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.3)
    return True


def story(played: Played) -> Iterator[str]:
    """A world that broke a promise, for whoever looks for the cause."""
    plan = played.plan
    yield f"{plan.name} of seed {plan.seed}"
    yield from (f"  BROKEN  {each.promise}: {each.about}: {each.what}" for each in played.broken)
    for corner in plan.corners:
        yield f"  {corner.id}: {corner.config}"
        yield f"    its job: {', '.join(f'{work.ending} after {work.seconds} s' for work in corner.works)}"
    yield from (f"  {act}" for act in plan.acts)
    if played.facts is not None:
        yield from _told(played.facts)


def _told(facts: Facts) -> Iterator[str]:
    by_fault = {strike.fault.id: strike for strike in facts.strikes}
    for fault in facts.plan.faults:
        struck = by_fault.get(fault.id)
        when = f"struck {struck.did} at {_clock(struck.at)}" if struck else "never came"
        yield f"  fault {fault.id}: {fault}: {when}"
    for key, changes in facts.rows.past.items():
        if key[1].startswith(("RUN#", "DUE#", "RERUN_REQUEST#", "SLOTS")):
            yield f"  {key[0]} {key[1]}"
            yield from (f"    {_brief(change.new)}" for change in changes)
    for pipeline, starts in facts.starts.items():
        yield from (f"  {pipeline} started {start}" for start in starts)


_SHOWN = [
    "updatedAt",
    "status",
    "attempt",
    "version",
    "executionName",
    "tokenFor",
    "outcome",
    "dueAt",
    "verdict",
    "holders",
    "waiting",
]


def _brief(row: dict[str, Any] | None) -> str:
    if row is None:
        return "deleted"
    told = {name: str(row[name]) for name in _SHOWN if name in row}
    types = [event["type"] for event in row["events"]] if is_ours(row) else []
    return f"{told} {types}"


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.gmtime(at)) + f"{at % 1:.3f}"[1:]

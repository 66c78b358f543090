"""Where the function that starts a job can die, and how many remote jobs there are afterwards, by the simulator.

The calls of the invocation that starts the job are counted; then one world is played for each call and each side of it, in
which the function dies exactly there and is invoked again by the state machine, until the run is over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from interlock.domain.event import EventType
from interlock.domain.run import RunStatus
from interlock.simulation.faults import CRASH, FaultPlan
from interlock.simulation.our_calls import Invocation, current_invocation
from interlock.simulation.play import play
from interlock.simulation.played import Played
from interlock.simulation.scenario import Scenario
from interlock.simulation.scenario_yaml import read_scenario

_DATE = "2026-03-02"


@dataclass(frozen=True)
class Point:
    """A place in the invocation."""

    call: str  # `glue.StartJobRun`
    after: bool  # it took effect

    def __str__(self) -> str:
        return f"{'after' if self.after else 'before'} {self.call}"


@dataclass(frozen=True)
class Aftermath:
    """What a crash at one place led to, once the run was over."""

    point: Point
    remote_jobs: int
    status: RunStatus
    attempts: int
    error: str | None  # of the attempt, if it failed

    @property
    def unknown_outcome(self) -> bool:
        """Nobody can say whether the job was started, and a person is told what to check."""
        said = self.error or ""
        return self.status is RunStatus.FAILED and "unknown outcome" in said and "check" in said


class DiesAt(FaultPlan):
    """The first invocation that starts the job dies at the call of this number, counted from 0 and on both sides."""

    def __init__(self, number: int | None) -> None:
        super().__init__()
        self._number = number
        self._first: Invocation | None = None
        self.points: list[Point] = []  # that it came by
        self.died_at: Point | None = None

    def strike(self, call: str, pipeline: str | None, *, after: bool) -> str | None:
        invocation = current_invocation()
        if invocation.step == "StartJob" and self._first is None:
            self._first = invocation
        if invocation is not self._first:
            return super().strike(call, pipeline, after=after)
        self.points.append(Point(call, after))
        if len(self.points) - 1 != self._number:
            return None
        self.died_at = self.points[-1]
        return CRASH


def points_of(job: Mapping[str, Any]) -> list[Point]:
    """Every place at which the start of such a job can die."""
    plan = DiesAt(None)
    play(_scenario(job), plan)
    return plan.points


def aftermaths(job: Mapping[str, Any]) -> list[Aftermath]:
    """What a crash at each place leads to; `job` is as in a pipeline's config."""
    return [_aftermath(job, number, point) for number, point in enumerate(points_of(job))]


def _aftermath(job: Mapping[str, Any], number: int, point: Point) -> Aftermath:
    plan = DiesAt(number)
    world = play(_scenario(job), plan)
    assert plan.died_at == point, "the same start makes the same calls"
    (run,) = world.runs.values()
    failed = [each.event for each in _last(world, EventType.JOB_FAILED)]
    error = failed[-1].message if failed else None
    return Aftermath(point, len(world.history.jobs), run.status, run.attempt, error)


def _last(world: Played, event_type: EventType) -> list[Any]:
    return [published for published in world.history.published if published.event.type is event_type]


def _scenario(job: Mapping[str, Any]) -> Scenario:
    pipeline = {
        "pipeline": {"id": "crashed"},
        "schedule": {"trigger": {"key": "landed", "check": "exists"}, "evaluation": {"window": "1h"}},
        "validation": {"rules": [{"key": "rows", "check": "gte", "field": "count", "value": 10}]},
        "job": {"maxRetries": 3, "maxCodeRetries": 0, **job},
    }

    def sensor(key: str, **data: Any) -> dict[str, Any]:
        return {"at": "+0s", "sensor": {"pipeline": "crashed", "key": key, "data": {"date": _DATE, **data}}}

    text = yaml.safe_dump(
        {
            "scenario": "a start that dies",
            "start": f"{_DATE}T08:00:00Z",
            "until": "+3h",
            "configs": [pipeline],
            "jobs": {"crashed": [{"outcome": "succeed", "after": "4m"}]},
            "timeline": [sensor("rows", count=10), sensor("landed")],
            "expect": {},
        }
    )
    return read_scenario(text, "crashed.yaml", Path())

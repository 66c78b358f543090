"""Where the function that starts a job can die, and how many remote jobs there are afterwards, by the simulator.

The calls of the invocation that starts the job are counted; then one world is played for each call and each side of it, in
which the function dies exactly there and is invoked again by the state machine, until the run is over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from interlock.domain.event import EventType
from interlock.domain.run import RunStatus
from interlock.simulation.faults import CRASH, FaultPlan
from interlock.simulation.our_calls import Invocation, current_invocation
from interlock.simulation.play import play
from interlock.simulation.scenario import Fault, Scenario
from interlock.simulation.scenario_yaml import read_scenario

SECRET = "of-the-service"  # the name of one that a job's config may use
_DATE = "2026-03-02"


@dataclass(frozen=True)
class Point:
    """A place in an invocation."""

    call: str  # `glue.StartJobRun`
    after: bool  # it took effect

    def __str__(self) -> str:
        return f"{'after' if self.after else 'before'} {self.call}"


@dataclass(frozen=True)
class Aftermath:
    """What it led to, once the run was over, that one invocation after the other died."""

    died_at: tuple[Point, ...]
    remote_jobs: int
    status: RunStatus
    attempts: int
    error: str  # of the attempt, if it failed

    @property
    def started_once(self) -> bool:
        return (self.remote_jobs, self.status, self.attempts) == (1, RunStatus.SUCCEEDED, 1)

    @property
    def unknown_outcome(self) -> bool:
        """Nobody can say whether the job was started; it is not started again, and a person is told what to check."""
        told = "unknown outcome" in self.error and "check" in self.error
        return told and (self.status, self.attempts) == (RunStatus.FAILED, 1) and self.remote_jobs <= 1

    def __str__(self) -> str:
        where = ", then ".join(map(str, self.died_at))
        return f"{where}: {self.remote_jobs} remote jobs, {self.status} {self.error}"


class DiesAt(FaultPlan):
    """The invocations that start the job die one after the other, each at the call of its number.

    Numbers count from 0, and each call twice: before it and after it.
    """

    def __init__(self, numbers: tuple[int, ...]) -> None:
        super().__init__()
        self._numbers = numbers
        self._invocations: list[Invocation] = []
        self.points: list[list[Point]] = []  # that each invocation came by
        self.died_at: list[Point] = []

    def strike(
        self, call: str, pipeline: str | None, *, after: bool, function: str | None = None
    ) -> Fault | None:
        invocation = current_invocation()
        if invocation.step != "StartJob":
            return super().strike(call, pipeline, after=after, function=function)
        if not any(invocation is known for known in self._invocations):
            self._invocations.append(invocation)
            self.points.append([])
        place = next(n for n, known in enumerate(self._invocations) if known is invocation)
        self.points[place].append(Point(call, after))
        if self._numbers[place : place + 1] != (len(self.points[place]) - 1,):
            return None
        self.died_at.append(Point(call, after))
        return Fault(call, CRASH, after)


def points_of(job: Mapping[str, Any], *died_at: int) -> list[Point]:
    """Every place at which the start of such a job can die, after those before it died there."""
    plan = DiesAt(died_at)
    play(_scenario(job), plan)
    # After some deaths there is no other start: the first has stored all there is to store.
    return plan.points[len(died_at)] if len(plan.points) > len(died_at) else []


def aftermaths(job: Mapping[str, Any], *died_at: int) -> Iterator[Aftermath]:
    """What a crash at each place leads to, after those before it; `job` is as in a pipeline's config."""
    for number in range(len(points_of(job, *died_at))):
        yield _aftermath(job, (*died_at, number))


def aftermaths_of_two(job: Mapping[str, Any]) -> Iterator[Aftermath]:
    """What a crash at each place leads to, when the next invocation dies as well, at each of its own."""
    for number in range(len(points_of(job))):
        yield from aftermaths(job, number)


def _aftermath(job: Mapping[str, Any], numbers: tuple[int, ...]) -> Aftermath:
    plan = DiesAt(numbers)
    world = play(_scenario(job), plan)
    assert len(plan.died_at) == len(numbers), "the same start makes the same calls"
    (run,) = world.runs.values()
    published = [each.event for each in world.history.published]
    errors = [event.message for event in published if event.type is EventType.JOB_FAILED]
    error = errors[-1] if errors else ""
    return Aftermath(tuple(plan.died_at), len(world.history.jobs), run.status, run.attempt, error)


def _scenario(job: Mapping[str, Any]) -> Scenario:
    pipeline = {
        "pipeline": {"id": "crashed"},
        "schedule": {"trigger": {"key": "landed", "check": "exists"}, "evaluation": {"window": "1h"}},
        "validation": {"rules": [{"key": "rows", "check": "gte", "field": "count", "value": 10}]},
        "job": {"maxRetries": 3, **job},
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
            "timeline": [
                {"at": "+0s", "secrets": {SECRET: "s3cr3t-s3cr3t"}},
                sensor("rows", count=10),
                sensor("landed"),
            ],
            "expect": {},
        }
    )
    return read_scenario(text, "crashed.yaml", Path())

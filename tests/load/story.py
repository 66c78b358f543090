"""What 1,000 pipelines and their upstream jobs do, from a seed alone: every write in its order, and what must come of it."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from interlock.domain.event import EventType

_FIRST_DATE = date(2026, 3, 1)
_MANY_ROWS = 1000  # so many make the rule on `orders` hold
LEAST_WRITES = 24  # of a pipeline: what three dates with two corrections each take


class Kind(StrEnum):
    """What is special about a pipeline."""

    STEADY = "steady"  # nothing
    FLAKY = "flaky"  # each first attempt fails
    RERUN = "rerun"  # its data changes after success, twice; one rerun is allowed
    REFUSED = "refused"  # its data changes after success, and no rerun is allowed


_KINDS = (*[Kind.STEADY] * 7, Kind.FLAKY, Kind.RERUN, Kind.REFUSED)


@dataclass(frozen=True, slots=True)
class Write:
    """A reading. Its `updatedAt` is the instant of the write."""

    sensor: str
    date: str
    values: Mapping[str, Any]
    is_needed: bool = False  # the last that a start waits for


@dataclass(frozen=True, slots=True)
class Again:
    """The item of the last write once more, the same to the last byte."""


@dataclass(frozen=True, slots=True)
class Await:
    """Wait until the date has succeeded at this attempt."""

    date: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Heard:
    """Wait until the stream has brought all that was written for the pipeline so far.

    A change that the next reading in its row overwrites sooner is one that nobody saw.
    """


Step = Write | Again | Await | Heard


@dataclass(frozen=True, slots=True)
class Date:
    """What must come of one date of a pipeline."""

    date: str
    attempts: int
    events: Mapping[EventType, int]
    told: int  # messages in its Slack thread


@dataclass(frozen=True)
class Part:
    """One pipeline: how it is declared, what is written for it, what comes of it."""

    id: str
    kind: Kind
    is_by_period: bool  # sensors with a row for each date, `orders#2026-03-01`; else one row for all
    is_flat: bool  # the reading's values beside the keys; else in `data`
    is_fresh: bool  # a third rule, on the reading's age
    steps: Sequence[Step] = ()
    dates: Sequence[Date] = ()

    @property
    def writes(self) -> int:
        return sum(isinstance(step, Write | Again) for step in self.steps)

    def config(self) -> str:
        """As its owner would write it; JSON is YAML."""
        rules = [
            {"key": "orders", "check": "gte", "field": "count", "value": _MANY_ROWS},
            {"key": "quality", "check": "equals", "field": "status", "value": "passed"},
        ]
        if self.is_fresh:
            rules.append({"key": "orders", "check": "age_lt", "field": "updatedAt", "value": "12h"})
        arguments = {"--date": "${DATE}", "--attempt": "${ATTEMPT}"}
        told = {
            "pipeline": {"id": self.id, "owner": "load"},
            "schedule": {
                "trigger": {"key": "upstream", "check": "equals", "field": "status", "value": "done"},
                "evaluation": {"window": "6h", "interval": "30m"},
            },
            "validation": {"rules": rules},
            "job": {
                "type": "glue",
                "config": {"jobName": self.id, "arguments": arguments},
                "retryBackoff": "1s",
                "maxDriftReruns": 1 if self.kind is Kind.RERUN else 0,
            },
        }
        return json.dumps(told)


def story(pipelines: int, writes: int, seed: int) -> list[Part]:
    """So many pipelines; the writes are shared out evenly, what is left over goes to the first."""
    each, left = divmod(writes, pipelines)
    if each < LEAST_WRITES:
        raise ValueError(f"{pipelines} pipelines need {pipelines * LEAST_WRITES} writes or more")
    return [
        _part(number, each + (number < left), random.Random(f"{seed}/{number}"))
        for number in range(pipelines)
    ]


def _part(number: int, writes: int, chance: random.Random) -> Part:
    kind = _KINDS[number % len(_KINDS)]
    dates = [str(_FIRST_DATE + timedelta(days=day)) for day in range(chance.choice((2, 3)))]
    each, left = divmod(writes, len(dates))
    steps = [
        step for n, day in enumerate(dates) for step in _Day(kind, day, each + (n < left), chance).steps()
    ]
    return Part(
        f"load-{number:04}",
        kind,
        is_by_period=chance.random() < 0.5,
        is_flat=chance.random() < 0.3,
        is_fresh=chance.random() < 0.3,
        steps=steps,
        dates=[_outcome(kind, day) for day in dates],
    )


class _Day:
    """One date of one pipeline: what its upstream jobs write, of which most changes nothing."""

    def __init__(self, kind: Kind, day: str, writes: int, chance: random.Random) -> None:
        self._kind, self._day, self._left, self._chance = kind, day, writes, chance
        self._now: dict[str, dict[str, Any]] = {}

    def steps(self) -> Iterator[Step]:
        changes = {Kind.RERUN: 2, Kind.REFUSED: 1}.get(self._kind, 0)
        holders = self._chance.sample(("upstream", "orders", "quality"), 3)
        spare = self._left - 5 - changes  # two that do not hold yet, three that do
        # Where it goes: before anything holds, between the three, while the job runs, after each end.
        places = Counter(self._chance.choices(range(6), weights=(2, 2, 2, 1, 4, 3), k=spare))
        yield self._write("orders", count=self._chance.randrange(_MANY_ROWS))
        yield self._write("quality", status="pending")
        yield from self._growing(places[0])
        for n, sensor in enumerate(holders):
            yield self._holding(sensor, is_needed=n == 2)
            yield from self._growing(places[n + 1]) if n < 2 else self._unchanged(places[3])
        yield Await(self._day, 2 if self._kind is Kind.FLAKY else 1)
        yield from self._unchanged(places[4])
        for change in range(changes):
            yield self._write("orders", count=self._now["orders"]["count"] + 1 + self._chance.randrange(500))
            yield Heard()
            if self._kind is Kind.RERUN and change == 0:
                yield Await(self._day, 2)
        yield from self._unchanged(places[5])

    def _holding(self, sensor: str, is_needed: bool) -> Write:
        values: dict[str, Any] = {"status": "done" if sensor == "upstream" else "passed"}
        if sensor == "orders":
            values = {"count": _MANY_ROWS + self._chance.randrange(1000)}
        return self._write(sensor, is_needed=is_needed, **values)

    def _growing(self, writes: int) -> Iterator[Step]:
        """While something is missing `orders` may move, as long as it does not pass its rule's bound either way."""
        for _ in range(writes):
            if self._chance.random() < 0.4:
                least = _MANY_ROWS if self._now["orders"]["count"] >= _MANY_ROWS else 0
                yield self._write("orders", count=least + self._chance.randrange(_MANY_ROWS))
            else:
                yield from self._unchanged(1)

    def _unchanged(self, writes: int) -> Iterator[Step]:
        """Heartbeats, which have a new time alone, and exact repetitions."""
        for _ in range(writes):
            sensor = self._chance.choice(sorted(self._now))
            yield (
                Again() if self._chance.random() < 0.25 else Write(sensor, self._day, dict(self._now[sensor]))
            )

    def _write(self, sensor: str, is_needed: bool = False, **values: Any) -> Write:
        self._now[sensor] = values
        return Write(sensor, self._day, dict(values), is_needed)


_OPENED = (EventType.RUN_OPENED,)
_STARTED = (EventType.VALIDATION_PASSED, EventType.JOB_TRIGGERED)
_SUCCEEDED = (*_STARTED, EventType.JOB_COMPLETED, EventType.POST_RUN_BASELINE_CAPTURED)
_FAILED = (*_STARTED, EventType.JOB_FAILED, EventType.JOB_RETRIED)
_ALLOWED = (EventType.LATE_DATA_ARRIVAL, EventType.RERUN_ACCEPTED)
_REJECTED = (EventType.LATE_DATA_ARRIVAL, EventType.RERUN_REJECTED)
# What a date of each kind says in its life, in order.
_LIVES: Mapping[Kind, Sequence[EventType]] = {
    Kind.STEADY: (*_OPENED, *_SUCCEEDED),
    Kind.FLAKY: (*_OPENED, *_FAILED, *_SUCCEEDED),
    Kind.RERUN: (*_OPENED, *_SUCCEEDED, *_ALLOWED, *_SUCCEEDED, *_REJECTED),
    Kind.REFUSED: (*_OPENED, *_SUCCEEDED, *_REJECTED),
}
_ALERTS = frozenset({EventType.JOB_FAILED, EventType.LATE_DATA_ARRIVAL, EventType.RERUN_REJECTED})


def _outcome(kind: Kind, day: str) -> Date:
    life = _LIVES[kind]
    told = 0
    for event in life:
        # A success is told where something was told before.
        told += event in _ALERTS or (event is EventType.JOB_COMPLETED and told > 0)
    return Date(day, life.count(EventType.JOB_TRIGGERED), Counter(life), told)

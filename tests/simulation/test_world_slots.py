"""Pipelines that share slots, through failures, reruns, flipping rules and faults: never more jobs than slots, none leaked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from interlock.domain.event import Event
from interlock.domain.run import RunStatus
from interlock.simulation.history import RemoteJob
from interlock.simulation.play import play
from interlock.simulation.played import Played
from interlock.simulation.scenario_yaml import read_scenario

HOUR = 3600
BUSY = 4 * HOUR  # seconds in which everything is written, changed and broken
CALLS = (
    *(
        "dynamodb.PutItem",
        "dynamodb.PutItem",
        "dynamodb.UpdateItem",
        "dynamodb.UpdateItem",
        "dynamodb.GetItem",
    ),
    *("dynamodb.TransactGetItems", "dynamodb.DeleteItem", "dynamodb.Query", "states.SendTaskSuccess"),
    *("states.StartExecution", "glue.StartJobRun", "glue.GetJobRun", "glue.GetJobRuns", "lambda.Invoke"),
)
ERRORS = ("crash", "crash", "timeout", "ThrottlingException")
DATES = ("2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02")
OVER = (RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.EXPIRED, RunStatus.CANCELLED)
Entries = list[tuple[int, dict[str, Any]]]


class SlotWorld:
    """A few pipelines on two pools, with limits of their own; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random = Random(seed)
        self.slots = {"warehouse": random.choice((1, 1, 2, 3)), "lake": random.choice((1, 2))}
        self.names = [f"p{number}" for number in range(random.randint(2, 5))]
        self.configs = {name: self._config(name) for name in self.names}
        self.jobs = {name: self._plays() for name in self.names}

    def _config(self, name: str) -> dict[str, Any]:
        random = self.random
        job: dict[str, Any] = {
            "type": "glue",
            "config": {"jobName": name},
            "maxRetries": random.randint(0, 2),
        }
        job |= {"maxDriftReruns": 1, "maxManualReruns": 2, "retryBackoff": random.choice(("1m", "10m"))}
        pool = random.choice(("warehouse", "warehouse", "lake", None))
        if pool is not None:
            job["pool"] = {"name": pool, "slots": self.slots[pool]}
        if pool is None or random.random() < 0.4:
            job["maxConcurrentRuns"] = random.randint(1, 2)
        evaluation = {"window": random.choice(("20m", "1h", "3h")), "interval": "5m"}
        rows = {"key": "rows", "check": "gte", "field": "count", "value": 5}
        return {
            "pipeline": {"id": name},
            "schedule": {"trigger": {"key": "go", "check": "exists"}, "evaluation": evaluation},
            "validation": {"rules": [rows] if random.random() < 0.6 else []},
            "job": job,
        }

    def _plays(self) -> list[dict[str, Any]]:
        random = self.random
        some = [
            {
                "outcome": random.choice(("succeed", "succeed", "fail")),
                "after": random.choice(("1m", "7m", "25m")),
            }
            for _ in range(6)
        ]
        return [*some, {"outcome": "succeed", "after": "6m"}]

    def writes(self) -> Entries:
        found: Entries = []
        for name in self.names:
            for date in self.random.sample(DATES, self.random.randint(1, 4)):
                found += self._story(name, date)
        return found

    def _story(self, name: str, date: str) -> Entries:
        """Rules that hold, hold no more and hold again; data that comes late; somebody who wants it all again."""
        random = self.random
        asked_at, rows_after = random.randrange(HOUR), random.choice((0, 600, 5400))
        counts = [(asked_at + rows_after, 5), (BUSY, 7)]
        counts += [(random.randrange(BUSY), random.choice((1, 6, 9))) for _ in range(random.randint(0, 3))]
        found = [(at, _sensor(name, "rows", {"count": count, "date": date})) for at, count in counts]
        if random.random() < 0.3:
            again = {"pipeline": name, "date": date, "force": True}
            found.append((random.randrange(BUSY), {"rerun": again}))
        return [*found, (asked_at, _sensor(name, "go", {"date": date}))]

    def faults(self) -> Entries:
        random = self.random
        found: Entries = []
        for _ in range(random.randint(4, 12)):
            fault = {"call": random.choice(CALLS), "when": random.choice(("before", "after"))}
            fault |= {"error": random.choice(ERRORS), "times": random.randint(1, 3)}
            found.append((random.randrange(BUSY), {"fault": fault}))
        for _ in range(random.randint(0, 3)):
            again = random.choice(({"all": True}, {"last": 9}))
            found.append((random.randrange(BUSY), {"redeliver": {**again, "reverse": random.random() < 0.5}}))
        return found

    def losses(self) -> Entries:
        random = self.random
        found: Entries = []
        for _ in range(random.randint(1, 5)):
            found.append((random.randrange(BUSY), {"drop": {"next": random.randint(1, 4), "what": "stream"}}))
        quiet = random.randrange(BUSY)
        return [
            *found,
            (quiet, {"watchdog": {"pause": True}}),
            (quiet + 1200, {"watchdog": {"pause": False}}),
        ]

    def play(self, entries: Entries, hours: int = 26) -> Played:
        timeline = [{"at": f"+{second}s", **entry} for second, entry in entries]
        sections = {
            "configs": list(self.configs.values()),
            "jobs": self.jobs,
            "timeline": timeline,
            "expect": {},
        }
        whole = {"scenario": "slots", "start": "2026-03-02T08:00:00Z", "until": f"+{hours}h", **sections}
        return play(read_scenario(json.dumps(whole), "slots.yaml", Path()))


def _sensor(name: str, key: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"sensor": {"pipeline": name, "key": key, "data": data}}


def most_at_once(jobs: Iterable[RemoteJob]) -> int:
    """A job that ends at the instant at which another starts makes room for it."""
    jobs = list(jobs)
    return max((_alive_beside(job, jobs) for job in jobs), default=0)


def _alive_beside(job: RemoteJob, jobs: Iterable[RemoteJob]) -> int:
    """Itself included, at the instant of its start."""
    return sum(
        other.started_at <= job.started_at and (other.ended_at is None or other.ended_at > job.started_at)
        for other in jobs
    )


def exceeded(world: SlotWorld, played: Played) -> list[str]:
    """Limits with more jobs at once than slots."""
    return [
        f"{name}: {most_at_once(jobs)} > {slots}"
        for name, slots, jobs in _limits(world, played)
        if most_at_once(jobs) > slots
    ]


def _limits(world: SlotWorld, played: Played) -> Iterator[tuple[str, int, list[RemoteJob]]]:
    in_pool = {name: config["job"].get("pool", {}).get("name") for name, config in world.configs.items()}
    for pool, slots in world.slots.items():
        yield pool, slots, [job for job in played.history.jobs if in_pool[job.pipeline_id] == pool]
    for name, config in world.configs.items():
        own = config["job"].get("maxConcurrentRuns")
        if own is not None:
            yield name, own, [job for job in played.history.jobs if job.pipeline_id == name]


def still_open(played: Played) -> list[str]:
    return [f"{run.key} {run.status}" for run in played.runs.values() if run.status not in OVER]


def told(played: Played, event_type: str) -> list[Event]:
    return [one.event for one in played.events() if one.event.type == event_type]


@pytest.mark.parametrize("seed", range(8))
def test_never_are_there_more_jobs_than_slots_and_every_run_ends(seed: int) -> None:
    world = SlotWorld(seed)

    played = world.play([*world.writes(), *world.faults()])

    assert exceeded(world, played) == []
    assert still_open(played) == []
    assert [pool for pool in played.pools if not pool.is_empty] == []


@pytest.mark.parametrize("seed", range(8))
def test_a_lost_record_keeps_no_run_waiting_and_lets_none_too_many_start(seed: int) -> None:
    world = SlotWorld(seed)

    played = world.play([*world.writes(), *world.faults(), *world.losses()])

    assert exceeded(world, played) == []
    assert still_open(played) == []
    # Nobody needs a slot any more, so that nobody has looked for those of which no record told.
    assert [pool for pool in played.pools if pool.waiting] == []


@pytest.mark.parametrize("seed", range(3))
def test_whatever_ends_when_runs_of_a_pool_start_in_the_order_in_which_they_asked(seed: int) -> None:
    world = SlotWorld(seed)
    asked_at = world.random.sample(range(0, HOUR), len(world.names) * len(DATES))
    runs = [(name, date) for name in world.names for date in DATES]
    for config in world.configs.values():
        config["validation"]["rules"] = []
        config["job"] |= {"pool": {"name": "warehouse", "slots": world.slots["warehouse"]}, "maxRetries": 0}
        config["job"].pop("maxConcurrentRuns", None)
        config["schedule"]["evaluation"]["window"] = "1m"  # a slot is waited for beyond it

    asking = sorted(zip(asked_at, runs, strict=True))
    played = world.play([(at, _sensor(name, "go", {"date": date})) for at, (name, date) in asking])

    starts = [(event.pipeline_id, event.date) for event in told(played, "JOB_TRIGGERED")]
    assert starts == [run for _, run in asking]
    assert exceeded(world, played) == []


@pytest.mark.parametrize("seed", range(6))
def test_a_job_starts_only_beside_fewer_than_its_own_config_allows_whatever_that_was_before(
    seed: int,
) -> None:
    world = SlotWorld(seed)
    changes = {
        name: sorted((at, world.random.randint(1, 3)) for at in world.random.sample(range(BUSY), 3))
        for name in world.names
    }
    for config in world.configs.values():
        config["job"] |= {"pool": {"name": "warehouse", "slots": 1}, "maxConcurrentRuns": 3}
    entries = [
        (at, {"config": _with_slots(world.configs[name], slots)})
        for name in changes
        for at, slots in changes[name]
    ]

    played = world.play([*world.writes(), *entries])

    for job in played.history.jobs:
        started = (job.started_at - played.scenario.start).total_seconds()
        allowed = [1, *(slots for at, slots in changes[job.pipeline_id] if at <= started)][-1]
        assert _alive_beside(job, _until(job, played)) <= allowed
    assert still_open(played) == []


def _with_slots(config: dict[str, Any], slots: int) -> dict[str, Any]:
    return {**config, "job": {**config["job"], "pool": {"name": "warehouse", "slots": slots}}}


def _until(job: RemoteJob, played: Played) -> list[RemoteJob]:
    """Those that had started when it did, in the order in which the service took them."""
    return played.history.jobs[: played.history.jobs.index(job) + 1]

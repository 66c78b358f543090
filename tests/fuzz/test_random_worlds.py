"""Two pipelines, one waiting for the other, through random writes, requests, crashes and redeliveries: what always holds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from interlock.domain.event import Event
from interlock.simulation.play import play
from interlock.simulation.played import Played
from interlock.simulation.scenario_yaml import read_scenario

DATE = "2026-03-02"
HOUR = 3600
CALLS = ["PutItem", "UpdateItem", "GetItem", "TransactGetItems", "Query", "DeleteItem"]
# Facts of one attempt; said a second time, somebody is told what he knows.
ONCE = {
    "RUN_OPENED", "JOB_TRIGGERED", "JOB_COMPLETED", "POST_RUN_SENSOR_MISSING", "DRY_RUN_WOULD_TRIGGER", "DRY_RUN_COMPLETED",
}  # fmt: skip
OF_A_VALUE = {"LATE_DATA_ARRIVAL", "POST_RUN_DRIFT", "POST_RUN_DRIFT_INFLIGHT"}

Entries = list[tuple[int, dict[str, Any]]]


def a_config(random: Random, name: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    budgets = {"maxDriftReruns": random.choice([0, 1, 2]), "maxManualReruns": random.choice([0, 1, 2])}
    config: dict[str, Any] = {
        "pipeline": {"id": name},
        "schedule": {"trigger": {"key": "go", "check": "exists"}, "evaluation": {"window": "30m"}},
        "validation": {"trigger": random.choice(["ALL", "ALL", "ANY"]), "rules": rules},
        "job": {"type": "glue", "config": {"jobName": name}, "maxRetries": random.choice([0, 1]), **budgets},
    }
    if random.random() < 0.6:
        audited = [{"key": "audit", "check": "gte", "field": "count", "value": 2}]
        config["postRun"] = {"rules": audited, "sensorTimeout": random.choice(["20m", "1h"])}
    if random.random() < 0.2:
        config["dryRun"] = True
    return config


def some_entries(random: Random) -> Entries:
    entries: Entries = []
    for number, second in enumerate(sorted(random.sample(range(30, 6 * HOUR), 20))):
        name = ["upper", "lower"][number] if number < 2 else random.choice(["upper", "upper", "lower"])
        key = "go" if number < 2 else random.choice(["orders", "orders", "audit", "request"])
        if key == "request":
            asked = {"reason": f"at {second}", "force": random.random() < 0.5}
            entries.append((second, {"rerun": {"pipeline": name, "date": DATE, **asked}}))
        else:
            data = {"count": random.choice([1, 2, 3])} | ({"date": DATE} if random.random() < 0.7 else {})
            entries.append((second, {"sensor": {"pipeline": name, "key": key, "data": data}}))
    return entries


def faults(random: Random) -> Entries:
    found: Entries = []
    for _ in range(5):
        error = random.choice(["crash", "crash", "timeout", "ThrottlingException"])
        when = random.choice(["before", "after"])
        call = f"dynamodb.{random.choice(CALLS)}"
        found.append((random.randrange(6 * HOUR), {"fault": {"call": call, "when": when, "error": error}}))
    return found


def redeliveries(random: Random) -> Entries:
    return [
        (random.randrange(7 * HOUR), {"redeliver": {"all": True, "reverse": random.random() < 0.5}})
        for _ in range(3)
    ]


class RandomWorld:
    """The same for the same seed; played as often as one likes, with more entries each time."""

    def __init__(self, seed: int) -> None:
        random = Random(seed)
        orders = {"key": "orders", "check": "gte", "field": "count", "value": 2}
        upstream = {"pipeline": "upper", "check": "succeeded"}
        below = [upstream, orders] if random.random() < 0.5 else [upstream]
        self.configs = [a_config(random, "upper", [orders]), a_config(random, "lower", below)]
        outcomes = ["succeed", "succeed", "succeed", "fail"]
        self.jobs = {
            name: [
                *(
                    {"outcome": random.choice(outcomes), "after": random.choice(["1m", "20m"])}
                    for _ in range(3)
                ),
                {"outcome": "succeed", "after": "7m"},
            ]
            for name in ("upper", "lower")
        }
        self.entries = some_entries(random)

    def play(self, more: Entries) -> Played:
        timeline = [{"at": f"+{second}s", **entry} for second, entry in [*self.entries, *more]]
        sections = {"configs": self.configs, "jobs": self.jobs, "timeline": timeline, "expect": {}}
        whole = {"scenario": "random", "start": f"{DATE}T08:00:00Z", "until": "+10h", **sections}
        return play(read_scenario(json.dumps(whole), "random.yaml", Path()))


def told(played: Played) -> list[Event]:
    """Each event once, as event-sink keeps it."""
    return list({one.event.event_id: one.event for one in played.history.published}.values())


def told_twice(events: Iterable[Event]) -> list[object]:
    facts = Counter(
        (event.type, event.pipeline_id, event.attempt, event.message if event.type in OF_A_VALUE else "")
        for event in events
        if event.type in ONCE | OF_A_VALUE
    )
    return [fact for fact, count in facts.items() if count > 1]


def over_budget(played: Played, configs: Iterable[Mapping[str, Any]]) -> list[str]:
    jobs = {config["pipeline"]["id"]: config["job"] for config in configs}
    return [
        key.pipeline_id
        for key, run in played.runs.items()
        if run.drift_reruns > jobs[key.pipeline_id]["maxDriftReruns"]
        or run.manual_reruns > jobs[key.pipeline_id]["maxManualReruns"]
    ]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("more", [faults, redeliveries])
def test_every_run_comes_to_an_end_within_its_budgets_and_each_fact_is_told_once(seed, more):
    world = RandomWorld(seed)

    played = world.play(more(Random(seed)))

    starts = Counter(job.pipeline_id for job in played.history.jobs)
    assert not [run for run in played.runs.values() if run.status in ("WAITING", "RUNNING")]
    assert over_budget(played, world.configs) == []
    assert told_twice(told(played)) == []
    assert starts == Counter(event.pipeline_id for event in told(played) if event.type == "JOB_TRIGGERED")
    assert max(played.history.most_alive.values(), default=0) <= 1
    assert not [one for one in world.configs if one.get("dryRun") and starts[one["pipeline"]["id"]]]


@pytest.mark.parametrize("seed", range(8))
def test_redelivered_backwards_every_record_says_what_it_said(seed):
    world = RandomWorld(seed)

    once, again = world.play([]), world.play(redeliveries(Random(seed)))

    assert sorted(event.event_id for event in told(again)) == sorted(event.event_id for event in told(once))

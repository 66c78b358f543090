"""Whatever is lost, late, told twice or silent: each date has its run or is missed, and one SLA verdict, the right one."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from interlock.domain.expectation import deadline_of
from interlock.domain.pipeline import Pipeline
from interlock.domain.promise import PromiseKind
from interlock.domain.schedule import ExpectedDate, expected_dates
from interlock.pipeline_yaml import check_pipeline
from interlock.simulation.play import play
from interlock.simulation.played import Played
from interlock.simulation.scenario_yaml import read_scenario

# Nights in which the clocks of a zone change, and one whose hours begin at a quarter to.
NIGHTS = {
    "America/New_York": "2026-03-07",
    "America/Havana": "2026-10-31",
    "Australia/Lord_Howe": "2026-04-04",
    "Pacific/Apia": "2026-03-30",
    "Asia/Kathmandu": "2026-02-27",
}
CRONS = ("30 2 * * *", "0 0 * * *", "59 23 L * *", "15 1-5 * * *", "0 */3 * * *", "0,30 0-3 * * *")
CALLS = (
    *("dynamodb.GetItem", "dynamodb.PutItem", "dynamodb.UpdateItem", "dynamodb.DeleteItem", "dynamodb.Query"),
    *(
        "scheduler.CreateSchedule",
        "scheduler.DeleteSchedule",
        "lambda.Invoke",
        "stepfunctions.StartExecution",
    ),
)
LASTS = timedelta(hours=40)
# Nothing fails in the last hours: what was put off or retried until then is over.
CALM = timedelta(hours=6)
ONCE = (
    "RUN_OPENED",
    "SCHEDULE_MISSED",
    "TRIGGER_RECOVERED",
    "SENSOR_DEADLINE_EXPIRED",
    "SLA_MET",
    "SLA_BREACH",
)


def _config(chance: Random, zone: str) -> dict[str, Any]:
    hour = chance.choice((0, 1, 2, 3, 12))
    sla = {"deadline": f"{hour:02}:{chance.choice((0, 30, 59)):02}"}
    schedule: dict[str, Any] = {"timezone": zone, "evaluation": {"window": chance.choice(("10m", "3h"))}}
    if chance.random() < 0.7:
        schedule["cron"] = chance.choice(CRONS)
    else:
        schedule["trigger"] = {"key": "landed", "check": "exists", "deadline": f"0{chance.randint(0, 3)}:30"}
    if chance.random() < 0.5:
        sla["expectedDuration"] = chance.choice(("10m", "2h"))
    job = {"type": "glue", "config": {"jobName": "sessions"}, "maxRetries": 0}
    return {"pipeline": {"id": "sessions"}, "schedule": schedule, "sla": sla, "job": job}


def _timeline(chance: Random, start: datetime) -> list[dict[str, Any]]:
    def some_time(until: timedelta = LASTS - CALM) -> str:
        return f"+{chance.randint(1, int(until.total_seconds()))}s"

    landed = [
        {"pipeline": "sessions", "key": "landed", "data": {"date": str((start + timedelta(days=day)).date())}}
        for day in range(2)
        if chance.random() < 0.8
    ]
    faults = [
        {"call": chance.choice(CALLS), "when": chance.choice(("before", "after")), "error": error}
        for error in chance.choices(("crash", "timeout", "ThrottlingException"), k=chance.randint(0, 6))
    ]
    again = [{"all": True, "reverse": chance.random() < 0.5} for _ in range(chance.randint(0, 2))]
    entries = [{"at": some_time(LASTS), "sensor": reading} for reading in landed]
    entries += [{"at": some_time(), "fault": {**fault, "times": chance.randint(1, 3)}} for fault in faults]
    entries += [{"at": some_time(), "redeliver": records} for records in again]
    for silent in ("scheduler", "watchdog"):
        if chance.random() < 0.4:
            began = chance.randint(0, 24)
            entries += [{"at": f"+{began}h", silent: {"pause": True}}]
            entries += [{"at": f"+{began + chance.randint(1, 9)}h", silent: {"pause": False}}]
    return entries


@cache  # all tests look at the same story
def _world(seed: int) -> tuple[Pipeline, Played]:
    chance = Random(seed)
    zone = chance.choice(list(NIGHTS))
    start = datetime.fromisoformat(f"{NIGHTS[zone]}T{chance.randint(0, 23):02}:10:30+00:00")
    config = _config(chance, zone)
    plays = [{"outcome": "succeed", "after": chance.choice(("5m", "2h"))} for _ in range(5)]
    story = {
        "scenario": f"story {seed}",
        "start": start.isoformat(),
        "until": (start + LASTS).isoformat(),
        "configs": [config],
        "jobs": {"sessions": [*plays, {"outcome": "fail", "after": "5m"}]},
        "timeline": _timeline(chance, start),
        "expect": {},
    }
    pipeline = check_pipeline(yaml.safe_dump(config).encode(), "sessions.yaml").pipeline
    return pipeline, play(read_scenario(yaml.safe_dump(story), "story.yaml", Path()))


def _dates(seed: int) -> list[ExpectedDate]:
    pipeline, world = _world(seed)
    since, until = world.scenario.start - timedelta(days=3), world.scenario.until
    return list(expected_dates(pipeline, since, until, {}))


def _is_over(at: datetime | None, world: Played) -> bool:
    return at is not None and world.scenario.start < at < world.scenario.until - CALM


def _told(world: Played) -> Counter[tuple[str, str | None]]:
    return Counter((str(told.event.type), told.event.date) for told in world.events())


SEEDS = pytest.mark.parametrize("seed", range(12))


@SEEDS
def test_each_fire_and_each_trigger_has_its_run_or_is_missed(seed: int) -> None:
    pipeline, world = _world(seed)
    told, opened = _told(world), {key.date for key in world.runs}

    for expected in _dates(seed):
        kinds = {PromiseKind.FIRE: "SCHEDULE_MISSED", PromiseKind.TRIGGER: "SENSOR_DEADLINE_EXPIRED"}
        for kind, missed in kinds.items():
            due = deadline_of(kind, pipeline, expected.date)
            is_promised = _is_over(due, world) and expected.ends_at > world.scenario.start
            was_missed = told[missed, expected.date]
            assert not is_promised or was_missed + (expected.date in opened) == 1, (expected.date, missed)


@SEEDS
def test_each_date_has_the_one_verdict_that_its_run_deserves(seed: int) -> None:
    pipeline, world = _world(seed)
    told = _told(world)
    done = {told.event.date: told.event.at for told in world.events() if told.event.type == "JOB_COMPLETED"}

    for expected in _dates(seed):
        deadline = deadline_of(PromiseKind.SLA, pipeline, expected.date)
        if deadline is None or not _is_over(deadline, world) or expected.ends_at <= world.scenario.start:
            continue
        in_time = expected.date in done and done[expected.date] <= deadline
        verdicts = told["SLA_MET", expected.date], told["SLA_BREACH", expected.date]
        assert verdicts == ((1, 0) if in_time else (0, 1)), (expected.date, deadline)


@SEEDS
def test_of_no_date_the_same_is_told_twice(seed: int) -> None:
    told = _told(_world(seed)[1])

    assert {what: times for what, times in told.items() if what[0] in ONCE and times > 1} == {}

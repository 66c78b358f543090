"""Random worlds: scenarios that can be read and played, the same for the same seed, calm at their end, and of every kind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from interlock.domain.event import EventType
from interlock.domain.pipeline import Check, Job, JobType, Pipeline, Schedule
from interlock.domain.schedule import Period, cron_form
from interlock.simulation.play import play
from interlock.simulation.scenario import Scenario
from interlock.simulation.scenario_yaml import ScenarioInvalid, read_scenario, read_scenario_file
from interlock.torture.chance import Chance
from interlock.torture.disturbances import CALLS, CHANNELS, ERRORS
from interlock.torture.document import scenario_of
from interlock.torture.profiles import MIXED, PROFILES
from interlock.torture.worlds import Document, a_world, calm_at

SCENARIOS = Path(__file__).resolve().parents[2] / "pipelines" / "scenarios"
# Together they make nearly every call; those of every type of job are among them.
PLAYED = ("jobs", "waking", "alerts")
# Worlds that between them tell of everything; a change of what worlds are made of may call for other seeds.
TELLING = {"jobs": (8,), "calls": (26, 33, 46, 49), "time": (1, 21, 33, 43, 44), "people": (107,)}
# The baseline's row must be refused for as long as a success is tried again: less than one world in a thousand.
TOO_RARE = {EventType.BASELINE_CAPTURE_FAILED}
EACH = [pytest.param(profile, id=name) for name, profile in PROFILES.items()]
DISTURBING = ("fault", "delay", "duplicate", "drop", "redeliver", "batch", "redrive", "watchdog", "scheduler")


@cache
def _many() -> tuple[Document, ...]:
    return tuple(a_world(seed, MIXED) for seed in range(700))


def _scenario(document: Document) -> Scenario:
    return scenario_of(document)


def _entries(document: Document) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document["timeline"]
    return found


def _second(entry: dict[str, Any]) -> int:
    return int(entry["at"].removeprefix("+").removesuffix("s"))


def _mappings(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for member in members:
        yield from _mappings(member)


@pytest.mark.parametrize("profile", EACH)
def test_every_world_is_a_scenario_without_mistakes(profile):
    for seed in range(24):
        assert _scenario(a_world(seed, profile)).configs


@pytest.mark.parametrize("profile", EACH)
def test_a_seed_of_a_profile_is_always_the_same_world(profile):
    again = [json.dumps(a_world(seed, profile)) for seed in range(8)]

    assert [json.dumps(a_world(seed, profile)) for seed in range(8)] == again
    assert len(set(again)) == len(again)


def test_chance_draws_the_same_on_every_python():
    chance = Chance(7, "quiet", "p1")

    assert [chance.whole(0, 10**6) for _ in range(3)] == [915258, 802388, 358125]
    assert chance.some("abcdefgh", 3, 5) == ["a", "e", "f"]
    assert [chance.of({"a": 1, "b": 2.5}) for _ in range(6)] == ["a", "a", "b", "a", "b", "b"]
    assert (chance.times(2.5), chance.second(0, 9999), chance.likely(0.5), chance.one("xyz")) == (
        2,
        6480,
        False,
        "x",
    )


def test_data_is_read_as_its_json_text_is():
    for document in _many()[:60]:
        assert _scenario(document) == read_scenario(json.dumps(document), "world", Path())


def test_data_with_mistakes_is_refused_as_its_json_text_is():
    document = a_world(0, MIXED) | {"until": "soon", "timetable": []}
    document["configs"][0] = document["configs"][0] | {"owner": "me"}

    with pytest.raises(ScenarioInvalid) as of_data:
        scenario_of(document)
    with pytest.raises(ScenarioInvalid) as of_text:
        read_scenario(json.dumps(document), "world", Path())
    assert len(of_data.value.mistakes) == 3
    assert of_data.value.mistakes == of_text.value.mistakes


@pytest.mark.parametrize("name", ["people", "data", "neighbours"])
def test_a_pipeline_more_changes_nothing_about_the_others(name):
    profile = PROFILES[name]
    two, three = replace(profile, pipelines={2: 1}), replace(profile, pipelines={3: 1})
    for seed in range(12):
        smaller, larger = a_world(seed, two), a_world(seed, three)

        assert larger["configs"][:2] == smaller["configs"]
        assert larger["jobs"] | smaller["jobs"] == larger["jobs"]
        assert _about(larger, "p1", "sick") == _about(smaller, "p1", "sick")


def _about(document: Document, *names: str) -> list[dict[str, Any]]:
    """Entries of these pipelines; what strikes the calls and deliveries of all is the world's own."""
    return [entry for entry in _entries(document) if _subject(entry) in names]


def _subject(entry: dict[str, Any]) -> str | None:
    kind = next(key for key in entry if key != "at")
    fields = entry[kind]
    match kind:
        case "remove_config":
            return str(fields)
        case "secrets":
            return next(iter(fields)).removeprefix("token-")
        case "raw":
            return str(fields["item"]["PK"]).removeprefix("PIPELINE#")
        case "config":
            return fields["pipeline"]["id"] if "pipeline" in fields else fields["file"].removesuffix(".yaml")
        case "fault" | "delay" | "duplicate" if fields.get("pipeline") != "sick":
            return None
    return fields.get("pipeline") if isinstance(fields, dict) else None


def test_nothing_is_disturbed_once_a_world_is_calm():
    for document in _many():
        last = max(
            (_second(entry) for entry in _entries(document) if entry.keys() & set(DISTURBING)), default=0
        )
        calm = calm_at(document) - datetime.fromisoformat(document["start"])

        assert calm >= timedelta(seconds=last)
        assert _paused_at_the_end(document) == []
        for entry in _entries(document):
            if "fault" in entry:
                assert "lasts" in entry["fault"]


def _paused_at_the_end(document: Document) -> list[str]:
    paused = {}
    for entry in _entries(document):
        paused |= {what: entry[what]["pause"] for what in ("watchdog", "scheduler") if what in entry}
    return [what for what, still in paused.items() if still]


def test_a_world_goes_on_for_longer_than_the_hourly_sweep_takes_to_find_what_was_lost():
    for document in _many():
        until = datetime.fromisoformat(document["start"]) + timedelta(seconds=int(document["until"][1:-1]))

        assert until - calm_at(document) >= timedelta(minutes=71)


def test_in_a_quiet_world_nothing_fails():
    for seed in range(60):
        for entry in _entries(a_world(seed, PROFILES["quiet"])):
            assert not entry.keys() & {*DISTURBING, "raw"}


def test_records_are_really_lost_where_that_is_what_is_looked_for_alone():
    lossy = set()
    for document in _many():
        if any(entry.get("drop", {}).get("what") == "stream" for entry in _entries(document)):
            lossy.add(document["scenario"].split()[3])

    assert lossy == {"lost"}


def test_only_the_sick_pipeline_is_troubled_beside_its_neighbours():
    for seed in range(40):
        document = a_world(seed, PROFILES["neighbours"])
        sick, *others = document["configs"]

        assert sick["pipeline"]["id"] == "sick"
        assert "pool" not in sick["job"]
        assert '"pipeline": "sick"' not in json.dumps(others)
        assert '"pipeline": "p' not in json.dumps(sick)
        for entry in _entries(document):
            if entry.keys() & {"fault", "delay", "duplicate", "drop", "raw"}:
                assert _subject(entry) == "sick"


def test_worlds_have_every_kind_of_schedule_job_rule_and_trouble():
    configs = [config for document in _many() for config in document["configs"]]
    entries = [entry for document in _many() for entry in _entries(document)]
    plays = [play for document in _many() for some in document["jobs"].values() for play in some]
    faults = [entry["fault"] for entry in entries if "fault" in entry]

    assert {config["job"]["type"] for config in configs} == set(JobType)
    checks = {one.get("check") for config in configs for one in _mappings(config.get("validation"))}
    assert checks == {*Check, "succeeded", None}
    groups = {key for config in configs for one in _mappings(config.get("validation")) for key in one}
    assert groups >= {"all", "any", "atLeast", "of", "not"}
    dates = {one.get("date") for config in configs for one in _mappings(config.get("validation"))}
    assert dates >= {"same", "previous", "window"}
    assert {fault["error"] for fault in faults} == {*ERRORS, "stall", "stale"}
    assert {fault["call"] for fault in faults} >= {call for calls in CALLS.values() for call in calls}
    for what in ("delay", "duplicate"):
        assert {entry[what]["what"] for entry in entries if what in entry} == set(CHANNELS)
    assert {key for play in plays for key in play} >= {
        "outcome",
        "category",
        "refuse",
        "state",
        "event",
        "answer",
        "insight",
    }


def test_worlds_have_every_section_of_a_config():
    configs = [config for document in _many() for config in document["configs"]]

    assert {key for config in configs for key in config} == {
        *("pipeline", "schedule", "validation", "job", "sla", "postRun", "dryRun"),
    }
    assert {key for config in configs for key in config["schedule"]} == {
        *("cron", "timezone", "trigger", "start", "include", "exclude", "time", "evaluation"),
    }
    assert {key for config in configs for key in config.get("sla", ())} == {
        *("deadline", "dayOffset", "expectedDuration", "maxDuration", "timezone", "critical"),
    }
    assert {key for config in configs for key in config["job"]} == {
        *(
            "type",
            "config",
            "maxRetries",
            "maxCodeRetries",
            "maxDriftReruns",
            "maxManualReruns",
            "retryBackoff",
        ),
        *("jobPollWindowSeconds", "onTimeout", "idempotent", "pool", "maxConcurrentRuns"),
    }


def test_worlds_have_every_way_in_which_a_run_opens():
    schedules = [config["schedule"] for document in _many() for config in document["configs"]]
    openings = {
        tuple(key for key in ("cron", "trigger", "start", "include") if key in one) for one in schedules
    }
    crons = {one["cron"] for one in schedules if "cron" in one}
    forms = {cron_form(Pipeline("p", Job(JobType.GLUE), Schedule(cron=cron))) for cron in crons}

    assert openings == {
        *((), ("cron",), ("trigger",), ("cron", "trigger"), ("cron", "trigger", "start")),
        *(("include",), ("trigger", "include")),
    }
    assert forms == set(Period)


def test_worlds_have_everything_that_outsiders_and_aws_can_do():
    found = {key for document in _many() for entry in _entries(document) for key in entry}

    assert found == {
        *("at", "sensor", "remove_sensor", "rerun", "remove_rerun_request", "report", "raw", "secrets"),
        *("config", "remove_config", "stop_execution", "fault", "redeliver", "drop", "watchdog", "scheduler"),
        *("delay", "duplicate", "batch", "redrive"),
    }


def test_every_profile_is_among_the_mixed_worlds():
    assert {document["scenario"].split()[3] for document in _many()} == {*PROFILES} - {"mixed"}


def test_every_call_that_a_function_of_ours_makes_can_fail():
    made = set()
    for file in sorted(file for folder in PLAYED for file in (SCENARIOS / folder).glob("*.yaml")):
        cost = play(read_scenario_file(file)).cost
        made |= {(request.function, request.call) for request in cost.requests}

    known = {(function, call) for function, calls in CALLS.items() for call in calls}
    assert made - known == set()
    assert len(made) > 60


def test_a_world_that_was_rehearsed_meets_its_faults_at_the_calls_that_it_makes():
    rehearsed = replace(PROFILES["quiet"], rehearsed=1)
    aimed, struck = 0, 0
    for seed in range(12):
        document = a_world(seed, rehearsed)
        faults = [entry["fault"] for entry in _entries(document) if "fault" in entry]
        strikes = play(_scenario(document)).history.strikes
        aimed += len(faults)
        struck += sum(
            f"{one['function']} {one['call']} {one.get('when', 'before')}" in strikes for one in faults
        )

    # A fault may keep a later call from ever being made, and one that AWS refuses has no effect to come after.
    assert aimed >= 24
    assert struck > aimed * 0.8


def test_worlds_tell_of_everything_that_can_happen():
    told = set()
    for profile, seeds in TELLING.items():
        for seed in seeds:
            told |= {one.event.type for one in play(_scenario(a_world(seed, PROFILES[profile]))).events()}

    assert told == set(EventType) - TOO_RARE

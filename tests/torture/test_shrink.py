"""The shrinker: what is planted is all that is left, the same promise stays broken, and the file plays as the world did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from interlock.domain.event import EventType
from interlock.simulation.play import play
from interlock.simulation.scenario_yaml import read_scenario, read_scenario_file
from interlock.torture.document import Document, scenario_of, with_instants, with_offsets, written
from interlock.torture.profiles import PROFILES
from interlock.torture.shrink import shrink
from interlock.torture.worlds import a_world

START = "2026-03-02T08:00:00Z"
RULES = [
    {
        "any": [
            {"key": "rows", "check": "gte", "field": "n", "value": 10},
            {"key": "spare", "check": "exists"},
        ]
    },
    {"not": {"key": "hold", "check": "exists"}},
]


def _pipeline(name: str, **sections: Any) -> Document:
    return {
        "pipeline": {"id": name, "owner": "someone"},
        "schedule": {"trigger": {"key": "landed", "check": "exists"}, "evaluation": {"window": "1h"}},
        "job": {"type": "glue", "config": {"jobName": name}, "maxRetries": 0},
        **sections,
    }


def _landed(name: str, at: str) -> Document:
    return {
        "at": at,
        "sensor": {"pipeline": name, "key": "landed", "data": {"date": "2026-03-02", "note": "x"}},
    }


def _fault(call: str, at: str, times: int = 1) -> Document:
    return {"at": at, "fault": {"call": call, "error": "crash", "times": times}}


def _a_document(**sections: Any) -> Document:
    """Three pipelines, of which `b` fails its job."""
    names = "abc"
    return {
        "scenario": "a test",
        "start": START,
        "until": "+9h",
        "configs": [_pipeline(name, sla={"deadline": "20:00"}) for name in names],
        "calendars": [{"name": "company", "dates": ["2026-12-25"]}],
        "jobs": {name: [{"outcome": "fail" if name == "b" else "succeed", "after": "5m"}] for name in names},
        "timeline": [
            *(_landed(name, f"+{minutes}m17s") for name in names for minutes in (1, 40, 90)),
            _fault("glue.GetJobRuns", "+3h", times=3),
            _fault("dynamodb.Query", "+4h", times=8),
        ],
        "expect": {},
    } | sections


def _fails(document: Document) -> bool:
    return any(one.event.type is EventType.JOB_FAILED for one in play(scenario_of(document)).events())


def _holds_queries(document: Document, times: int) -> bool:
    scenario_of(document)  # what cannot be read is no world
    faults = [entry["fault"] for entry in document.get("timeline", ()) if "fault" in entry]
    return sum(fault.get("times", 1) for fault in faults if fault["call"] == "dynamodb.Query") >= times


def test_what_the_promise_needs_is_all_that_is_left() -> None:
    smallest = shrink(_a_document(), _fails)

    assert smallest["configs"] == [
        {
            "pipeline": {"id": "b"},
            "schedule": {"trigger": {"key": "landed", "check": "exists"}},
            "job": {"type": "glue", "config": {"jobName": "b"}},
        }
    ]
    assert [entry["sensor"]["pipeline"] for entry in smallest["timeline"]] == ["b"]
    assert smallest["jobs"] == {"b": [{"outcome": "fail", "after": "5m"}]}
    assert "calendars" not in smallest


def test_a_world_ends_soon_after_what_breaks_it() -> None:
    assert shrink(_a_document(), _fails)["until"] in {f"+{minutes}m" for minutes in range(5, 20)}


def test_a_count_is_no_larger_than_it_must_be() -> None:
    smallest = shrink(_a_document(), lambda document: _holds_queries(document, 5))

    assert [entry["fault"] for entry in smallest["timeline"]] == [{"call": "dynamodb.Query", "times": 5}]


def test_a_group_of_rules_gives_way_to_the_one_that_matters() -> None:
    document = _a_document(configs=[_pipeline("a", validation={"rules": RULES})], jobs={})

    def reads_rows(candidate: Document) -> bool:
        scenario_of(candidate)
        return "'key': 'rows'" in str(candidate)

    smallest = shrink(document, reads_rows)

    assert smallest["configs"][0]["validation"]["rules"] == [
        {"key": "rows", "check": "gte", "field": "n", "value": 10}
    ]


def test_a_world_that_needs_everything_stays_as_it_is() -> None:
    document = _a_document()
    whole = with_instants(document)

    assert shrink(document, lambda candidate: candidate == whole) == with_offsets(whole)


@pytest.mark.parametrize("most_plays", [0, 1, 7])
def test_no_more_worlds_are_played_than_allowed_and_what_is_left_is_still_broken(most_plays: int) -> None:
    plays: list[int] = []

    smallest = shrink(
        _a_document(),
        lambda document: _holds_queries(document, 2),
        most_plays,
        lambda count, _: plays.append(count),
    )

    assert plays == list(range(1, most_plays + 1))
    assert _holds_queries(smallest, 2)


def test_what_is_no_scenario_any_more_costs_no_play() -> None:
    played: list[Document] = []

    def unreadable(document: Document) -> bool:
        scenario_of(document)
        played.append(document)
        return False

    plays: list[int] = []
    shrink(_a_document(), unreadable, tell=lambda count, _: plays.append(count))

    assert len(played) == len(plays)
    assert all("id" in config["pipeline"] for document in played for config in document.get("configs", ()))


def test_a_world_shrinks_to_the_same_every_time() -> None:
    assert shrink(_a_document(), _fails, 12) == shrink(_a_document(), _fails, 12)


@pytest.mark.parametrize("seed", range(4))
def test_a_world_written_to_a_file_plays_as_it_did(seed: int, tmp_path: Path) -> None:
    document = a_world(seed, PROFILES["mixed"])
    file = tmp_path / "world.yaml"
    file.write_text(written(with_offsets(with_instants(document))), encoding="utf-8")

    from_file, as_it_was = play(read_scenario_file(file)), play(scenario_of(document))

    assert from_file.history.lines == as_it_was.history.lines
    assert from_file.history.posted == as_it_was.history.posted


@pytest.mark.parametrize(
    "text",
    ["12:30", "1e5", "0o17", "yes", "null", "2026-03-02", "+1h", "- x", "a: b", "", "#", "é\x07\u2028", "No"],
)
def test_any_text_is_read_from_the_file_as_it_was(text: str) -> None:
    document = _a_document(
        timeline=[{"at": "+1m", "sensor": {"pipeline": "a", "key": "k", "data": {"v": text}}}]
    )

    from_text = read_scenario(written(document), "test.yaml", Path())

    assert from_text.timeline == scenario_of(document).timeline


def test_a_file_looks_as_people_write_them() -> None:
    document = _a_document(
        timeline=[_fault("glue.StartJobRun", "2026-03-02T09:30:05Z")], configs=[_pipeline("a")]
    )

    assert written(with_offsets(document)).splitlines() == [
        "scenario: a test",
        f'start: "{START}"',
        'until: "+9h"',
        "configs:",
        "  - pipeline: {id: a, owner: someone}",
        "    schedule: {trigger: {key: landed, check: exists}, evaluation: {window: 1h}}",
        "    job: {type: glue, config: {jobName: a}, maxRetries: 0}",
        'calendars: [{name: company, dates: ["2026-12-25"]}]',
        "jobs:",
        "  a: [{outcome: succeed, after: 5m}]",
        "  b: [{outcome: fail, after: 5m}]",
        "  c: [{outcome: succeed, after: 5m}]",
        'timeline: [{at: "+1h30m5s", fault: {call: glue.StartJobRun, error: crash, times: 1}}]',
        "expect: {}",
    ]

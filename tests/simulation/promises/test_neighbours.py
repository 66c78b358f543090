"""A world with its sick pipeline taken out, and two timelines compared."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.simulation.play import play
from interlock.simulation.promises.neighbours import harmed_by, timelines_differ, without
from interlock.simulation.scenario_yaml import ScenarioInvalid
from interlock.torture.document import scenario_of


def a_config(name: str) -> dict[str, Any]:
    return {
        "pipeline": {"id": name},
        "schedule": {"trigger": {"key": "landed", "check": "exists"}},
        "job": {"type": "glue", "config": {"jobName": name}},
    }


def a_landing(name: str, at: str = "+1m") -> dict[str, Any]:
    return {"at": at, "sensor": {"pipeline": name, "key": "landed", "data": {"date": "2026-03-02"}}}


def a_document(*timeline: dict[str, Any]) -> dict[str, Any]:
    return {
        "scenario": "neighbours",
        "start": "2026-03-02T08:00:00Z",
        "until": "+1h",
        "configs": [a_config("sick"), a_config("sound")],
        "jobs": {"sick": [{"outcome": "never"}], "sound": [{"outcome": "succeed", "after": "10m"}]},
        "timeline": list(timeline),
        "expect": {},
    }


GARBAGE = {
    "at": "+2m",
    "raw": {
        "table": "control",
        "item": {"PK": "PIPELINE#sick", "SK": "RUN#stream#2026-03-02", "status": "NO"},
    },
}
CALL_FAILS = {"at": "+0s", "fault": {"call": "dynamodb.PutItem", "pipeline": "sick"}}


def test_nothing_is_left_of_the_sick_pipeline() -> None:
    removed = {"at": "+3m", "remove_config": "sick"}
    changed = {"at": "+4m", "config": a_config("sick")}
    written = {"at": "+5m", "config": {"text": "pipeline: {id: sick", "file": "sick.yaml"}}
    timeline = (a_landing("sick"), a_landing("sound"), GARBAGE, CALL_FAILS, removed, changed, written)

    left = without(scenario_of(a_document(*timeline)), "sick")

    assert [config.pipeline_id for config in left.configs] == ["sound"]
    assert left.timeline == scenario_of(a_document(a_landing("sound"))).timeline
    assert list(left.jobs) == ["sound"]


def test_a_neighbour_whose_rows_are_garbage_changes_nothing_for_the_other() -> None:
    played = play(scenario_of(a_document(a_landing("sick"), a_landing("sound"), GARBAGE)))

    assert list(harmed_by("sick", played)) == []
    assert {job.pipeline_id for job in played.history.jobs} == {"sick", "sound"}


def test_a_job_that_starts_later_beside_the_sick_one_is_a_difference() -> None:
    late = play(scenario_of(a_document(a_landing("sound", at="+90s"))))
    alone = play(without(scenario_of(a_document(a_landing("sound"))), "sick"))

    differing = list(timelines_differ(late, alone))

    assert {one.about for one in differing} == {"sound"}
    assert any("2026-03-02T08:01:30" in one.what for one in differing)


def test_a_batch_that_a_failing_call_held_up_proves_nothing_of_what_follows() -> None:
    played = play(scenario_of(a_document(a_landing("sick"), a_landing("sound"), CALL_FAILS)))

    triggered = [one for one in played.history.published if one.event.type == "JOB_TRIGGERED"]
    assert {one.at.second for one in triggered if one.event.pipeline_id == "sound"} == {1}
    assert list(harmed_by("sick", played)) == []


def test_a_pipeline_that_the_scenario_does_not_tell_of_cannot_be_expected_to_be_harmless() -> None:
    with pytest.raises(ScenarioInvalid, match='"sik" is no pipeline of this scenario; did you mean sick'):
        scenario_of(a_document() | {"expect": {"harmless": "sik"}})

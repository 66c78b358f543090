"""A complete scenario as a user writes it: a test names only the sections that matter to it."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from interlock.simulation.expectations import unmet_expectations
from interlock.simulation.play import play
from interlock.simulation.played import Played
from interlock.simulation.scenario import Scenario
from interlock.simulation.scenario_yaml import read_scenario

START = "2026-03-02T08:00:00Z"
GLUE_PIPELINE = """\
  - pipeline: {id: sessions}
    schedule: {trigger: {key: landed, check: exists}, evaluation: {window: 1h}}
    job: {type: glue, config: {jobName: sessions}, maxRetries: 0}
"""
LANDED = '{at: "+0s", sensor: {pipeline: sessions, key: landed, data: {date: "2026-03-02"}}}'


def scenario_text(
    *timeline: str,
    configs: str = GLUE_PIPELINE,
    jobs: str = "{}",
    until: str = "+1h",
    expect: str = "{}",
    more: str = "",
) -> str:
    """The file; `timeline` are its entries."""
    entries = "".join(f"  - {entry}\n" for entry in timeline)
    return (
        f"scenario: a test\nstart: {START}\nuntil: {until}\nconfigs:\n{dedent(configs) if configs else '  []'}\n"
        f"jobs: {jobs}\ntimeline:\n{entries or '  []'}\nexpect: {expect}\n{more}"
    )


def a_scenario(*timeline: str, folder: Path = Path(), **sections: str) -> Scenario:
    """The scenario that `scenario_text` describes."""
    return read_scenario(scenario_text(*timeline, **sections), "test.yaml", folder)


def played(*timeline: str, **sections: str) -> Played:
    """That scenario, played."""
    return play(read_scenario(scenario_text(*timeline, **sections), "test.yaml", Path()))


def unmet(*timeline: str, **sections: str) -> list[str]:
    """What is not as expected, in words."""
    return [found.expected for found in unmet_expectations(played(*timeline, **sections))]


def instants(world: Played, event_type: str) -> list[str]:
    """When events of that type happened, as seconds after the start."""
    events = [published.event for published in world.events() if published.event.type == event_type]
    return [f"{(event.at - world.scenario.start).total_seconds():g}" for event in events]

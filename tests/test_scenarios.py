"""Every file of `pipelines/scenarios` is a test of the whole control plane, and the same file always gives the same output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from interlock.aws.event_bus import detail_text
from interlock.domain.event import Event
from interlock.event_schema import event_schema
from interlock.simulation.output import judged, verdict_text
from interlock.simulation.play import play
from interlock.simulation.played import Played
from interlock.simulation.scenario_yaml import read_scenario_file
from json_schema_check import violations

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "pipelines" / "scenarios"
SCENARIOS = sorted(FOLDER.rglob("*.yaml"))
SCHEMA = event_schema()


def name_of(path: Path) -> str:
    return path.relative_to(FOLDER).as_posix()


def scenes() -> Iterator[Any]:
    """Each file in a group of its own: it is played once, on one worker, for all tests of it."""
    for path in SCENARIOS:
        name = name_of(path)
        yield pytest.param(path, id=name, marks=pytest.mark.xdist_group(name))


@pytest.fixture(scope="module", params=scenes())
def scene(request: pytest.FixtureRequest) -> Played:
    """A scenario after its last instant."""
    return play(read_scenario_file(request.param))


def test_what_a_scenario_says_is_so(scene: Played) -> None:
    verdict = judged(scene.scenario.name, scene)

    assert verdict.passed, "\n".join(verdict_text(verdict, timeline=False, report=False))


def test_every_event_of_a_scenario_is_one_that_the_schema_describes(scene: Played) -> None:
    found = [misfits(published.event) for published in scene.events()]

    assert [misfit for misfit in found if misfit] == []


def misfits(event: Event) -> list[str]:
    """Where an event, as the bus carries it, breaks the schema; of its detail each place by its path."""
    whole = json.loads(detail_text(event))
    branch = SCHEMA["$defs"].get(str(event.type), {})
    inner = violations(whole["detail"], {**branch, "$defs": SCHEMA["$defs"]})
    return [f"{event.type} {wrong}" for wrong in (*violations(whole, SCHEMA), *inner)]


def test_there_are_scenarios_of_every_kind() -> None:
    kinds = {path.parent.name for path in SCENARIOS}

    assert len(SCENARIOS) >= 30
    assert {"readiness", "waking", "retries", "crashes", "duplicates", "neighbours"} <= kinds


def test_each_scenario_says_something_else() -> None:
    sentences = [read_scenario_file(path).name for path in SCENARIOS]

    assert sorted(set(sentences)) == sorted(sentences)


A_FEW = [
    "crashes/glue-startjobrun-after.yaml",
    "duplicates/every-record-twice-changes-nothing.yaml",
    "neighbours/garbage-in-the-tables-harms-its-own-pipeline-alone.yaml",
    "retries/throttled-starts-are-waited-out.yaml",
]


def output(hash_seed: str, *arguments: str) -> str:
    """What `interlock simulate` prints in a process whose sets and hashes are in another order."""
    done = subprocess.run(
        [sys.executable, "-m", "interlock.cli.main", "simulate", *arguments],
        cwd=FOLDER,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout


def test_the_whole_folder_gives_the_same_output_byte_for_byte() -> None:
    first, second = output("1", "."), output("2", ".")

    assert first == second
    assert first.endswith(f"\n{len(SCENARIOS)} passed, 0 failed\n")


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
def test_everything_that_happened_is_the_same_byte_for_byte(form: list[str]) -> None:
    arguments = ["--timeline", "--report", *form, *A_FEW]

    assert output("1", *arguments) == output("2", *arguments)

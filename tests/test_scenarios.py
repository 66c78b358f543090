"""Every file of `pipelines/scenarios` is a test of the whole control plane, and the same file always gives the same output."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from interlock.simulation.output import judged, verdict_text
from interlock.simulation.play import play
from interlock.simulation.scenario_yaml import read_scenario_file

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "pipelines" / "scenarios"
SCENARIOS = sorted(FOLDER.rglob("*.yaml"))


@pytest.mark.parametrize("path", SCENARIOS, ids=[path.relative_to(FOLDER).as_posix() for path in SCENARIOS])
def test_what_a_scenario_says_is_so(path: Path) -> None:
    verdict = judged(path.name, play(read_scenario_file(path)))

    assert verdict.passed, "\n".join(verdict_text(verdict, timeline=False, report=False))


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

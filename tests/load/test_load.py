"""A small load on the embedded stack: nothing is lost, nothing comes twice, and what `make load` prints is measured."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from interlock.domain.run import RunStatus
from load import report
from load.machine import EMULATOR
from load.play import Played, play
from load.plot import draw
from load.story import story
from load.upstream import Pace

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("load")]

PARTS = story(5, 120, seed=3)


@pytest.fixture(scope="module")
def played() -> Played:
    return play(PARTS, Pace(at_once=5, seconds=60, patience=120), quiet=2, tell=lambda _: None)


def test_nothing_is_lost_and_nothing_comes_twice(played: Played) -> None:
    assert report.judge(PARTS, played).differences == []


def test_every_pipeline_succeeds_on_each_of_its_dates(played: Played) -> None:
    assert played.outcome.runs.total() == sum(len(part.dates) for part in PARTS)
    assert all(f" {RunStatus.SUCCEEDED} " in name for name in played.outcome.runs)


def test_every_write_goes_out_and_some_batches_come_again_when_all_is_over(played: Played) -> None:
    assert played.writes == 120
    assert played.redelivered > 0


def test_each_latency_is_that_of_every_run_job_and_reading(played: Played) -> None:
    starts = sum(len(part.dates) for part in PARTS)
    ends = sum(times for name, times in played.outcome.events.items() if name.endswith(" JOB_COMPLETED"))

    assert (len(played.latencies.start), len(played.latencies.end)) == (starts, ends)
    assert len(played.latencies.routed) == played.outcome.sensor_records.total()
    assert all(0 < seconds < 60 for seconds in played.latencies.start)


def test_the_emulator_has_a_share_of_the_processor_as_our_functions_have(played: Played) -> None:
    spent = played.machine.processor_seconds()

    assert spent[EMULATOR] > 0
    assert any(name.endswith("stream-router") and seconds > 0 for name, seconds in spent.items())
    assert re.search(
        r"the emulator takes \d+% of the CPU", "\n".join(report.processor_table(played, alone=400))
    )


def test_the_latencies_make_a_picture(played: Played, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra `load` is not installed")

    draw(report.named(played.latencies), report.finding(played.latencies), "a test", tmp_path / "load.png")

    assert (tmp_path / "load.png").read_bytes().startswith(b"\x89PNG")

"""The search: no seed is lost whatever goes wrong in it, processes end with it, and it goes on where it was ended."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import count
from multiprocessing import active_children
from pathlib import Path
from weakref import ref

import pytest

from interlock.simulation.clock import VirtualClock
from interlock.simulation.invocations import GoesInCircles
from interlock.simulation.played import Played
from interlock.simulation.promises.facts import Broken
from interlock.torture import seed, state
from interlock.torture.figures import Figures, total
from interlock.torture.search import WorkerDied, search
from interlock.torture.seed import SIMULATOR, Result, is_same_trouble, play_seed
from interlock.torture.state import NoState, State

PACKAGES = Path(__file__).parents[2] / "src"
A_RESULT = Result(
    7, "quiet", (Broken("a-promise", "p/2026-03-02", "two jobs"),), Figures(worlds=1, faults={"crash": 2})
)


def _results(seeds: range, jobs: int) -> list[Result]:
    found = [result for results in search(seeds, "mixed", jobs) for result in results]
    return [
        replace(result, figures=replace(result.figures, cpu_seconds=0))
        for result in sorted(found, key=lambda result: result.seed)
    ]


def test_two_processes_find_what_one_finds() -> None:
    assert _results(range(1, 11), 2) == _results(range(1, 11), 1)


def test_what_was_begun_is_finished_once_the_search_is_to_end() -> None:
    goes_on = iter((True, False)).__next__

    played = [result.seed for results in search(count(1), "quiet", 1, goes_on) for result in results]

    assert played == [*range(1, 9)]


def test_processes_end_when_nobody_wants_their_results_any_more() -> None:
    others = {*active_children()}
    searching = search(count(1), "quiet", 2)
    next(searching)
    ours = {*active_children()} - others

    searching.close()

    assert len(ours) == 2
    assert not any(child.is_alive() for child in ours)


def test_a_process_that_dies_takes_no_seed_with_it_in_silence() -> None:
    others = {*active_children()}
    searching = search(count(1), "quiet", 2)
    next(searching)

    for child in {*active_children()} - others:
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)

    with pytest.raises(WorkerDied, match=r"play \d+\.\.\d+ or .* with --jobs 1"):
        list(searching)


@pytest.mark.parametrize("where", ["a_world", "play", "broken_promises"])
@pytest.mark.parametrize("error", [GoesInCircles("for ever"), ZeroDivisionError("by zero")])
def test_whatever_a_seed_runs_into_is_its_finding(
    where: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(seed, where, fail)

    (broken,) = play_seed(1, "quiet").broken

    assert (broken.promise, broken.about) == (SIMULATOR, type(error).__name__)
    assert broken.what.startswith(f"{error} (test_search.py:")


def test_a_world_that_is_no_scenario_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seed, "a_world", lambda *_: {"scenario": "x", "start": "2026-03-02T08:00:00Z"})

    assert [broken.about for broken in play_seed(1, "quiet").broken] == ["ScenarioInvalid"]


def test_crashes_of_two_kinds_are_two_troubles() -> None:
    one, other = Broken(SIMULATOR, "KeyError", "x"), Broken(SIMULATOR, "TypeError", "x")

    assert not is_same_trouble(one, other)
    assert is_same_trouble(one, replace(one, what="y"))


def test_a_promise_broken_elsewhere_is_the_same_trouble() -> None:
    assert is_same_trouble(Broken("a-promise", "p", "x"), Broken("a-promise", "q", "y"))


def test_a_seed_tells_what_was_played() -> None:
    figures = play_seed(2, "calls").figures

    assert figures.worlds == 1
    assert figures.virtual_seconds > 3600
    assert figures.cpu_seconds > 0
    assert figures.row_changes > figures.moves > figures.starts > 0
    assert figures.events > figures.messages


def test_figures_add_up() -> None:
    one = Figures(worlds=1, virtual_seconds=10, starts=2, faults={"crash": 1})

    assert total([one, one, Figures(faults={"throttle": 3})]) == Figures(
        worlds=2, virtual_seconds=20, starts=4, faults={"crash": 2, "throttle": 3}
    )


def test_what_is_finished_is_known_the_next_time(tmp_path: Path) -> None:
    first = State(tmp_path / "below" / "state.jsonl")

    assert first.finished() == []
    first.add([A_RESULT])
    first.add([replace(A_RESULT, seed=8)])
    assert State(tmp_path / "below" / "state.jsonl").finished() == [A_RESULT, replace(A_RESULT, seed=8)]


def test_a_torn_last_line_is_played_again(tmp_path: Path) -> None:
    path = tmp_path / "state.jsonl"
    first = State(path)
    first.finished()
    first.add([A_RESULT, replace(A_RESULT, seed=8)])
    path.write_text(path.read_text()[:-20])

    second = State(path)

    assert second.finished() == [A_RESULT]
    second.add([replace(A_RESULT, seed=9)])
    assert State(path).finished() == [A_RESULT, replace(A_RESULT, seed=9)]


def test_other_sources_begin_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.jsonl"
    first = State(path)
    first.finished()
    first.add([A_RESULT])
    monkeypatch.setattr(state, "fingerprint", lambda: "of other sources")

    assert State(path).finished() is None
    assert State(path).finished() == []


@pytest.mark.parametrize(
    "content", ["pipeline: {id: x}", "pipeline: {id: x}\n", "{}\n[]\n", '{"sources": "x"}\nx\n']
)
def test_a_file_that_is_no_state_is_left_alone(content: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(content)

    with pytest.raises(NoState, match="name another file"):
        State(path).finished()

    assert path.read_text() == content


def test_a_file_that_is_no_text_is_no_state(tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n")

    with pytest.raises(NoState, match="name another file"):
        State(tmp_path / "picture.png").finished()


@pytest.mark.parametrize(("profile", "promises"), [("neighbours", ["harms-nobody"]), ("quiet", [])])
def test_a_world_with_a_sick_pipeline_is_judged_beside_the_same_without_it(
    profile: str, promises: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def differ(beside: Played, alone: Played) -> Iterator[Broken]:
        gone = {config.pipeline_id for config in beside.scenario.configs} - {
            config.pipeline_id for config in alone.scenario.configs
        }
        yield Broken("harms-nobody", *gone, "planted")

    monkeypatch.setattr("interlock.simulation.promises.CHECKS", ())
    monkeypatch.setattr("interlock.simulation.promises.neighbours.timelines_differ", differ)

    assert [broken.promise for broken in play_seed(1, profile).broken] == promises


def test_a_process_does_not_hear_ctrl_c_even_before_its_first_line_of_ours(tmp_path: Path) -> None:
    script = tmp_path / "searching.py"
    script.write_text(
        """\
import os, signal

if __name__ == "__mp_main__":  # what a process imports before it begins
    os.kill(os.getpid(), signal.SIGINT)

from interlock.torture.search import search

if __name__ == "__main__":
    print([result.seed for results in search(range(1, 3), "quiet", 2) for result in results])
"""
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(PACKAGES)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (done.stdout, done.stderr) == ("[1, 2]\n", "")


def test_a_world_that_was_played_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks: list[ref[VirtualClock]] = []
    really = VirtualClock.__init__

    def noted(clock: VirtualClock, start: datetime) -> None:
        clocks.append(ref(clock))
        really(clock, start)

    monkeypatch.setattr(VirtualClock, "__init__", noted)

    for one in range(1, 5):
        play_seed(one, "frozen")
    gc.collect()

    assert [clock() for clock in clocks] == [None] * 4

"""`interlock torture`: what it prints of a seed that fails, the file it leaves, its exit codes, and how it goes on."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.cli.main import main
from interlock.simulation.played import Played
from interlock.simulation.promises.facts import Broken
from interlock.simulation.scenario_yaml import read_scenario_file
from interlock.torture import seed, state
from interlock.torture.profiles import PROFILES
from local.emulator_kit import eventually

PACKAGES = Path(__file__).parents[2] / "src"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def _nothing_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seed, "broken_promises", lambda _: [])


@pytest.fixture
def _no_job_may_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A promise that nearly every world breaks."""

    def broken_promises(played: Played) -> Iterator[Broken]:
        for start in played.witness.starts[:1]:
            yield Broken("no-job-at-all", start.pipeline_id, f"a job of {start.service} was started")

    monkeypatch.setattr(seed, "broken_promises", broken_promises)


def _torture(*words: str) -> int:
    return main(["torture", "--jobs", "1", *words])


@pytest.mark.usefixtures("_nothing_is_broken")
def test_when_nothing_is_broken_the_figures_are_all_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert _torture("--seeds", "1..3", "--profile", "calls") == 0

    told = capsys.readouterr()
    names = [line.split("  ")[0] for line in told.out.splitlines() if not line.startswith(" ")]
    assert names == [
        *("seeds", "worlds a minute", "virtual hours a second", "faults"),
        *("calls struck before", "calls struck after", "row changes"),
        *("moves of runs", "jobs started", "events", "messages", "broken"),
    ]
    assert told.out.splitlines()[0].split() == ["seeds", "3", "of", "calls"]
    assert told.out.splitlines()[-1].split() == ["broken", "0", "seeds"]
    assert told.err == ""


@pytest.mark.usefixtures("_no_job_may_start")
def test_a_seed_that_fails_is_shrunk_to_a_file_that_can_be_played(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert _torture("--seeds", "3..3", "--profile", "quiet") == 1

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "seed 3 of quiet"
    assert lines[1].startswith("  breaks no-job-at-all for p")
    assert "interlock simulate quiet-3.yaml --timeline" in lines[-15]
    assert lines[-14].endswith("interlock torture --seeds 3..3 --profile quiet")
    written = (tmp_path / "quiet-3.yaml").read_text()
    assert set(written.splitlines()) <= set(lines)
    scenario = read_scenario_file(tmp_path / "quiet-3.yaml")
    assert scenario.name.startswith("no-job-at-all is broken for p")
    assert len(scenario.configs) == 1
    assert scenario.expect.promises


@pytest.mark.usefixtures("_no_job_may_start")
def test_the_first_seed_that_fails_ends_the_search_and_the_others_are_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _torture("--seeds", "1..100", "--profile", "quiet") == 1

    told = capsys.readouterr().out
    assert told.count("breaks no-job-at-all for p") == 1
    assert "more of the seeds that were played failed: " in told
    assert next(line for line in told.splitlines() if line.startswith("seeds ")).split()[1] == "8"


@pytest.mark.usefixtures("_no_job_may_start")
def test_a_search_that_keeps_going_names_all_seeds_and_shrinks_one_for_each_promise(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert _torture("--seeds", "1..12", "--profile", "quiet", "--keep-going", "--json") == 1

    found = json.loads(capsys.readouterr().out)
    assert found["figures"]["worlds"] == 12
    assert len(found["failed"]) > 3
    assert {one["promise"] for failed in found["failed"] for one in failed["broken"]} == {"no-job-at-all"}
    (shortest,) = found["shortest"]
    assert shortest["seed"] == found["failed"][0]["seed"]
    assert (tmp_path / shortest["file"]).read_text() == shortest["text"]


def test_a_world_that_cannot_be_made_is_told_with_its_seed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def a_world(*_: object) -> None:
        raise KeyError("gone")

    monkeypatch.setattr(seed, "a_world", a_world)
    monkeypatch.setattr("interlock.torture.found.a_world", a_world)

    assert _torture("--seeds", "5") == 1

    assert "seed 5 gives no world that could be shrunk" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("_nothing_is_broken")
def test_what_is_in_the_state_is_not_played_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _torture("--seeds", "1..3", "--state", "build/seeds.jsonl") == 0
    monkeypatch.setattr(seed, "a_world", None)

    assert _torture("--seeds", "1..3", "--state", "build/seeds.jsonl") == 0
    first, second = capsys.readouterr().out.split("seeds", 1)[1].split("\nseeds")
    assert first.split()[:3] == second.split()[:3] == ["3", "of", "mixed"]


@pytest.mark.usefixtures("_no_job_may_start")
def test_a_seed_that_failed_before_is_still_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert _torture("--seeds", "3", "--profile", "quiet", "--state", "s") == 1
    first = capsys.readouterr().out

    assert _torture("--seeds", "3", "--profile", "quiet", "--state", "s") == 1

    assert capsys.readouterr().out == first


@pytest.mark.usefixtures("_nothing_is_broken")
def test_other_sources_are_told_of(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _torture("--seeds", "1", "--state", "s")
    monkeypatch.setattr(state, "fingerprint", lambda: "of other sources")

    assert _torture("--seeds", "2", "--state", "s") == 0

    told = capsys.readouterr()
    assert told.err == "the sources have changed since the state was kept: every seed is played anew\n"
    assert told.out.splitlines()[-1].split()[0] == "broken"


@pytest.mark.usefixtures("_nothing_is_broken")
def test_it_ends_when_its_time_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    assert _torture("--minutes", "0.0001", "--profile", "quiet") == 0

    assert capsys.readouterr().out.splitlines()[0].split()[1] == "8"


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["--seeds", "9..2"], "argument --seeds: '9..2' are no seeds, write 1..200"),
        (["--seeds", "all"], "argument --seeds: 'all' are no seeds, write 1..200"),
        (["--minutes", "-1"], "argument --minutes: '-1' are no minutes, write 10"),
        (["--jobs", "0"], "argument --jobs: '0' is no number of processes from 1 to 1000"),
        (["--jobs", "9" * 5000], "argument --jobs: '999"),
        (
            ["--profile", "neighbour"],
            'argument --profile: unknown profile "neighbour"; did you mean neighbours?',
        ),
        (["--profile", "x"], 'argument --profile: unknown profile "x"; known are quiet, calls, '),
    ],
)
def test_wrong_usage_is_one_line_that_says_what_to_do(
    words: list[str], wanted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["torture", *words])

    assert exited.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"interlock torture: {wanted}")
    assert line.endswith("; see interlock torture --help")


def test_a_file_that_is_no_state_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("pipeline: {id: x}\n")

    assert _torture("--state", "mine.yaml") == 2

    assert capsys.readouterr().err == (
        "interlock torture: mine.yaml is no state of a search; name another file\n"
    )
    assert (tmp_path / "mine.yaml").read_text() == "pipeline: {id: x}\n"


@pytest.mark.parametrize("name", [".", "mine.yaml/state"])
def test_a_state_that_can_be_no_file_is_told_with_what_to_do(
    name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "mine.yaml").write_text("")

    assert _torture("--state", name) == 2

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"interlock torture: {name} can hold no state (")
    assert line.endswith("); name a file that can be written")


def test_a_reader_that_has_seen_enough_is_told_nothing() -> None:
    theirs, ours = os.pipe()
    os.close(theirs)
    done = subprocess.run(
        [sys.executable, "-m", "interlock.cli.main", "torture", "--seeds", "1", "--jobs", "1"],
        stdout=ours,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PACKAGES)},
        timeout=120,
        check=False,
    )
    os.close(ours)

    assert (done.returncode, done.stderr) == (1, b"")


def test_help_says_of_each_profile_what_it_looks_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["torture", "--help"])

    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    for name, profile in PROFILES.items():
        (line,) = (line for line in lines if line.startswith(f"{name} "))
        assert line.removeprefix(name).strip() == profile.looks_for


# The one slot of the two is held by a job that never ends.
HARMED = {
    "scenario": "a healthy pipeline waits for the slot of a sick one",
    "start": "2026-03-02T08:00:00Z",
    "until": "+1h",
    "configs": [
        {
            "pipeline": {"id": name},
            "schedule": {"trigger": {"key": "go", "check": "exists"}, "evaluation": {"window": "6h"}},
            "job": {"type": "glue", "config": {"jobName": name}, "pool": {"name": "lake", "slots": 1}},
        }
        for name in ("sick", "p2", "p3")
    ],
    "jobs": {"sick": [{"outcome": "never"}]},
    "timeline": [
        {"at": f"+{minute}m", "sensor": {"pipeline": name, "key": "go", "data": {"date": "2026-03-02"}}}
        for minute, name in enumerate(("sick", "p2", "p3"))
    ],
    "expect": {"promises": "kept", "harmless": "sick"},
}


def test_a_neighbour_that_does_harm_fails_in_simulate_in_the_same_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seed, "a_world", lambda *_: HARMED)
    monkeypatch.setattr("interlock.torture.found.a_world", lambda *_: HARMED)

    assert _torture("--seeds", "1", "--profile", "neighbours", "--json") == 1
    (shortest,) = json.loads(capsys.readouterr().out)["shortest"]
    assert main(["simulate", shortest["file"], "--json"]) == 1

    (scenario,) = json.loads(capsys.readouterr().out)["scenarios"]
    said = next(one for one in scenario["unmet"] if one["expected"] == "promise harms-nobody")
    (happened,) = said["happened"]
    about, _, what = happened["text"].partition(": ")
    assert scenario["scenario"].startswith(
        f"harms-nobody is broken for {about}: {' '.join(what.split())}"[:400]
    )
    assert len(read_scenario_file(Path(shortest["file"])).configs) == 2


def test_interrupted_on_a_terminal_it_says_how_far_it_is_and_how_to_go_on_and_leaves_no_process_behind(
    tmp_path: Path,
) -> None:
    ours, theirs = pty.openpty()
    words = ["torture", "--minutes", "60", "--jobs", "2", "--keep-going", "--state", "s"]
    searching = subprocess.Popen(
        [sys.executable, "-m", "interlock.cli.main", *words],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "PYTHONPATH": str(PACKAGES)},
        process_group=0,
    )
    os.close(theirs)
    told = b""
    while b"8 seeds, " not in told:
        told += os.read(ours, 1000)

    os.killpg(searching.pid, signal.SIGINT)
    # Its processes have the same output: this ends when the last of them has ended.
    out, _ = searching.communicate(timeout=60)

    told += os.read(ours, 1000)
    os.close(ours)
    assert searching.returncode == 130
    assert out.splitlines()[0].split()[0] == b"seeds"
    assert int(out.splitlines()[0].split()[1]) >= 8
    assert out.splitlines()[-1].split() == [b"broken", b"0", b"seeds"]
    assert b"the same command goes on from here" in told
    assert len((tmp_path / "s").read_text().splitlines()) >= 1 + 8


def test_killed_it_leaves_no_process_behind(tmp_path: Path) -> None:
    words = ["torture", "--minutes", "60", "--jobs", "2", "--keep-going", "--state", str(tmp_path / "s")]
    searching = subprocess.Popen(
        [sys.executable, "-m", "interlock.cli.main", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(PACKAGES)},
    )
    eventually(lambda: (tmp_path / "s").exists() and (tmp_path / "s").read_text().count("\n") > 1, 60)

    searching.kill()

    # Its processes have the same output: this ends when the last of them has ended.
    searching.communicate(timeout=60)
    assert searching.returncode == -signal.SIGKILL

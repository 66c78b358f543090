"""`interlock simulate`: one line for each file, a summary, an exit code, and the same bytes every time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest

from interlock.cli.simulate import simulate
from scenario_text import LANDED, scenario_text

ROOT = Path(__file__).resolve().parents[2]


def _simulate(*paths: Path, **options: bool) -> tuple[int, str]:
    out = StringIO()
    chosen = {"as_json": False, "timeline": False, "report": False} | options
    return simulate([str(path) for path in paths], out=out, **chosen), out.getvalue()


@pytest.fixture
def passing(tmp_path: Path) -> Path:
    path = tmp_path / "passing.yaml"
    path.write_text(scenario_text(LANDED, expect="{jobs: {sessions: 1}}"))
    return path


@pytest.fixture
def failing(tmp_path: Path) -> Path:
    path = tmp_path / "failing.yaml"
    path.write_text(scenario_text(LANDED, expect="{events: [{type: JOB_FAILED}]}"))
    return path


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken.yaml"
    path.write_text(scenario_text('{at: "+1m", sensro: {}}', expect="{jbs: {}}"))
    return path


def test_a_scenario_that_passes_is_one_line_and_exit_code_0(passing: Path) -> None:
    assert _simulate(passing) == (0, "PASS 3600 a test\n1 passed, 0 failed\n")


def test_a_scenario_that_fails_says_what_was_expected_and_what_happened(failing: Path) -> None:
    code, text = _simulate(failing)

    lines = text.splitlines()
    assert code == 1
    assert lines[0] == "FAIL 3600 a test"
    assert lines[1] == "  expected event 1: JOB_FAILED"
    assert any("JOB_COMPLETED sessions" in line for line in lines)
    assert lines[-1] == "0 passed, 1 failed"


def test_a_file_that_cannot_be_read_lists_all_its_mistakes_and_the_others_are_played(
    passing: Path, broken: Path
) -> None:
    code, text = _simulate(broken, passing)

    lines = text.splitlines()
    assert code == 2
    assert [line.split(": ")[1] for line in lines[:2]] == ["timeline[0].sensro", "expect.jbs"]
    assert lines[-1] == "1 passed, 0 failed"


def test_a_folder_stands_for_the_files_below_it_in_order_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("b/two.yaml", "a.yaml", "c.txt"):
        (tmp_path / name).write_text(scenario_text(LANDED).replace("a test", name))

    _, text = _simulate(tmp_path)

    assert text == "PASS 3600 a.yaml\nPASS 3600 b/two.yaml\n2 passed, 0 failed\n"


def test_a_path_where_nothing_is_has_exit_code_2(tmp_path: Path) -> None:
    code, text = _simulate(tmp_path / "nowhere.yaml")

    assert (code, text.splitlines()[-1]) == (2, "0 passed, 0 failed")
    assert "cannot be read" in text


def test_json_says_the_same_as_data(passing: Path, failing: Path, broken: Path) -> None:
    code, text = _simulate(passing, failing, broken, as_json=True, timeline=True, report=True)

    data = json.loads(text)
    assert (code, data["passed"], data["failed"]) == (2, 1, 1)
    assert [scenario["passed"] for scenario in data["scenarios"]] == [True, False]
    assert data["scenarios"][1]["unmet"][0]["expected"] == "event 1: JOB_FAILED"
    assert {mistake["path"] for mistake in data["mistakes"]} == {"timeline[0].sensro", "expect.jbs"}
    assert data["scenarios"][0]["report"]["counted"]["glue.StartJobRun"]["scenario"] == 1


def test_the_timeline_shows_events_states_calls_messages_and_reasons(tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    configs = """\
      - pipeline: {id: sessions}
        schedule: {trigger: {key: landed, check: exists}}
        validation: {rules: [{key: landed, check: equals, field: n, value: 1}]}
        job: {type: glue, config: {jobName: sessions}, maxRetries: 0}
    """
    entry = '{at: "+0s", sensor: {pipeline: sessions, key: landed, data: {n: 1, date: "2026-03-02"}}}'
    path.write_text(scenario_text(entry, configs=configs, jobs="{sessions: [{outcome: fail, after: 5m}]}"))

    _, text = _simulate(path, timeline=True)

    for told in (
        "2026-03-02T08:00:00Z +0h00m00s event    sessions: JOB_TRIGGERED 2026-03-02 attempt 1",
        "+0h00m00s call     sessions: glue.StartJobRun",
        "entered AwaitJob",
        "landed.n == 1: holds",
        "+0h05m00s message  sessions: Job failed",
    ):
        assert told in text


def test_the_report_prices_what_was_counted(passing: Path) -> None:
    _, text = _simulate(passing, report=True)

    lines = {line.split()[0]: line.split() for line in text.splitlines() if line.startswith("  ")}
    assert lines["glue.StartJobRun"][1] == "1"
    assert lines["transitions"][2] == f"{int(lines['transitions'][1]) * 0.000025:.8f}"
    assert lines["transitions"][3].startswith("https://aws.amazon.com/")


def test_a_fault_that_never_struck_is_reported_and_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "unused.yaml"
    path.write_text(scenario_text('{at: "+0s", fault: {call: emr.AddJobFlowSteps, times: 2}}'))

    code, text = _simulate(path)

    assert code == 0
    assert "unused fault: emr.AddJobFlowSteps with ThrottlingException, 2 of 2 left" in text


def test_a_name_from_outside_cannot_move_the_cursor(tmp_path: Path) -> None:
    path = tmp_path / "hostile.yaml"
    path.write_text(scenario_text().replace("a test", '"a \\e[2J test"'))

    _, text = _simulate(path)

    assert "\x1b" not in text


def test_the_same_file_gives_the_same_bytes_whatever_the_hash_seed(passing: Path, failing: Path) -> None:
    command = [sys.executable, "-m", "interlock.cli.main", "simulate", "--timeline", "--report"]
    outputs = {
        subprocess.run(
            [*command, str(passing), str(failing)],
            env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONHASHSEED": seed},
            capture_output=True,
            timeout=60,
            check=False,
        ).stdout
        for seed in ("0", "1", "random")
    }

    assert len(outputs) == 1
    assert outputs.pop().endswith(b"1 passed, 1 failed\n")

"""Jobs to try things with do what their script, or a start's arguments, say."""

from pathlib import Path

import pytest

from interlock.local.job_services import JobFailed, JobRun
from interlock.local.scripted_jobs import BUILT_IN, Ending, JobsInvalid, Script, read_scripts, scripted
from pipeline_text import SAMPLES


def outcome(script: Script, **arguments: str) -> str:
    """What becomes of a run: `succeeded`, or why not. One that never ends is stopped beforehand."""
    run = JobRun("jr", "job", arguments, started_at=0)
    if "never" in (script.outcome, arguments.get("--outcome")):
        run.stop.set()
    try:
        scripted(script).work(arguments, run)
    except JobFailed as failure:
        return str(failure)
    return "succeeded"


AT_ONCE = Script(seconds=0)


@pytest.mark.parametrize(
    ("script", "arguments", "becomes"),
    [
        (AT_ONCE, {}, "succeeded"),
        (Script(0, Ending.FAIL, "Rate exceeded"), {}, "Rate exceeded"),
        (Script(0, Ending.NEVER), {}, "stopped"),
        (AT_ONCE, {"--outcome": "fail", "--error": "no orders"}, "no orders"),
        (AT_ONCE, {"--outcome": "never"}, "stopped"),
        (Script(3600), {"--seconds": "0"}, "succeeded"),
        (AT_ONCE, {"--seconds": "soon"}, "--seconds 'soon' is no time in seconds"),
        (AT_ONCE, {"--seconds": "nan"}, "--seconds 'nan' is no time in seconds"),
        (AT_ONCE, {"--outcome": "perhaps"}, "--outcome 'perhaps' is none of succeed, fail, never"),
    ],
)
def test_a_job_does_as_it_is_told(script: Script, arguments: dict[str, str], becomes: str) -> None:
    assert outcome(script, **arguments) == becomes


def read(tmp_path: Path, text: str) -> dict[str, Script]:
    path = tmp_path / "jobs.yaml"
    path.write_text(text)
    return read_scripts(path)


def test_a_file_of_jobs_is_read_with_its_defaults(tmp_path: Path) -> None:
    text = "a: {}\nb: {seconds: 0.5, outcome: FAIL, error: Rate exceeded}\nc: {outcome: never}\n"

    assert read(tmp_path, text) == {
        "a": Script(),
        "b": Script(0.5, Ending.FAIL, "Rate exceeded"),
        "c": Script(outcome=Ending.NEVER),
    }


def test_all_mistakes_of_a_file_are_told_with_their_lines(tmp_path: Path) -> None:
    with pytest.raises(JobsInvalid) as invalid:
        read(tmp_path, "a: {second: 3}\nb: {seconds: soon}\nc: {outcome: explode}\nd: 5\n")

    lines = str(invalid.value).splitlines()
    assert [line.partition("jobs.yaml:")[2].split(": ")[:2] for line in lines] == [
        ["1", "a.second"],
        ["2", "b.seconds"],
        ["3", "c.outcome"],
        ["4", "d"],
    ]


@pytest.mark.parametrize(
    "text", ["", "[a]", "a: {seconds: -1}", "a: {seconds: 1e99}", "{", "a: &a {b: *a}", "\x00"]
)
def test_what_is_no_file_of_jobs_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(JobsInvalid):
        read(tmp_path, text)


def test_the_sample_s_job_is_built_in() -> None:
    sample = next(path for path in SAMPLES if path.stem == "gold-revenue")

    assert next(iter(BUILT_IN)) in sample.read_text()


def test_a_script_says_what_it_does() -> None:
    assert [str(script) for script in BUILT_IN.values()] == [
        "succeeds after 5 s",
        "succeeds after 3 s",
        "fails after 3 s (failed, as it was told to)",
        "never ends",
    ]

"""The table of commands: wrong usage is one line and exit code 2, and no command imports another's needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from interlock.cli import main as cli
from interlock.cli.main import COMMANDS, Command, main

SAMPLES = Path(__file__).parent.parent.parent / "pipelines"

EVERY = ", ".join(COMMANDS)


def test_validate_passes_its_answer_on(capsys: pytest.CaptureFixture[str]):
    assert main(["validate", str(SAMPLES)]) == 0
    assert capsys.readouterr().out.endswith("pipelines and 2 calendars valid\n")


def test_no_is_an_exit_code_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "p.yaml").write_text("x: 1", encoding="utf-8")

    assert main(["validate", str(tmp_path)]) == 1
    assert "is required" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ([], f"interlock: name a command ({EVERY}); see interlock --help"),
        (["validte"], "interlock: unknown command 'validte', did you mean validate?; see interlock --help"),
        (
            ["frobnicate"],
            f"interlock: unknown command 'frobnicate', there are {EVERY}; see interlock --help",
        ),
        (
            ["validate"],
            "interlock validate: the following arguments are required: PATH; see interlock validate --help",
        ),
        (["validate", "--nope", "x"], "interlock: unrecognized arguments: --nope; see interlock --help"),
        (["--nope"], "interlock: the following arguments are required: COMMAND; see interlock --help"),
        (
            ["a\nb\x1b"],
            f"interlock: unknown command 'a\\nb\\x1b', there are {EVERY}; see interlock --help",
        ),
    ],
)
def test_wrong_usage_is_one_line_that_says_what_to_do(
    arguments: list[str], wanted: str, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit) as exited:
        main(arguments)

    assert exited.value.code == 2
    assert capsys.readouterr().err == wanted + "\n"


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as exited:
        main(["--help"])

    assert exited.value.code == 0
    shown = capsys.readouterr().out
    assert all(name in shown and command.summary in shown for name, command in COMMANDS.items())


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setitem(cli.COMMANDS, "fly", Command("no_such_package.fly", "fly", "wings"))

    with pytest.raises(SystemExit) as exited:
        main(["fly"])

    assert exited.value.code == 2
    assert (
        capsys.readouterr().err
        == "interlock fly: no_such_package is missing; pip install 'interlock[wings]'\n"
    )


def test_an_interrupt_ends_without_a_traceback(monkeypatch: pytest.MonkeyPatch):
    def interrupted(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("interlock.cli.validate.validate", interrupted)

    assert main(["validate", "x"]) == 130


def in_a_process(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )


def test_validate_imports_neither_aws_nor_the_emulator():
    code = f"""
import sys
from interlock.cli.main import main
main(["validate", {str(SAMPLES)!r}])
heavy = {{"boto3", "botocore", "ministack", "greenlet", "jsonata", "slack_sdk"}}
print(sorted(heavy & set(sys.modules)))
"""

    assert in_a_process(code).stdout.splitlines()[-1] == "[]"


def test_a_reader_that_closes_early_is_no_error(tmp_path: Path):
    for name in range(10):  # more than a pipe holds
        (tmp_path / f"{name}.yaml").write_text(
            "".join(f"k{key}: 1\n" for key in range(150)), encoding="utf-8"
        )
    command = f"{sys.executable} -m interlock.cli.main validate {tmp_path} | head -c 1"

    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)

    assert (done.stdout, done.stderr) == (str(tmp_path)[0], "")

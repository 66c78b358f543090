"""README says what is: its files, states, commands and words exist, and its first pipeline works as written."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from architecture.imports import LAMBDAS, OURS, ROOT
from interlock.cli.main import COMMANDS, main
from interlock.local.stack import ASL
from interlock.local.zip_contents import reached_modules

README = (ROOT / "README.md").read_text(encoding="utf-8")
STATES = json.loads(ASL.read_text())["States"]
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def table(heading: str) -> list[list[str]]:
    """The rows of the table below a heading, without its head."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    assert lines, f"{heading} has a table"
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


FOLLOW = table("Follow one sensor write")
SOURCES = sorted({file for row in FOLLOW for cell in row[1:3] for file in quoted(cell)})
TESTS = sorted({file for row in FOLLOW for file in quoted(row[4])})
NAMED_STATES = sorted({state for row in FOLLOW for state in quoted(row[3])})


@pytest.mark.parametrize("file", SOURCES)
def test_every_file_on_the_way_of_a_sensor_write_exists(file: str) -> None:
    assert (OURS / file).exists()


@pytest.mark.parametrize("file", TESTS)
def test_every_test_on_the_way_of_a_sensor_write_exists(file: str) -> None:
    assert (ROOT / file).is_file()


@pytest.mark.parametrize("state", NAMED_STATES)
def test_every_state_on_the_way_is_one_of_the_state_machine(state: str) -> None:
    assert STATES[state]["Type"] == "Task"


@pytest.mark.parametrize("file", [file for file in SOURCES if file.endswith(".py")])
def test_every_file_on_the_way_is_shipped_in_a_function(file: str) -> None:
    shipped = {
        path for handler in LAMBDAS.glob("*/handler.py") for path in reached_modules(handler)[0].values()
    }

    assert OURS / file in shipped


def test_every_stage_has_a_step_and_a_test() -> None:
    assert len(FOLLOW) >= 8
    assert all(row[0] and quoted(row[1]) and quoted(row[4]) for row in FOLLOW)


@pytest.mark.parametrize("row", table("Glossary"), ids=lambda row: row[0])
def test_every_word_of_the_glossary_has_a_meaning(row: list[str]) -> None:
    word, meaning = row

    assert word
    assert meaning


def test_no_word_of_the_glossary_has_two_meanings() -> None:
    words = [word.strip() for row in table("Glossary") for word in row[0].split(",")]

    assert sorted(set(words)) == sorted(words)


TYPED = sorted(
    {
        *re.findall(r"(?:\.venv/bin/)?(interlock [a-z]+(?:-[a-z]+)?(?: (?:up|demo))?)\b", README),
        *re.findall(r"(?<![\w-])(make [a-z]+)\b(?=`|    #)", README),
    }
)


@pytest.mark.parametrize("command", TYPED)
def test_every_command_that_is_named_exists(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    program, *words = command.split()
    if program == "make":
        assert words[0] in TARGETS
        return
    assert words[0] in COMMANDS
    with pytest.raises(SystemExit) as exited:
        main([*words, "--help"])
    assert exited.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: interlock {' '.join(words)}")


def test_every_command_of_the_command_line_is_named() -> None:
    named = {command.split()[1] for command in TYPED if command.startswith("interlock ")}

    assert named == set(COMMANDS)


def test_every_option_that_is_named_exists(capsys: pytest.CaptureFixture[str]) -> None:
    for command, does in table("Commands"):
        options = re.findall(r"--[a-z]+", does)
        if options:
            with pytest.raises(SystemExit):
                main([quoted(command)[0].split()[1], "--help"])
            shown = capsys.readouterr().out
            assert [option for option in options if option not in shown] == []


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#]+)\)", README))))
def test_every_link_to_a_file_leads_somewhere(target: str) -> None:
    assert "://" in target or (ROOT / target).exists()


def heredocs() -> dict[str, str]:
    """The files that a newcomer is told to write."""
    found = re.findall(r"cat > (\S+) <<'YAML'\n(.*?)\n +YAML", README, re.DOTALL)
    return {name: re.sub(r"^ {3}", "", text, flags=re.MULTILINE) + "\n" for name, text in found}


def test_the_first_pipeline_is_valid_and_its_rehearsal_goes_as_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in heredocs().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    assert main(["validate", "hello.yaml"]) == 0
    assert main(["simulate", "hello-waits.yaml", "--timeline"]) == 0
    assert capsys.readouterr().out.endswith("1 passed, 0 failed\n")

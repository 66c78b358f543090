"""Reads the words in which Terraform refuses each deliberate mistake of terraform/tests: runs named `..._refused`.

`expect_failures` swallows those words, so each such run is copied without it into a test file of its own (a run that fails
ends its file) and all are run at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from terraform.provider import ROOT
from terraform.workspace import Workspace, plain

TESTS = ROOT / "terraform" / "tests"
_RUN = re.compile(r'^run "(\w+)" \{\n(.*?)^\}\n', re.MULTILINE | re.DOTALL)
_EXPECTED = re.compile(r"^ *expect_failures = \[[^\]]*\]\n", re.MULTILINE)


def mistakes() -> dict[str, str]:
    """By name, the text of a test file that makes the one mistake and expects nothing."""
    return {
        name: f'{head}\nrun "{name}" {{\n{_EXPECTED.sub("", body)}}}\n'
        for head, runs in _files()
        for name, body in runs
        if name.endswith("_refused")
    }


def _files() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Of each test file what stands before its first run, and its runs."""
    for file in sorted(TESTS.glob("*.tftest.hcl")):
        text = file.read_text()
        yield text.partition('\nrun "')[0], [(name, body) for name, body in _RUN.findall(text)]


def a_mistake_like(mistake: str, name: str, **variables: str) -> str:
    """The text of another's test file, under its own name and with other words for `variables`."""
    text = mistakes()[mistake].replace(f'run "{mistake}"', f'run "{name}"')
    for variable, value in variables.items():
        text = re.sub(rf'^(    {variable} += )".*"$', rf'\1"{value}"', text, flags=re.MULTILINE)
    return text


def words_of_refusals(workspace: Workspace, made: Mapping[str, str]) -> Mapping[str, str]:
    """By the mistake's name, what Terraform said; "" where it said nothing."""
    for old in (workspace.folder / "tests").glob("*.tftest.hcl"):
        old.unlink()
    for name, text in made.items():
        (workspace.folder / "tests" / f"{name}.tftest.hcl").write_text(text)
    said: dict[str, list[str]] = {name: [] for name in made}
    for message in workspace.messages("test", "-json"):
        if message["type"] == "diagnostic" and message["diagnostic"]["severity"] == "error":
            mistake = Path(message["@testfile"]).name.removesuffix(".tftest.hcl")
            said[mistake].append(_text(message["diagnostic"]))
    return {name: " / ".join(each) for name, each in said.items()}


def _text(diagnostic: Mapping[str, str]) -> str:
    return plain(f"{diagnostic['summary']}: {diagnostic['detail']}")

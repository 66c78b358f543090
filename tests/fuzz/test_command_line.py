"""Whatever is typed: the command does it, or says in one line what is wrong, with exit code 2; never a traceback."""

from __future__ import annotations

import os
import re
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO, TextIOWrapper
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from interlock.cli.main import main
from scenario_text import scenario_text

FEW = settings(max_examples=100, suppress_health_check=list(HealthCheck))
OPTIONS = [
    "--json",
    "--timeline",
    "--report",
    "--from",
    "--from=2026-03-01",
    "--days=3",
    "--help",
    "-h",
    "--",
    "-",
    "--json=1",
    "--nope",
    "-x",
    "--js",
    "@file",
    "=",
]
ODD = [
    "",
    " ",
    ".",
    "..",
    "/dev/null",
    "\x00",
    "a\nb",
    "\x1b[2J",
    "\udcff",
    "é",
    "x" * 5000,
    "~",
    "no-such-file.yaml",
]
# What an argument vector can hold has no NUL but for a caller in Python.
ARGUMENTS = st.lists(st.sampled_from(OPTIONS) | st.sampled_from(ODD) | st.text(max_size=8), max_size=4)


def run(*argv: str) -> tuple[int, str, str]:
    """The exit code, and what was printed on streams that encode as a terminal's do."""
    out = TextIOWrapper(open(os.devnull, "wb"), encoding="utf-8")  # noqa: SIM115  (closed below)
    err, said = StringIO(), StringIO()
    with out, redirect_stdout(_Both(said, out)), redirect_stderr(err):  # type: ignore[type-var]
        try:
            code = main(list(argv))
        except SystemExit as exited:
            code = exited.code if isinstance(exited.code, int) else -1
    return code, said.getvalue(), err.getvalue()


class _Both:
    """Remembers what is written to a stream that must be able to encode it."""

    def __init__(self, said: StringIO, strict: TextIOWrapper) -> None:
        self._said, self._strict = said, strict

    def write(self, text: str) -> int:
        self._strict.write(text)
        return self._said.write(text)

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        self._strict.flush()


def assert_tidy(code: int, out: str, err: str) -> None:
    assert code in (0, 1, 2)
    assert "Traceback" not in out + err
    # A line break or an escape sequence of the user's would make one line two, or move the cursor.
    assert err.count("\n") <= 1
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", out + err)
    assert code != 2 or (out + err).strip()


@FEW
@given(argv=ARGUMENTS)
@example(["--nope=a\nb"])
@example(["\udcff"])
def test_any_first_word_is_a_command_or_wrong_usage(argv: list[str]) -> None:
    code, out, err = run(*argv)

    assert_tidy(code, out, err)
    assert code in (0, 2)  # 0: help


@pytest.mark.parametrize("command", ["validate", "simulate", "calendar"])
@FEW
@given(argv=ARGUMENTS)
@example(["--nope=a\nb", "x"])
@example(["a\nb"])
@example(["\udcff"])
@example(["\x00"])
@example(["/dev/zero"])
@example(["x" * 5000])
def test_any_arguments_are_carried_out_or_wrong_usage(command: str, argv: list[str]) -> None:
    with TemporaryDirectory() as folder:
        here = Path(folder, "here")  # so that `..` is ours too
        here.mkdir()
        with chdir(here):
            code, out, err = run(command, *argv)

    assert_tidy(code, out, err)


@pytest.mark.parametrize("command", ["validate", "simulate", "calendar"])
@FEW
@given(
    content=st.binary(max_size=80)
    | st.text(max_size=80).map(str.encode)
    | st.sampled_from(
        [b"\xff\xfe", b"a: &a [*a]", b"\x00", b"- " * 2000, b"{" * 2000, scenario_text().encode()]
    ),
    name=st.sampled_from(["p.yaml", "a\nb.yaml", "\x1b[2J.yaml", "é.yml", "p"]),
    as_json=st.booleans(),
)
def test_a_file_of_any_content_is_answered(command: str, content: bytes, name: str, as_json: bool) -> None:
    with TemporaryDirectory() as folder:
        Path(folder, name).write_bytes(content)
        code, out, err = run(command, *(["--json"] if as_json else []), str(Path(folder, name)))

    assert_tidy(code, out, err)
    assert out.count("\n") >= 1

"""No file that is handed in speaks of the machine it was written on, or of work that was left undone."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from architecture.imports import ROOT

# In pieces, so that this file does not find itself.
MACHINES = re.compile(
    "|".join(
        [r"(?<![\w.}])/(?:wo" + r"rk|ro" + r"ot)/", r"/ho" + r"me/\w", r"/Us" + r"ers/\w", r"\\Us" + r"ers\\"]
    )
)
UNDONE = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")


def git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def texts() -> dict[str, str]:
    """Every tracked file that is text."""
    found: dict[str, str] = {}
    for name in filter(None, git("ls-files", "-z").split("\0")):
        content = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b""
        if b"\0" not in content:
            found[name] = content.decode(errors="replace")
    return found


@pytest.fixture(scope="module")
def tracked() -> dict[str, str]:
    return texts()


def lines_with(pattern: re.Pattern[str], files: dict[str, str]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in files.items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_names_a_path_of_a_developers_machine(tracked: dict[str, str]) -> None:
    assert lines_with(MACHINES, tracked) == []


def test_nothing_is_left_undone(tracked: dict[str, str]) -> None:
    assert lines_with(UNDONE, tracked) == []


def test_what_is_generated_is_not_tracked() -> None:
    generated = ("__pycache__", ".hypothesis", ".venv", "build", "dist", ".pytest_cache", ".mypy_cache")
    # `release.sh` tags a commit that carries the zips.
    released = re.compile(r"dist/\w+\.zip" if git("tag", "--points-at", "HEAD", "--list", "v*") else r"(?!)")

    found = [name for name in git("ls-files").splitlines() if set(Path(name).parts) & set(generated)]

    assert [name for name in found if not released.fullmatch(name)] == []


@pytest.mark.parametrize("pattern", [MACHINES, UNDONE])
def test_the_patterns_find_what_they_look_for(pattern: re.Pattern[str]) -> None:
    samples = ["see /ro" + "ot/x", "/ho" + "me/ana/x", "/Us" + "ers/ana", "# TO" + "DO later", "FIX" + "ME"]

    assert any(pattern.search(sample) for sample in samples)

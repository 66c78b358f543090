"""`docs/reliability.md` names every finding that a check can have, and no other; its links exist."""

from __future__ import annotations

import re
from pathlib import Path

from interlock.torture.seed import SIMULATOR

_ROOT = Path(__file__).resolve().parents[1]
_PAGE = (_ROOT / "docs" / "reliability.md").read_text()
_CHECKS = _ROOT / "src" / "interlock" / "simulation" / "promises"


def test_a_reader_finds_what_each_finding_means() -> None:
    sources = "\n".join(path.read_text() for path in _CHECKS.glob("*.py"))
    can_be_found = set(re.findall(r'_?[Bb]roken\(\s*"([a-z-]+)"', sources)) | {SIMULATOR}

    table = _PAGE.partition("## What each check holds")[2].partition("\n## ")[0]
    rows = [line.split("|")[2] for line in table.splitlines() if line.startswith("| ")]
    told = set(re.findall(r"`([a-z-]+)`", " ".join(rows)))

    assert can_be_found - told == set()
    assert told - can_be_found == set()


def test_what_the_page_links_to_exists() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)", _PAGE)

    assert [link for link in links if not (_ROOT / "docs" / link).exists()] == []
    assert links

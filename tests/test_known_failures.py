"""`docs/known-failures.md` names a proof for each known failure, and each proof that it names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parent.parent / "docs" / "known-failures.md"
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith(("| what", "| ---"))
]
PROOFS = sorted({link for row in ROWS for link in re.findall(r"\]\(([^)]+)\)", row[1])})
NAMED_TESTS = sorted(
    {found for row in ROWS for found in re.findall(r"\]\((\S+?\.py)\) `(test_\w+)`", row[1])}
)


@pytest.mark.parametrize("row", ROWS, ids=[row[0][:60] for row in ROWS])
def test_a_known_failure_has_a_scenario_or_a_test(row: list[str]) -> None:
    _, proof = row

    assert re.search(r"\]\(\.\./(pipelines/scenarios/\S+\.yaml|tests/\S+\.py)\)", proof)


@pytest.mark.parametrize("proof", PROOFS)
def test_a_proof_exists(proof: str) -> None:
    assert (PAGE.parent / proof).is_file()


@pytest.mark.parametrize(("file", "name"), NAMED_TESTS)
def test_a_test_that_is_named_is_in_its_file(file: str, name: str) -> None:
    assert f"def {name}(" in (PAGE.parent / file).read_text(encoding="utf-8")


def test_a_proof_in_python_names_its_test() -> None:
    files = {proof for proof in PROOFS if proof.endswith(".py")}

    assert files == {file for file, _ in NAMED_TESTS}


def test_no_failure_is_told_twice() -> None:
    told = [row[0] for row in ROWS]

    assert sorted(set(told)) == sorted(told)

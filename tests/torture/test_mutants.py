"""The list of deliberate bugs does not rot: each is one place of the sources as they are, and leaves what can be read."""

from __future__ import annotations

import ast
import json
from collections import Counter
from pathlib import Path

import pytest

from torture.mutants import MUTANTS, Mutant
from torture.mutation import apply

ROOT = Path(__file__).resolve().parents[2]
A_BUG = Mutant("a-bug", "never unsafe", "src/rules.py", "if ready:", "if True:")


def written(folder: Path, text: str) -> Path:
    file = folder / A_BUG.file
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_bug_is_one_place_of_the_sources_and_leaves_what_can_be_read(
    mutant: Mutant, tmp_path: Path
) -> None:
    text = (ROOT / mutant.file).read_text(encoding="utf-8")
    file = tmp_path / mutant.file
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")

    apply(mutant, tmp_path)

    mutated = file.read_text(encoding="utf-8")
    assert mutated != text
    assert json.loads(mutated) if file.suffix == ".json" else ast.parse(mutated)


def test_a_bug_whose_place_is_gone_or_there_twice_is_refused(tmp_path: Path) -> None:
    written(tmp_path, "if ready:\n    start()\nif ready:\n    wake()\n")

    with pytest.raises(ValueError, match=r"a-bug: what it changes is 2 times in src/rules\.py"):
        apply(A_BUG, tmp_path)


def test_there_are_enough_bugs_of_every_promise_and_each_has_a_name_of_its_own() -> None:
    promises = Counter(mutant.promise.partition(":")[0] for mutant in MUTANTS)

    assert len(MUTANTS) >= 25
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert min(promises.values()) >= 2
    assert set(promises) == {
        "never unsafe",
        "exactly one start",
        "never silent",
        "never vague",
        "a bad neighbour",
        "nothing is lost",
    }

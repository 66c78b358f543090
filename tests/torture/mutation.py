"""`make mutants`: does the torture find each deliberate bug? Each is applied alone, to a copy of the sources.

Exit 1 when one is not found, or when the sources themselves break a promise on the way.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from count_argument import a_count
from torture.mutants import MUTANTS, Mutant

_ROOT = Path(__file__).resolve().parents[2]
_PLAYER = Path(__file__).with_name("broken_seeds.py")
_COPIED = ("src", "statemachine")


@dataclass(frozen=True)
class Verdict:
    """What came of one bug."""

    mutant: Mutant
    seeds: int | None  # how many worlds it took; None: all of them were not enough
    broke: str = "NOT FOUND"
    what: str = ""
    broken_before: tuple[int, ...] = ()  # seeds that the sources break without it


def main() -> int:
    asked = _arguments()
    mutants = [mutant for mutant in MUTANTS if not asked.only or mutant.name in asked.only]
    unknown = {*asked.only} - {mutant.name for mutant in mutants}
    if unknown:
        print(f"there is no bug called {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    print(f"{'bug':34} {'found by':28} {'seeds':>5}  what it breaks", flush=True)
    verdicts = []
    with TemporaryDirectory() as folder, ThreadPoolExecutor(asked.jobs) as pool:
        sources = _copied(Path(folder))
        searches = [pool.submit(verdict_of, mutant, sources, asked.seeds) for mutant in mutants]
        for search in as_completed(searches):
            verdicts.append(search.result())
            _tell(verdicts[-1], asked.seeds, at_length=asked.verbose)
    return _summary(verdicts)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.torture.mutation", description=__doc__)
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="this bug alone; may be repeated"
    )
    parser.add_argument(
        "--seeds", type=a_count, default=2000, metavar="N", help="play 1..N for each bug; default 2000"
    )
    parser.add_argument(
        "--jobs",
        type=a_count,
        default=os.cpu_count() or 1,
        metavar="N",
        help="bugs at a time; default one a core",
    )
    parser.add_argument("--verbose", action="store_true", help="say what was broken, and how")
    return parser.parse_args()


def _copied(folder: Path) -> Path:
    """Somebody may go on working on the sources meanwhile."""
    for name in _COPIED:
        shutil.copytree(_ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def verdict_of(mutant: Mutant, sources: Path, seeds: int) -> Verdict:
    """The first seed counts that breaks a promise with the bug, and none without."""
    before: list[int] = []
    with TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(sources, Path(folder) / "copy"))
        apply(mutant, copy)
        with _broken_seeds(copy, 1, seeds) as found:
            for broken in found:
                if _breaks(sources, broken["seed"]):
                    before.append(broken["seed"])
                else:
                    promise = ", ".join(broken["promises"][:2])
                    return Verdict(mutant, broken["seed"], promise, broken["what"], tuple(before))
    return Verdict(mutant, None, broken_before=tuple(before))


def apply(mutant: Mutant, sources: Path) -> None:
    """Raises `ValueError` if it cannot be: the sources have changed."""
    file = sources / mutant.file
    text = file.read_text(encoding="utf-8")
    if text.count(mutant.old) != 1:
        raise ValueError(f"{mutant.name}: what it changes is {text.count(mutant.old)} times in {mutant.file}")
    file.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")


@cache  # many bugs meet the same
def _breaks(sources: Path, seed: int) -> bool:
    with _broken_seeds(sources, seed, seed) as found:
        return next(found, None) is not None


@contextmanager
def _broken_seeds(sources: Path, first: int, last: int) -> Iterator[Iterator[dict[str, Any]]]:
    """In a process of its own: it imports these sources, and ends when nobody listens any more."""
    command = [sys.executable, str(_PLAYER), str(first), str(last)]
    environment = os.environ | {"PYTHONPATH": str(sources / "src")}
    player = subprocess.Popen(command, cwd=sources, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        yield _lines(player)
    finally:
        player.kill()
        player.communicate()


def _lines(player: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    assert player.stdout is not None
    for line in player.stdout:
        yield json.loads(line)
    if player.wait() != 0:
        raise RuntimeError("the sources with the bug cannot be played at all: see above")


def _tell(verdict: Verdict, seeds: int, *, at_length: bool) -> None:
    took = str(verdict.seeds or f">{seeds}")
    print(f"{verdict.mutant.name:34} {verdict.broke:28} {took:>5}  {verdict.mutant.promise}", flush=True)
    if at_length and verdict.what:
        print(f"    {verdict.what}", flush=True)


def _summary(verdicts: Sequence[Verdict]) -> int:
    took = [verdict.seeds for verdict in verdicts if verdict.seeds is not None]
    before = sorted({seed for verdict in verdicts for seed in verdict.broken_before})
    print(f"\n{len(took)} of {len(verdicts)} found" + (f", median {median(took):g} seeds" if took else ""))
    if before:
        print(f"the sources themselves break a promise, of these seeds: {', '.join(map(str, before))}")
    return 1 if before or len(took) < len(verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())

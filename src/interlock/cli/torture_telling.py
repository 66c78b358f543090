"""What `interlock torture` prints: how far it is, each seed that failed, the shortest world for it, and the figures."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

from interlock.torture.document import Document, written
from interlock.torture.figures import Figures, figures_data, struck, total
from interlock.torture.found import Shortest
from interlock.torture.seed import Result, told

_BAR = 24  # characters


@dataclass(slots=True)
class Telling:
    """Writes to `out`; and to `progress`, if that is a terminal, how far it is."""

    profile: str
    seeds: int | None  # how many there are; None: as many as the time allows
    out: TextIO
    progress: TextIO
    as_json: bool
    _figures: Figures = field(default_factory=Figures)
    _failed: int = 0
    _begun: float = field(default_factory=time.monotonic)
    _data: dict[str, Any] = field(default_factory=dict)
    _told: set[int] = field(default_factory=set)  # seeds that failed

    # -- while it goes on

    def sources_changed(self) -> None:
        self._note("the sources have changed since the state was kept: every seed is played anew")

    def played(self, results: Sequence[Result]) -> None:
        """These are finished."""
        self._figures = total([self._figures, *(result.figures for result in results)])
        self._failed += sum(bool(result.broken) for result in results)
        worlds, minutes = self._figures.worlds, (time.monotonic() - self._begun) / 60
        of = f" of {self.seeds:,}" if self.seeds else ""
        self._show(
            f"{_bar(worlds, self.seeds)}{worlds:,}{of} seeds, {self._failed} failed, {minutes:.1f} min"
        )

    def shrinking(self, plays: int, smallest: Document) -> None:
        """One more play of the shrinker."""
        self._show(f"shrinking: {plays} plays, {len(written(smallest).splitlines())} lines")

    def interrupted(self, *, goes_on: bool) -> None:
        advice = "; the same command goes on from here" if goes_on else ""
        self._note(f"interrupted after {self._figures.worlds:,} seeds, {self._failed} failed{advice}")

    def clear(self) -> None:
        self._show("")

    # -- what was found

    def failed(self, result: Result) -> None:
        """Told once, however often it is found."""
        if result.seed in self._told:
            return
        self._told.add(result.seed)
        self._lines(*told(result), "")
        self._data.setdefault("failed", []).append(
            {"seed": result.seed, "profile": result.profile, "broken": [asdict(one) for one in result.broken]}
        )

    def shortest(self, result: Result, found: Shortest | None) -> None:
        """Written to a file, and shown."""
        again = f"interlock torture --seeds {result.seed}..{result.seed} --profile {result.profile}"
        if found is None:
            self._lines(f"seed {result.seed} gives no world that could be shrunk; again: {again}", "")
            return
        Path(found.file_name).write_text(found.text, encoding="utf-8")
        self._lines(
            f"the shortest world found that breaks {found.broken.promise}, in {found.file_name}:",
            "",
            *found.text.splitlines(),
            "",
            f"play it:        interlock simulate {found.file_name} --timeline",
            f"the whole seed: {again}",
            "",
        )
        self._data.setdefault("shortest", []).append(
            {
                "seed": result.seed,
                "promise": found.broken.promise,
                "file": found.file_name,
                "text": found.text,
            }
        )

    def summary(self, failed: Sequence[Result], *, stopped: bool) -> None:
        """The figures, and which seeds failed."""
        if stopped and len(failed) > 1:
            others = ", ".join(str(result.seed) for result in failed[1:])
            self._lines(f"{len(failed) - 1} more of the seeds that were played failed: {others}", "")
        self._lines(*_table(self._figures, self.profile, len(failed)))
        if self.as_json:
            data = {
                "profile": self.profile,
                "figures": figures_data(self._figures),
                "failed": [],
                "shortest": [],
            }
            self.out.write(json.dumps(data | self._data, indent=2) + "\n")

    def _lines(self, *lines: str) -> None:
        self.clear()
        if not self.as_json:
            self.out.writelines(f"{line}\n" for line in lines)
            self.out.flush()

    def _note(self, text: str) -> None:
        self.clear()
        print(text, file=self.progress, flush=True)

    def _show(self, text: str) -> None:
        if self.progress.isatty():
            self.progress.write(f"\r\x1b[K{text}")  # ECMA-48: from the beginning, the line anew
            self.progress.flush()


def _bar(done: int, of: int | None) -> str:
    full = _BAR * done // of if of else 0
    return f"{'█' * full}{'░' * (_BAR - full)} " if of else ""


def _struck(figures: Figures) -> Iterator[tuple[str, float, str]]:
    for when in ("before", "after"):
        found, every = struck(figures, when)
        yield f"calls struck {when}", found, f"of the {every} that our functions make"


def _table(figures: Figures, profile: str, failed: int) -> Iterator[str]:
    minutes = max(figures.cpu_seconds, 0.001) / 60
    rows: list[tuple[str, float, str]] = [
        ("seeds", figures.worlds, f"of {profile}"),
        ("worlds a minute", figures.worlds / minutes, "on one core"),
        ("virtual hours a second", figures.virtual_seconds / 3600 / (minutes * 60), "on one core"),
        ("faults", sum(figures.faults.values()), ""),
        *((f"  {kind}", times, "") for kind, times in sorted(figures.faults.items())),
        *_struck(figures),
        ("row changes", figures.row_changes, ""),
        ("moves of runs", figures.moves, "checked"),
        ("jobs started", figures.starts, ""),
        ("events", figures.events, ""),
        ("messages", figures.messages, ""),
        ("broken", failed, "seeds" if failed != 1 else "seed"),
    ]
    widest = max(len(name) for name, _, _ in rows)
    for name, number, note in rows:
        yield f"{name:<{widest}}  {number:>11,.0f}  {note}".rstrip()

"""From a world that breaks a promise to the shortest found that still breaks it: delta debugging, the same way every time.

https://www.st.cs.uni-saarland.de/papers/tse2002/tse2002.pdf
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from interlock.simulation.scenario_yaml import ScenarioInvalid
from interlock.torture.document import Document, with_instants, with_offsets
from interlock.torture.reductions import (
    Path,
    earlier_ends,
    later_starts,
    paths_at,
    pipelines_of,
    replaced,
    rounder_instants,
    simpler,
    without_paths,
    without_pipelines,
)

MOST_PLAYS = 400
_DEEPEST = 10

IsStillBroken = Callable[[Document], bool]  # raises ScenarioInvalid for what is no scenario any more

Tell = Callable[[int, Document], None]


def _untold(_plays: int, _document: Document) -> None:
    pass


class _Spent(Exception):
    """No plays are left."""


def shrink(
    document: Document,
    is_still_broken: IsStillBroken,
    most_plays: int = MOST_PLAYS,
    tell: Tell = _untold,
) -> Document:
    """The smallest document found; `tell` hears of each play that was made and of the smallest so far."""
    shrinking = _Shrinking(with_instants(document), is_still_broken, most_plays, tell)
    with suppress(_Spent):
        shrinking.to_the_smallest()
    return with_offsets(shrinking.smallest)


class _Shrinking:
    def __init__(
        self,
        document: Document,
        is_still_broken: IsStillBroken,
        most_plays: int,
        tell: Tell,
    ) -> None:
        self.smallest = document
        self._is_still_broken, self._most_plays, self._tell = is_still_broken, most_plays, tell
        self._plays = 0
        self._tried = {_text(document)}

    def to_the_smallest(self) -> None:
        before = None
        while before is not self.smallest:
            before = self.smallest
            # What makes a world cheap to play comes first.
            self._single(earlier_ends)
            self._pipelines()
            self._entries()
            for depth in range(1, _DEEPEST):
                self._level(depth)
            self._single(simpler)
            self._single(later_starts)
            self._single(rounder_instants)

    def _is_enough(self, candidate: Document) -> bool:
        """Whether it is broken too; if so, it is the smallest from now on."""
        text = _text(candidate)
        if text in self._tried:
            return False
        if self._plays == self._most_plays:
            raise _Spent
        self._tried.add(text)
        try:
            broken = self._is_still_broken(candidate)
        except ScenarioInvalid:
            return False  # known before anything was played
        self._plays += 1
        if broken:
            self.smallest = candidate
        self._tell(self._plays, self.smallest)
        return broken

    def _pipelines(self) -> None:
        whole = self.smallest
        self._fewest(pipelines_of(whole), lambda gone: without_pipelines(whole, gone))

    def _entries(self) -> None:
        whole = self.smallest
        parts = [("timeline", index) for index in range(len(whole.get("timeline", ())))]
        self._fewest(parts, lambda gone: without_paths(whole, gone))

    def _level(self, depth: int) -> None:
        whole = self.smallest
        self._fewest(list(paths_at(whole, depth)), lambda gone: without_paths(whole, gone))

    def _fewest(self, parts: Sequence[Any], without: Callable[[set[Any]], Document]) -> None:
        """Take parts away, in halves, quarters and so on, as long as the world stays broken."""
        gone: set[Any] = set()
        size = len(parts)
        while size:
            left = [part for part in parts if part not in gone]
            for first in range(0, len(left), size):
                some = {*left[first : first + size]}
                if self._is_enough(without(gone | some)):
                    gone |= some
            size //= 2

    def _single(self, changes: Callable[[Document], Iterable[tuple[Path, Any]]]) -> None:
        """Change one thing after the other; after each that was enough, look again."""
        found = True
        while found:
            whole = self.smallest
            found = any(self._is_enough(replaced(whole, path, new)) for path, new in changes(whole))


def _text(document: Document) -> str:
    return json.dumps(document, sort_keys=True)

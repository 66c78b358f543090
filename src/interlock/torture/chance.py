"""Where a world's chance comes from: one source for each thing in it, the same for the same name on every Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import TypeVar

Thing = TypeVar("Thing")


class Chance:
    """Drawn with `random()` and `randrange` of the standard library alone, which no version has changed."""

    def __init__(self, *names: object) -> None:
        self._random = Random(" ".join(map(str, names)))

    def likely(self, share: float) -> bool:
        """True in that share of all cases."""
        return self._random.random() < share

    def whole(self, lowest: int, highest: int) -> int:
        """Both included."""
        return lowest + self._random.randrange(highest - lowest + 1)

    def times(self, mean: float) -> int:
        """How often something happens, so often on average; from 0 to about twice that."""
        return int(2 * mean * self._random.random() + 0.5)

    def one(self, things: Sequence[Thing]) -> Thing:
        return things[self._random.randrange(len(things))]

    def of(self, weights: Mapping[Thing, float]) -> Thing:
        """One of the keys, as often as its weight says."""
        left = self._random.random() * sum(weights.values())
        for thing, weight in weights.items():
            left -= weight
            if left < 0:
                return thing
        return next(reversed([thing for thing, weight in weights.items() if weight]))

    def some(self, things: Sequence[Thing], lowest: int, highest: int) -> list[Thing]:
        """So many different ones, in the order in which they were given."""
        left = list(range(len(things)))
        wanted = min(self.whole(lowest, highest), len(left))
        chosen = sorted(left.pop(self._random.randrange(len(left))) for _ in range(wanted))
        return [things[place] for place in chosen]

    def second(self, first: int, last: int) -> int:
        """Mostly a whole minute, as people and crons have them."""
        found = self.whole(first, max(first, last))
        return found - found % 60 if self.likely(0.6) and found - found % 60 >= first else found

"""Readings as outsiders write them: what meets a rule, what does not, whose day they are of, what their clocks say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from interlock.torture.chance import Chance

# No type that a rule compares with, or more than anybody should write.
_NONSENSE: tuple[Any, ...] = (
    "ten",
    [],
    {"n": 1},
    None,
    True,
    -1,
    10**30,
    0.1,
    "",
    "1e999",
    "NaN",
    "\u0000",
    "<!channel>",
    "x" * 3000,
    [[[[["deep"]]]]],
)
_FORGED: tuple[Any, ...] = (
    "2099-01-01T00:00:00Z",
    4102444800,
    4102444800000,
    "1999-12-31T23:59:59+00:00",
    0,
    -5,
    "yesterday",
    "",
    None,
    10**20,
    {"at": 1},
    "2026-03-02T25:61:00Z",
    "2026-03-02T08:00:00",
)


def stamp(chance: Chance, at: datetime) -> Any:
    """`updatedAt` in one of the forms that are read."""
    seconds = int(at.timestamp())
    form = chance.whole(0, 4)
    if form == 0:
        return seconds
    if form == 1:
        return seconds * 1000
    if form == 2:
        return str(seconds)
    if form == 3:
        return f"{at + timedelta(hours=2):%Y-%m-%dT%H:%M:%S}+02:00"
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def forged(chance: Chance) -> Any:
    """What a wrong clock, or no clock, says."""
    return chance.one(_FORGED)


def nonsense(chance: Chance) -> Any:
    """Where a value should be."""
    return chance.one(_NONSENSE)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One rule on a sensor, and how to write readings for it."""

    key: str
    rule: dict[str, Any]

    def meets(self, chance: Chance, at: datetime) -> dict[str, Any]:
        """The fields of a reading at which the rule holds."""
        value: Any = self.rule.get("value")
        check = self.rule["check"]
        match check:
            case "exists":
                return {self._field("ready"): chance.one((1, True, "yes"))}
            case "equals":
                return {self._field(): _same(chance, value)}
            case "not_equals":
                return {self._field(): chance.one(("other", 0, False))}
            case "in":
                return {self._field(): _same(chance, chance.one(value))}
            case "age_lt":
                return {"updatedAt": stamp(chance, at)}
            case "age_gt":
                return {"updatedAt": stamp(chance, at - timedelta(hours=chance.whole(4, 30)))}
        beyond = chance.whole(1, 5) if check in ("gt", "lt") else chance.whole(0, 5)
        found = value + beyond if check in ("gt", "gte") else value - beyond
        return {self._field(): _as_written(chance, found)}

    def fails(self, chance: Chance, at: datetime) -> dict[str, Any]:
        """The fields of a reading at which it does not."""
        value: Any = self.rule.get("value")
        check = self.rule["check"]
        match check:
            case "exists":
                return {"unrelated": 1} if "field" in self.rule else {}
            case "equals" | "in":
                return {self._field(): "not yet"}
            case "not_equals":
                return {self._field(): value}
            case "age_lt":
                return {"updatedAt": stamp(chance, at - timedelta(hours=chance.whole(4, 30)))}
            case "age_gt":
                return {"updatedAt": stamp(chance, at)}
        beyond = chance.whole(1, 5) if check in ("gte", "lte") else chance.whole(0, 5)
        found = value - beyond if check in ("gt", "gte") else value + beyond
        return {self._field(): _as_written(chance, found)}

    def _field(self, otherwise: str = "") -> str:
        return str(self.rule.get("field", otherwise))


def _as_written(chance: Chance, number: int) -> Any:
    """Numbers come as text, too."""
    return chance.of({number: 5, str(number): 1, f"{number}.0": 1, float(number): 1})


def _same(chance: Chance, value: Any) -> Any:
    """What `equals` takes for the same."""
    if isinstance(value, bool):
        return value if chance.likely(0.8) else str(value).lower()
    return _as_written(chance, value) if isinstance(value, int) else value

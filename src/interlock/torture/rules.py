"""Random rule groups, with what must be written for them to hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from interlock.torture.chance import Chance
from interlock.torture.readings import Wanted

CHECKS = {
    "exists": 2.0,
    "equals": 4,
    "not_equals": 1,
    "in": 1,
    "gt": 1,
    "gte": 5,
    "lt": 1,
    "lte": 1,
    "age_lt": 1.5,
    "age_gt": 0.7,
}
_KEYS = ("rows", "orders", "freshness", "gate", "region-eu", "region-us", "lock", "audit-log")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A rule somewhere in the groups: for all of them to hold, it must hold, or must not."""

    wanted: Wanted
    must_hold: bool


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The `rules` of a validation, as users write them."""

    items: tuple[dict[str, Any], ...]
    leaves: tuple[Leaf, ...]


def a_rule(chance: Chance, key: str, *, must_hold: bool = True) -> Wanted:
    """One condition on one sensor; one that must not hold can be unmet by a write, too."""
    check = chance.of(CHECKS)
    rule: dict[str, Any] = {"key": key, "check": check}
    match check:
        case "exists":
            if not must_hold or chance.likely(0.4):
                rule["field"] = "ready"
        case "equals":
            rule |= {"field": "status", "value": chance.one(("ready", 10, True))}
        case "not_equals":
            rule |= {"field": "held", "value": chance.one((True, "held"))}
        case "in":
            rule |= {"field": "state", "value": ["done", 7]}
        case "age_lt" | "age_gt":
            rule["value"] = chance.one(("20m", "1h", "3h"))
        case _:
            rule |= {"field": "count", "value": chance.one((5, 10, 1000))}
    return Wanted(key, rule)


def a_rule_set(chance: Chance, upstreams: Sequence[dict[str, Any]]) -> RuleSet:
    """Most pipelines have one or two rules; among them stand `upstreams`, rules on other pipelines' outcomes."""
    keys = list(chance.some(_KEYS, 0, chance.of({1: 5, 2: 4, 3: 2, 4: 1})))
    items: list[dict[str, Any]] = []
    leaves: list[Leaf] = []
    while keys:
        taken = [keys.pop(0) for _ in range(min(len(keys), chance.of({1: 5, 2: 2, 3: 1})))]
        item, found = _group(chance, taken, must_hold=True)
        items.append(item)
        leaves += found
    for upstream in upstreams:
        # Where the other pipeline never ran before, somebody says that it may go on all the same.
        if upstream.get("date") == "previous" or chance.likely(0.3):
            seed = Wanted("seed", {"key": "seed", "check": "exists"})
            leaves.append(Leaf(seed, must_hold=True))
            upstream = {"any": [upstream, seed.rule]}
        items.insert(chance.whole(0, len(items)), upstream)
    return RuleSet(tuple(items), tuple(leaves))


def _group(chance: Chance, keys: list[str], *, must_hold: bool) -> tuple[dict[str, Any], list[Leaf]]:
    kind = chance.of({"all": 2, "any": 2, "atLeast": 2, "not": 1})
    if kind == "not" and chance.likely(0.5):
        item, leaves = _group(chance, keys, must_hold=not must_hold)
        return {"not": item}, leaves
    members, leaves = [], []
    for key in keys:
        wanted = a_rule(chance, key, must_hold=must_hold)
        members.append(wanted.rule)
        leaves.append(Leaf(wanted, must_hold))
    if len(members) == 1 and chance.likely(0.8):
        return members[0], leaves
    if kind == "atLeast":
        return {"atLeast": chance.whole(1, len(members)), "of": members}, leaves
    return {kind if kind != "not" else "all": members}, leaves

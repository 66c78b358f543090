"""From a seed that failed to the scenario file that shows why, as short as it gets."""

from __future__ import annotations

from dataclasses import dataclass

from interlock.simulation.promises.facts import Broken
from interlock.torture.document import Document, scenario_of, written
from interlock.torture.profiles import PROFILES
from interlock.torture.seed import Result, broken_in, is_same_trouble
from interlock.torture.shrink import Tell, shrink
from interlock.torture.worlds import a_world


@dataclass(frozen=True, slots=True)
class Shortest:
    """The shortest world found that breaks the first promise that the seed's own world broke."""

    result: Result
    broken: Broken  # there
    text: str  # of the scenario file

    @property
    def file_name(self) -> str:
        return f"{self.result.profile}-{self.result.seed}.yaml"


def shortest_of(result: Result, tell: Tell) -> Shortest | None:
    """None when there is no world to play: making it, or reading it, is what failed."""
    trouble = result.broken[0]

    def same(document: Document) -> Broken | None:
        return next((broken for broken in broken_in(document) if is_same_trouble(broken, trouble)), None)

    try:
        world = a_world(result.seed, PROFILES[result.profile])
        scenario_of(world)
    except Exception:  # noqa: BLE001 - what it is stands in the result
        return None
    played_once = world | {"expect": {"promises": "kept"}}
    if same(played_once):  # it takes no second play without one of its pipelines to show this
        world = played_once
    document = shrink(world, lambda candidate: same(candidate) is not None, tell=tell)
    broken = same(document)
    return Shortest(result, broken, written(_as_file(document, result, broken))) if broken else None


def _as_file(document: Document, result: Result, broken: Broken) -> Document:
    sentence = f"{broken.promise} is broken for {broken.about}: {broken.what} (seed {result.seed} of {result.profile})"
    sections = ("start", "configs", "calendars", "jobs", "timeline", "until", "expect")
    kept = {name: document[name] for name in sections if document.get(name)}
    return {"scenario": " ".join(sentence.split())[:500], **kept}

"""Ways to make a world smaller, each a step that may or may not leave it broken. `shrink` tries them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from interlock.aws.keys import partition
from interlock.torture.document import Document, instant_text

Path = tuple[str | int, ...]

_GROUPS = ("all", "any", "of", "not")
_ROUND = (timedelta(hours=1), timedelta(minutes=5), timedelta(minutes=1))
_LEAVES_OF_FILE = ("scenario", "start", "until", "expect")


def pipelines_of(document: Document) -> list[str]:
    """The ids of its configs."""
    return [config["pipeline"]["id"] for config in document.get("configs", ())]


def without_pipelines(document: Document, gone: Collection[str]) -> Document:
    """Neither their configs and jobs nor what the timeline does to them."""
    names = {*gone, *(partition(name) for name in gone)}
    return document | {
        "configs": [config for config in document["configs"] if config["pipeline"]["id"] not in gone],
        "jobs": {name: plays for name, plays in document.get("jobs", {}).items() if name not in gone},
        "timeline": [entry for entry in document.get("timeline", ()) if names.isdisjoint(_texts(entry))],
    }


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for member in value.values():
                yield from _texts(member)
        case list():
            for member in value:
                yield from _texts(member)


def paths_at(value: Any, depth: int, path: Path = ()) -> Iterator[Path]:
    """The places that lie `depth` keys or indices below `value`."""
    if depth == 0:
        yield path
        return
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for name, member in members:
        if path or name not in _LEAVES_OF_FILE:
            yield from paths_at(member, depth - 1, (*path, name))


def without_paths(value: Any, gone: Collection[Path], path: Path = ()) -> Any:
    """A copy that lacks what stands there."""
    match value:
        case dict():
            kept = {name: (*path, name) for name in value if (*path, name) not in gone}
            return {name: without_paths(value[name], gone, at) for name, at in kept.items()}
        case list():
            places = [(member, (*path, index)) for index, member in enumerate(value)]
            return [without_paths(member, gone, at) for member, at in places if at not in gone]
    return value


def replaced(value: Any, path: Path, new: Any) -> Any:
    """A copy with something else there."""
    if not path:
        return new
    name, *rest = path
    if isinstance(value, dict):
        return value | {name: replaced(value[name], tuple(rest), new)}
    return [
        replaced(member, tuple(rest), new) if index == name else member for index, member in enumerate(value)
    ]


def places(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every place and what stands there, the outer before the inner."""
    yield path, value
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for name, member in members:
        yield from places(member, (*path, name))


def simpler(document: Document) -> Iterator[tuple[Path, Any]]:
    """Single values that could be simpler, and what to put there: a group's member for it, a smaller count."""
    for path, value in places(document):
        if path[:1] == ("configs",) and isinstance(value, dict):
            for group in _GROUPS:
                members = value.get(group, ())
                yield from (
                    (path, member) for member in (members if isinstance(members, list) else [members])
                )
        if path[:1] == ("timeline",) and path[-1:] != ("at",) and "data" not in path and "item" not in path:
            yield from ((path, count) for count in _smaller(value))


def _smaller(value: Any) -> Iterator[Any]:
    if isinstance(value, int) and not isinstance(value, bool):
        yield from dict.fromkeys(count for count in (1, value // 2, value - 1) if 0 < count < value)


def rounder_instants(document: Document) -> Iterator[tuple[Path, Any]]:
    """Each instant of the timeline rounded down, to the hour if that is still enough."""
    start = datetime.fromisoformat(document["start"])
    for index, entry in enumerate(document.get("timeline", ())):
        at = datetime.fromisoformat(entry["at"])
        for step in _ROUND:
            rounded = at - (at - datetime.min.replace(tzinfo=UTC)) % step
            if start <= rounded < at:
                yield ("timeline", index, "at"), instant_text(rounded)


def earlier_ends(document: Document) -> Iterator[tuple[Path, Any]]:
    """`until` nearer to the start, the nearest first."""
    start, until = (datetime.fromisoformat(document[name]) for name in ("start", "until"))
    for eighths in (1, 2, 4, 6, 7):
        yield ("until",), instant_text(start + _whole_minutes((until - start) * eighths / 8))


def later_starts(document: Document) -> Iterator[tuple[Path, Any]]:
    """`start` as late as the first entry of the timeline allows, then less so."""
    start = datetime.fromisoformat(document["start"])
    first = min(
        (datetime.fromisoformat(entry["at"]) for entry in document.get("timeline", ())), default=start
    )
    for eighths in (8, 6, 4, 2):
        moved = start + _whole_minutes((first - start) * eighths / 8)
        if moved > start:
            yield ("start",), instant_text(moved)


def _whole_minutes(length: timedelta) -> timedelta:
    return length - length % timedelta(minutes=1)

"""One place in a scenario file: reads the value there, notes what is wrong with it, and goes on.

A mistake yields a harmless value of the wanted type, so that one reading finds them all; what has mistakes is
never played.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

import yaml

from interlock.pipeline_yaml.document import read_node
from interlock.pipeline_yaml.mistake import Mistake, PipelineInvalid, YamlPath, closest, path_text, shown
from interlock.simulation.scenario import Bound

_MOST_VALUES = 500_000
_DEEPEST = 60
_LONGEST = timedelta(days=3660)  # ten years: an offset or duration beyond it is a slip of the pen
_STRING = "tag:yaml.org,2002:str"
_NOTHING = "tag:yaml.org,2002:null"
_DURATION = re.compile(r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,7})s)?", re.ASCII)
_BOUND = re.compile(r"\s*(==|!=|<=|>=|<|>|)\s*(\d{1,12}(?:\.\d{1,3})?)\s*", re.ASCII)

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(slots=True)
class Findings:
    """What reading one file has found wrong so far, and how much it has read."""

    file: str
    mistakes: list[Mistake] = field(default_factory=list)
    values: int = 0

    def add(self, line: int, path: YamlPath, message: str) -> None:
        self.mistakes.append(Mistake(self.file, line, path_text(path), message))


@dataclass(frozen=True, slots=True)
class Place:
    """A node, where it stands, and where mistakes go."""

    node: yaml.Node
    path: YamlPath
    findings: Findings

    @property
    def line(self) -> int:
        return int(self.node.start_mark.line) + 1

    def wrong(self, message: str) -> None:
        """Note a mistake here."""
        self.findings.add(self.line, self.path, message)

    # -- mappings and lists

    def fields(self, known: Sequence[str], required: Sequence[str] = ()) -> dict[str, Place]:
        """The values of a mapping whose keys are fixed; null counts as left out."""
        found: dict[str, Place] = {}
        meant: set[str | None] = set()
        for name, line, place in self._pairs():
            if name not in known:
                self.findings.add(line, place.path, unknown("key", name, known))
                meant.add(closest(name, known))
            elif not place.is_nothing():
                found[name] = place
        if isinstance(self.node, yaml.MappingNode):
            for name in required:
                if name not in found and name not in meant:
                    self.wrong(f"{name} is missing; add it")
        return found

    def entries(self) -> Iterator[tuple[str, Place]]:
        """The pairs of a mapping whose keys the user chooses."""
        return ((name, place) for name, _, place in self._pairs())

    def _pairs(self) -> Iterator[tuple[str, int, Place]]:
        if not isinstance(self.node, yaml.MappingNode):
            self.wrong(f"is {self._kind()}; write a mapping")
            return
        first: dict[str, int] = {}
        for key_node, value in self.node.value:
            line = int(key_node.start_mark.line) + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.findings.add(line, self.path, "a key must be text; write a plain word")
                continue
            name = str(key_node.value)
            if name in first:
                message = f"is written twice (first on line {first[name]}); keep one"
                self.findings.add(line, (*self.path, name), message)
                continue
            first[name] = line
            yield name, line, Place(value, (*self.path, name), self.findings)

    def items(self) -> Iterator[Place]:
        """The members of a list."""
        if not isinstance(self.node, yaml.SequenceNode):
            self.wrong(f"is {self._kind()}; write a list")
            return
        for index, node in enumerate(self.node.value):
            yield Place(node, (*self.path, index), self.findings)

    def is_mapping(self) -> bool:
        return isinstance(self.node, yaml.MappingNode)

    def is_list(self) -> bool:
        return isinstance(self.node, yaml.SequenceNode)

    def is_nothing(self) -> bool:
        return isinstance(self.node, yaml.ScalarNode) and self.node.tag == _NOTHING

    def _kind(self) -> str:
        if self.is_nothing():
            return "empty"
        return "a mapping" if self.is_mapping() else "a list" if self.is_list() else "a single value"

    # -- single values

    def text(self, longest: int = 2048) -> str:
        """Any single value, as it is written."""
        if not isinstance(self.node, yaml.ScalarNode) or self.is_nothing():
            self.wrong(f"is {self._kind()}; write text")
            return ""
        text = str(self.node.value)
        if len(text) > longest:
            self.wrong(f"is longer than {longest} characters; shorten it")
            return ""
        if not _is_unicode(text):
            self.wrong("holds half a character (a lone surrogate); remove it")
            return ""
        return text

    def whole(self, lowest: int, highest: int) -> int:
        """A whole number within bounds."""
        value = self.value()
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            self.wrong(f"is {shown(value)}; write a whole number from {lowest} to {highest}")
            return lowest
        return value

    def flag(self) -> bool:
        """true or false."""
        value = self.value()
        if not isinstance(value, bool):
            self.wrong(f"is {shown(value)}; write true or false")
        return value is True

    def choice(self, of: type[Choice]) -> Choice:
        """A member of `of`, in any case."""
        written = self.text()
        for member in of:
            if member.value.lower() == written.lower():
                return member
        self.wrong(unknown("value", written, [str(member) for member in of]))
        return next(iter(of))

    def one_of(self, choices: Sequence[str]) -> str:
        """One of a few words."""
        written = self.text()
        if written in choices:
            return written
        self.wrong(unknown("value", written, choices))
        return choices[0]

    def duration(self) -> timedelta:
        """`90s`, `5m`, `1h30m`, `2d`."""
        written = self.text()
        found = read_duration(written)
        if found is None:
            self.wrong(f"{shown(written)} is no duration; write 90s, 5m, 1h30m or 2d")
        return found or timedelta(0)

    def instant(self, start: datetime) -> datetime:
        """An ISO instant with a zone, or an offset from `start` such as `+1h30m`."""
        written = self.text()
        found = _read_instant(written, start)
        if found is not None:
            return found
        self.wrong(f"{shown(written)} is no instant; write 2026-03-02T07:50:00Z, or +1h30m from the start")
        return start

    def bound(self) -> Bound:
        """A count, or a comparison with one such as `<= 8`."""
        written = self.text()
        found = _BOUND.fullmatch(written)
        if found is None:
            self.wrong(f'{shown(written)} is no count; write 3, or a comparison in quotes: "<= 3"')
            return Bound("==", Decimal(0))
        return Bound(found[1] or "==", Decimal(found[2]))

    # -- any value

    def value(self) -> Any:
        """The plain value, whatever it is; numbers as DynamoDB can hold them."""
        try:
            return self._value(0)
        except _TooMuch:
            self.wrong(f"expands to more than {_MOST_VALUES} values or {_DEEPEST} levels; write less")
            return None

    def _value(self, depth: int) -> Any:
        # Aliases expand here, so this is where a billion laughs or a cycle is stopped.
        self.findings.values += 1
        if self.findings.values > _MOST_VALUES or depth > _DEEPEST:
            raise _TooMuch
        if self.is_mapping():
            return {name: place._value(depth + 1) for name, place in self.entries()}
        if self.is_list():
            return [place._value(depth + 1) for place in self.items()]
        if self.node.tag == _STRING:
            # Not `read_node`: a reading from outside may hold control characters, and a scenario may try it.
            return self.text(longest=1_000_000)
        return self._scalar()

    def _scalar(self) -> Any:
        try:
            document = read_node(self.node, self.findings.file, self.path)
        except PipelineInvalid as invalid:
            self.findings.mistakes.extend(invalid.mistakes)
            return None
        self.findings.mistakes.extend(document.mistakes)
        return document.data


class _TooMuch(Exception):
    """A value passes a bound."""


def unknown(what: str, written: str, known: Sequence[str]) -> str:
    """How an unknown word is answered: with the nearest known one, else with all of them."""
    near = closest(written, known)
    advice = f"did you mean {near}?" if near else f"known are {', '.join(known)}"
    return f"unknown {what} {shown(written)}; {advice}"


def read_duration(text: str) -> timedelta | None:
    """The duration, or None when `text` is none."""
    if text == "0":
        return timedelta(0)
    found = _DURATION.fullmatch(text)
    if not text or found is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    total = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return total if total <= _LONGEST else None


def _read_instant(text: str, start: datetime) -> datetime | None:
    try:
        if text.startswith("+"):
            offset = read_duration(text[1:])
            return None if offset is None else start + offset
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

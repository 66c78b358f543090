"""A world as plain data, in the shape of a scenario file: played as it is, and written as people write such files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from interlock.simulation.place import read_duration
from interlock.simulation.scenario import Scenario
from interlock.simulation.scenario_yaml import read_scenario_node

Document = dict[str, Any]  # the sections of a scenario file; JSON can hold it

_TAG = "tag:yaml.org,2002:"
_NOWHERE = yaml.Mark("world", 0, 0, 0, None, 0)
_LONGEST_FLOW = 100  # characters
# Any other text is quoted, so that no reader of YAML takes it for a number, a time or a truth.
_PLAIN = re.compile(
    r"(?!(?i:true|false|null|yes|no|on|off|y|n)\Z)[a-z](?:[a-z0-9_./, '-]*[a-z0-9_])?\Z|(?:[0-9]+[dhms])+\Z",
    re.ASCII | re.IGNORECASE,
)
_UNITS = (
    ("d", timedelta(days=1)),
    ("h", timedelta(hours=1)),
    ("m", timedelta(minutes=1)),
    ("s", timedelta(seconds=1)),
)


def scenario_of(document: Document) -> Scenario:
    """What a file with this document holds; raises `ScenarioInvalid`. Nothing is written and parsed on the way."""
    return read_scenario_node(_node(document), "world", Path())


def _node(value: Any) -> yaml.Node:
    """As PyYAML's composer makes it of the JSON text."""
    match value:
        case dict():
            pairs = [(_node(name), _node(member)) for name, member in value.items()]
            return yaml.MappingNode(_TAG + "map", pairs, _NOWHERE, _NOWHERE, flow_style=True)
        case list():
            members = [_node(member) for member in value]
            return yaml.SequenceNode(_TAG + "seq", members, _NOWHERE, _NOWHERE, flow_style=True)
        case str():
            return yaml.ScalarNode(_TAG + "str", value, _NOWHERE, _NOWHERE, '"')
    kind = "null" if value is None else type(value).__name__
    return yaml.ScalarNode(_TAG + kind, json.dumps(value), _NOWHERE, _NOWHERE)


def with_instants(document: Document) -> Document:
    """The same world, every instant of it absolute: so its start can be moved without moving all else."""
    start = datetime.fromisoformat(document["start"])

    def instant(text: str) -> str:
        if not text.startswith("+"):
            return text
        return instant_text(start + (read_duration(text[1:]) or timedelta(0)))

    return _each_instant(document, instant)


def instant_text(instant: datetime) -> str:
    """In UTC, as people write it."""
    return instant.isoformat().replace("+00:00", "Z")


def with_offsets(document: Document) -> Document:
    """The same world, every instant of it an offset from its start, if it is one of whole seconds."""
    start = datetime.fromisoformat(document["start"])
    return _each_instant(document, lambda text: text if text.startswith("+") else _offset(text, start))


def _each_instant(document: Document, change: Callable[[str], str]) -> Document:
    changed: Document = {"until": change(document["until"])}
    if "timeline" in document:
        changed["timeline"] = [entry | {"at": change(entry["at"])} for entry in document["timeline"]]
    return document | changed


def _offset(instant: str, start: datetime) -> str:
    left = datetime.fromisoformat(instant) - start
    if left.microseconds or left < timedelta(0):
        return instant
    parts: list[str] = []
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        parts += [f"{count}{unit}"] if count else []
    return "+" + ("".join(parts) or "0s")


class _Writer(yaml.SafeDumper):
    """PyYAML's dumper; what fits in a line is written in one."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - PyYAML's own
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's own
        return True


def _written_mapping(writer: _Writer, value: dict[str, Any]) -> yaml.Node:
    whole_file = "scenario" in value
    return writer.represent_mapping(_TAG + "map", value.items(), flow_style=not whole_file and _fits(value))


def _written_list(writer: _Writer, value: list[Any]) -> yaml.Node:
    return writer.represent_sequence(_TAG + "seq", value, flow_style=_fits(value))


def _written_text(writer: _Writer, value: str) -> yaml.Node:
    return writer.represent_scalar(_TAG + "str", value, style=None if _PLAIN.match(value) else '"')


def _fits(value: Any) -> bool:
    return len(json.dumps(value, ensure_ascii=False)) <= _LONGEST_FLOW


_Writer.add_representer(dict, _written_mapping)
_Writer.add_representer(list, _written_list)
_Writer.add_representer(str, _written_text)


def written(document: Document) -> str:
    """The scenario file."""
    return str(yaml.dump(document, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=10_000))

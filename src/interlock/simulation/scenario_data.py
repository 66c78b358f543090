"""A scenario from plain data instead of text: read by the same strict readers, without the slow scanning of YAML."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from interlock.simulation.scenario import Scenario
from interlock.simulation.scenario_yaml import read_scenario_node

_TAG = "tag:yaml.org,2002:"
_MARK = yaml.Mark("", 0, 0, 0, None, 0)  # everything stands on the first line


def scenario_of(document: Mapping[str, Any], name: str) -> Scenario:
    """The scenario that the JSON text of `document` holds; raises `ScenarioInvalid`. Mistakes call it `name`."""
    return read_scenario_node(_node(document), name, Path())


def _node(value: Any) -> yaml.Node:
    """What PyYAML's composer makes of the JSON text of `value`."""
    match value:
        case Mapping():
            pairs = [(_text(str(key)), _node(member)) for key, member in value.items()]
            return yaml.MappingNode(_TAG + "map", pairs, _MARK, _MARK, flow_style=True)
        case list() | tuple():
            return yaml.SequenceNode(_TAG + "seq", list(map(_node, value)), _MARK, _MARK, flow_style=True)
        case str():
            return _text(value)
    kind = "null" if value is None else type(value).__name__  # bool, int, float
    return yaml.ScalarNode(_TAG + kind, json.dumps(value), _MARK, _MARK)


def _text(text: str) -> yaml.ScalarNode:
    return yaml.ScalarNode(_TAG + "str", text, _MARK, _MARK, style='"')

"""Enough of JSON Schema 2020-12 to hold files against ours; a keyword it does not know is a `KeyError`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

_TYPES = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}
_SAYS_NOTHING = {"$schema", "$defs", "title", "description", "default", "examples", "then"}
Check = Callable[[Any, Any, dict[str, Any], dict[str, Any]], bool]


def violations(value: Any, root: dict[str, Any]) -> list[str]:
    """The keywords that `value` breaks, with the path to where."""
    return list(_each(value, root, root, ""))


def _each(value: Any, schema: dict[str, Any], root: dict[str, Any], path: str) -> Iterator[str]:
    for keyword, wanted in schema.items():
        if keyword not in _SAYS_NOTHING and not _CHECKS[keyword](value, wanted, schema, root):
            yield f"{path}: {keyword}"
    if isinstance(value, dict):
        for key, inner in schema.get("properties", {}).items():
            if key in value:
                yield from _each(value[key], inner, root, f"{path}.{key}")
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from _each(item, schema["items"], root, f"{path}[{index}]")


def _fits(value: Any, schema: Any, root: dict[str, Any]) -> bool:
    return not any(_each(value, schema, root, ""))


def _has_type(value: Any, wanted: Any) -> bool:
    names = [wanted] if isinstance(wanted, str) else wanted
    return any(
        isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool))  # type: ignore[arg-type]
        for name in names
    )


def _known(value: Any, wanted: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    if wanted is False and isinstance(value, dict):
        return set(value) <= set(schema.get("properties", {}))
    return not isinstance(wanted, dict) or all(_fits(item, wanted, root) for item in value.values())


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_CHECKS: dict[str, Check] = {
    "type": lambda value, wanted, *_: _has_type(value, wanted),
    "enum": lambda value, wanted, *_: value in wanted,
    "const": lambda value, wanted, *_: value == wanted,
    "pattern": lambda value, wanted, *_: not isinstance(value, str) or bool(re.search(wanted, value)),
    "minLength": lambda value, wanted, *_: not isinstance(value, str) or len(value) >= wanted,
    "maxLength": lambda value, wanted, *_: not isinstance(value, str) or len(value) <= wanted,
    "minItems": lambda value, wanted, *_: not isinstance(value, list) or len(value) >= wanted,
    "maxItems": lambda value, wanted, *_: not isinstance(value, list) or len(value) <= wanted,
    "minProperties": lambda value, wanted, *_: not isinstance(value, dict) or len(value) >= wanted,
    "minimum": lambda value, wanted, *_: not _number(value) or value >= wanted,
    "maximum": lambda value, wanted, *_: not _number(value) or value <= wanted,
    "required": lambda value, wanted, *_: not isinstance(value, dict) or set(wanted) <= set(value),
    "additionalProperties": _known,
    "properties": lambda *_: True,  # walked into above
    "items": lambda *_: True,
    "$ref": lambda value, wanted, _, root: _fits(value, root["$defs"][wanted.rpartition("/")[2]], root),
    "allOf": lambda value, wanted, _, root: all(_fits(value, one, root) for one in wanted),
    "anyOf": lambda value, wanted, _, root: any(_fits(value, one, root) for one in wanted),
    "oneOf": lambda value, wanted, _, root: sum(_fits(value, one, root) for one in wanted) == 1,
    "if": lambda value, wanted, schema, root: (
        not _fits(value, wanted, root) or _fits(value, schema["then"], root)
    ),
}

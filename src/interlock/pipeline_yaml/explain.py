"""What pydantic found wrong, in the words and with the path of the person who wrote the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from interlock.pipeline_yaml.mistake import YamlPath, closest, shown
from interlock.pipeline_yaml.rules import MODEL_OF_TAG
from interlock.pipeline_yaml.scalars import WORDS_FOR_PATTERN

_Location = tuple[str | int, ...]
_GROUP_KEYS = ("all", "any", "atLeast", "of", "not", "pipeline")
_YAML_1_1_TRUTH = {"yes": "true", "on": "true", "no": "false", "off": "false"}


def explain(error: ValidationError, model: type[BaseModel]) -> Iterator[tuple[YamlPath, str]]:
    """Path and message of everything in `error`, which validating `model` raised."""
    found = error.errors(include_url=False)
    misspelt = [one for one in found if one["type"] == "extra_forbidden"]
    unknown = {_path(one): _Unknown(one["loc"], model) for one in misspelt}
    # A misspelt key is one mistake, not also a missing one.
    excused = {(*path[:-1], key.meant) for path, key in unknown.items()}
    groups = {path[:-1] for path, key in unknown.items() if key.meant in _GROUP_KEYS}
    for one in found:
        path = _path(one)
        if one["type"] == "extra_forbidden":
            yield path, unknown[path].message
        elif not (one["type"] == "missing" and (path in excused or path[:-1] in groups)):
            yield path, _message(one)


class _Unknown:
    """A key that its section does not have."""

    def __init__(self, location: _Location, root: type[BaseModel]) -> None:
        key = str(location[-1])
        section = _model_at(root, location)
        self.homes = [name for name in _keys(root) if key in _keys(_section(root, name))]
        self.known = _keys(section)
        choices = (*self.known, *(_GROUP_KEYS if section is MODEL_OF_TAG["<rule>"] else ()))
        self.meant = closest(key, choices)

    @property
    def message(self) -> str:
        if self.homes:
            return f'unknown key here; it belongs under "{self.homes[0]}"'
        if self.meant:
            return f'unknown key; did you mean "{self.meant}"?'
        return f"unknown key; remove it (known: {', '.join(self.known)})"


def _path(error: ErrorDetails) -> YamlPath:
    *around, last = error["loc"]
    named = [part for part in around if part not in MODEL_OF_TAG]
    is_tag = last in MODEL_OF_TAG and error["type"] != "extra_forbidden"  # a user's key may look like one
    return tuple(named) if is_tag else (*named, last)


def _model_at(root: type[BaseModel], location: _Location) -> type[BaseModel] | None:
    model: type[BaseModel] | None = root
    for part in location[:-1]:
        model = MODEL_OF_TAG.get(part) or (_section(model, part) if model else None)
    return model


def _section(model: type[BaseModel], key: str | int) -> type[BaseModel] | None:
    for field in model.model_fields.values():
        if field.alias == key:
            kinds = get_args(field.annotation) or (field.annotation,)
            return next(
                (kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None
            )
    return None


def _keys(model: type[BaseModel] | None) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _message(error: ErrorDetails) -> str:
    given, context = error["input"], error.get("ctx", {})
    write = _MESSAGES.get(error["type"])
    return write(given, context) if write else f"{error['msg'].lower()}; correct it"


def _text(given: Any, _: Mapping[str, Any]) -> str:
    is_scalar = isinstance(given, bool | int | float)
    hint = "put it in quotes" if is_scalar else "write one text"
    return f"must be text, not {shown(given)}; {hint}"


def _boolean(given: Any, _: Mapping[str, Any]) -> str:
    wanted = _YAML_1_1_TRUTH.get(str(given).lower(), "true or false")
    return f"must be true or false, not {shown(given)}; write {wanted}"


def _pattern(given: Any, context: Mapping[str, Any]) -> str:
    return (
        f"{WORDS_FOR_PATTERN.get(context['pattern'], 'does not look as it should')}; {shown(given)} does not"
    )


# https://docs.pydantic.dev/latest/errors/validation_errors/
_MESSAGES: Mapping[str, Callable[[Any, Mapping[str, Any]], str]] = {
    "value_error": lambda _, context: str(context["error"]),
    "missing": lambda *_: "is required; add it",
    "string_type": _text,
    "string_pattern_mismatch": _pattern,
    "string_too_short": lambda *_: "is empty; write one or remove the key",
    "string_too_long": lambda _, context: f"is longer than {context['max_length']} characters; shorten it",
    "int_type": lambda given, _: f"must be a whole number, not {shown(given)}; write digits without quotes",
    "bool_type": _boolean,
    "greater_than_equal": lambda given, context: (
        f"must be {context['ge']} or more, not {shown(given)}; raise it"
    ),
    "less_than_equal": lambda given, context: (
        f"must be {context['le']} or less, not {shown(given)}; lower it"
    ),
    "list_type": lambda given, _: (
        f"must be a list, not {shown(given)}; write [first, second] or lines with a dash"
    ),
    "too_long": lambda _, context: f"has more than {context['max_length']} entries; shorten it",
    "too_short": lambda *_: "is empty; write at least one entry",
    "dict_type": lambda given, _: f"must be a mapping, not {shown(given)}; write key: value lines",
    "model_type": lambda given, _: f"must be a mapping, not {shown(given)}; write key: value lines",
    "literal_error": lambda given, context: (
        f"{shown(given)} is not known here; use {context['expected'].replace(chr(39), '')}"
    ),
}

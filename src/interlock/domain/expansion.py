"""`${...}` in a job's config becomes text, just before the job starts: the run's period, secrets, INTERLOCK_ variables.

What a placeholder expands to is never looked at again: a secret that contains `${X}` stays as it is. `$${` is a `${`
that is meant literally.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from interlock.domain.plain_text import one_line
from interlock.domain.run import RunKey

_PLACEHOLDER = re.compile(r"(?P<literal>\$\$\{)|\$\{(?P<name>[^}]*)(?P<closed>\}|\Z)")
_SECRET, _VARIABLE = "secret:", "INTERLOCK_"
_DEEPEST = 64  # levels of nesting; a config that a person writes has less than ten
_SHORTEST_HIDDEN = 4  # hiding every `a` would leave no message


class ExpansionError(ValueError):
    """A placeholder that stands for nothing; the message names its place in the config, never a secret's value."""


def job_values(key: RunKey, attempt: int, run_id: str) -> dict[str, str]:
    """What a job is told about its period; HOUR and PAR_HOUR are empty for a daily run."""
    date, hour = key.date[:10], key.date[11:13]
    return {
        "DATE": date,
        "HOUR": hour,
        "PAR_DAY": date.replace("-", ""),
        "PAR_HOUR": hour,
        "PIPELINE": key.pipeline_id,
        "ATTEMPT": str(attempt),
        "RUN_ID": run_id,
    }


def expand(
    config: Mapping[str, Any],
    values: Mapping[str, str],
    secret: Callable[[str], str],
    variable: Callable[[str], str | None],
) -> dict[str, Any]:
    """The config with every text in it expanded; raises `ExpansionError`, and whatever `secret` raises.

    `${NAME}` is one of `values`, `${secret:NAME}` asks `secret` (once for each name), `${INTERLOCK_X}` asks `variable`.
    Keys are names, not texts: a placeholder in one is an error.
    """
    sources = _Sources(values, cache(secret), variable)
    return {key: _expanded(item, _member("job.config", key), 1, sources) for key, item in config.items()}


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """The text with each secret in it replaced by `***`: a service's error may quote what it was sent."""
    shapes = {shape for secret in secrets for shape in _as_quoted(secret) if len(shape) >= _SHORTEST_HIDDEN}
    for shape in sorted(shapes, key=len, reverse=True):
        text = _without_beginning(text.replace(shape, "***"), shape)
    return text


def _as_quoted(secret: str) -> tuple[str, ...]:
    """As it is, in JSON, and with its lines joined, as our own errors have it."""
    return secret, json.dumps(secret)[1:-1], " ".join(secret.split())


def _without_beginning(text: str, secret: str) -> str:
    """A text that was cut short may end in the middle of a secret."""
    first, end = secret[:_SHORTEST_HIDDEN], len(text.rstrip("…"))
    start = text.find(first, max(0, end - len(secret) + 1), end)
    while start >= 0:
        if secret.startswith(text[start:end]):
            return f"{text[:start]}***{text[end:]}"
        start = text.find(first, start + 1, end)
    return text


@dataclass(frozen=True, slots=True)
class _Sources:
    values: Mapping[str, str]
    secret: Callable[[str], str]
    variable: Callable[[str], str | None]

    def text_for(self, name: str, path: str) -> str:
        if name in self.values:
            return self.values[name]
        if name.startswith(_SECRET) and len(name) > len(_SECRET):
            return self.secret(name.removeprefix(_SECRET))
        if name.startswith(_VARIABLE):
            found = self.variable(name)
            if found is None:
                raise ExpansionError(f"{path}: ${{{_short(name)}}} is not set in the function's environment")
            return found
        known = " ".join(f"${{{known}}}" for known in self.values)
        raise ExpansionError(
            f"{path}: ${{{_short(name)}}} stands for nothing; there are {known} ${{secret:NAME}} ${{INTERLOCK_X}}"
        )


def _expanded(item: Any, path: str, depth: int, sources: _Sources) -> Any:
    if depth > _DEEPEST:
        raise ExpansionError(f"{path[:100]}…: nested deeper than {_DEEPEST} levels")
    match item:
        case str():
            return _expanded_text(item, path, sources)
        case Mapping():
            return {
                key: _expanded(member, _member(path, key), depth + 1, sources) for key, member in item.items()
            }
        case list() | tuple():
            return [
                _expanded(member, f"{path}[{index}]", depth + 1, sources) for index, member in enumerate(item)
            ]
    return item


def _expanded_text(text: str, path: str, sources: _Sources) -> str:
    def replacement(match: re.Match[str]) -> str:
        if match["literal"]:
            return "${"
        if not match["closed"]:
            raise ExpansionError(
                f'{path}: "${{{_short(match["name"])}" is never closed; add "}}", or write $${{'
            )
        return sources.text_for(match["name"], path)

    return _PLACEHOLDER.sub(replacement, text)


def _member(path: str, key: Any) -> str:
    if isinstance(key, str) and "${" in key:
        raise ExpansionError(f"{path}: the key {_short(key)} has a placeholder; only values are expanded")
    return f"{path}.{one_line(str(key), 80)}"


def _short(text: str) -> str:
    return one_line(text, 60)

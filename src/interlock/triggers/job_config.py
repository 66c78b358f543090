"""Reads `job.config`, which is expanded by now, for the adapters; and tells a job its period where the config does not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from interlock.ports import JobRequest, TriggerError


def required_text(config: Mapping[str, Any], key: str) -> str:
    """A text that the adapter cannot do without."""
    value = config.get(key)
    if not isinstance(value, str) or not value:
        raise TriggerError(f"job.config.{key} must be a text", permanent=True)
    return value


def optional_mapping(config: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A mapping, empty when there is none."""
    value = config.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TriggerError(f"job.config.{key} must be a mapping", permanent=True)
    return value


def text_or_json(request: JobRequest, key: str) -> str:
    """A text as it is written, a mapping as JSON, and without either the period as JSON."""
    value = request.config.get(key)
    if value is not None and not isinstance(value, str | Mapping):
        raise TriggerError(f"job.config.{key} must be a text or a mapping", permanent=True)
    try:
        if isinstance(value, str):
            value.encode()  # half a surrogate pair is nothing that could be sent
            return value
        return json.dumps(period(request) if value is None else value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise TriggerError(f"job.config.{key} holds something that cannot be sent", permanent=True) from None


def period(request: JobRequest) -> dict[str, Any]:
    """What a job needs to know to work on the right slice of data."""
    values = request.values
    return {
        "pipeline": values["PIPELINE"],
        "date": values["DATE"],
        "hour": values["HOUR"],
        "par_day": values["PAR_DAY"],
        "par_hour": values["PAR_HOUR"],
        "attempt": request.attempt,
        "run_id": request.run_id,
    }


def scalar_text(value: Any) -> str:
    """A YAML scalar the way people write it: `true`, `7`; anything else as JSON."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise TriggerError(
            "job.config holds something that cannot be written as text", permanent=True
        ) from None

"""The JSON Schema of every event on the bus, for those who consume them: from the fields that `domain` documents."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from interlock.domain.event import EventType, Severity, severity_of
from interlock.domain.event_fields import EVENTS, VERDICT_FIELDS, Field, Kind

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_INSTANT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"
_VALUES: dict[Kind, dict[str, Any]] = {
    Kind.TEXT: {"type": "string"},
    Kind.INSTANT: {"type": "string", "pattern": _INSTANT},
    Kind.WHOLE: {"type": "integer"},
    Kind.NUMBER: {"type": "number"},
    Kind.FIGURE: {"type": ["number", "string"]},
    Kind.FLAG: {"type": "boolean"},
    Kind.TEXTS: {"type": "array", "items": {"type": "string"}},
    Kind.VERDICTS: {"type": "array", "items": {"$ref": "#/$defs/verdict"}},
    Kind.MAPPING: {"type": "object"},
    Kind.ANY: {},
}
ENVELOPE: dict[str, Any] = {
    "eventId": {"type": "string", "description": "The same whenever the event is delivered again."},
    "type": {"enum": [str(event_type) for event_type in EventType], "description": "Also the detail-type."},
    "pipelineId": {
        "type": ["string", "null"],
        "description": "Null when the event belongs to no pipeline.",
    },
    "scheduleId": {
        "enum": ["cron", "stream", None],
        "description": "Of the run or date that the event is about; null when it is about none.",
    },
    "date": {"type": ["string", "null"], "description": "The execution date; null when there is none."},
    "attempt": {"type": ["integer", "null"], "minimum": 1, "description": "From 1; null outside a run."},
    "message": {"type": "string", "description": "One sentence for people."},
    "timestamp": {"type": "string", "pattern": _INSTANT, "description": "Of the change that it tells of."},
    "severity": {"enum": [str(severity) for severity in Severity]},
    "detail": {"type": "object", "description": "By type."},
}
# An event that would be larger than EventBridge takes is cut down (`aws/event_bus.py`): then fields may be missing.
_CUT: dict[str, Any] = {
    "leftOut": {
        "type": "array",
        "items": {"type": "string"},
        "description": "Names of fields that were too large.",
    },
    "leftOutBecause": {"type": "string"},
}


def event_schema() -> dict[str, Any]:
    """The schema of the `detail` of one EventBridge event of ours."""
    branches = [
        {
            "if": {"properties": {"type": {"const": str(event_type)}}},
            "then": {
                "properties": {
                    "severity": {"const": str(severity_of(event_type))},
                    "detail": {"$ref": f"#/$defs/{event_type}"},
                }
            },
        }
        for event_type in EVENTS
    ]
    return {
        "$schema": _DIALECT,
        "title": "Interlock event",
        "description": "The `detail` of an event on the bus `<environment>-interlock-events`, source `interlock`.",
        "type": "object",
        "properties": ENVELOPE,
        "required": list(ENVELOPE),
        "additionalProperties": False,
        "allOf": branches,
        "$defs": {
            "verdict": _object(VERDICT_FIELDS),
            **{str(event_type): _detail(event_type) for event_type in EVENTS},
        },
    }


def schema_text() -> str:
    """The schema as it stands in `docs/events.schema.json`."""
    return json.dumps(event_schema(), indent=2, ensure_ascii=False) + "\n"


def _detail(event_type: EventType) -> dict[str, Any]:
    whole = _object(EVENTS[event_type].fields)
    required = whole.pop("required")
    whole = {"description": EVENTS[event_type].when, **whole}
    whole["properties"] = whole["properties"] | _CUT
    return whole | {"anyOf": [{"required": required}, {"required": list(_CUT)}]}


def _object(fields: Iterable[Field]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {field.name: _value(field) for field in fields},
        "required": [field.name for field in fields if field.always],
        "additionalProperties": False,
    }


def _value(field: Field) -> dict[str, Any]:
    value = _VALUES[field.kind] | ({"enum": list(field.values)} if field.values else {})
    value |= {"type": [value["type"], "null"]} if field.or_null else {}
    return {**value, "description": field.meaning}

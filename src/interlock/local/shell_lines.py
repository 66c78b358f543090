"""Lines to copy into a shell: how to write sensors, ask for a rerun and read events."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeSerializer

from interlock.aws import keys
from interlock.aws.attribute_value import as_stored
from interlock.domain.pipeline import AllOf, AnyOf, AtLeast, Check, Pipeline, Rule, RuleNode
from interlock.domain.schedule import current_date

Readings = Mapping[str, Mapping[str, Any]]  # of each sensor


def holding_readings(pipeline: Pipeline, now: datetime) -> dict[str, dict[str, Any]]:
    """Readings of which the first opens a run of the pipeline, and the last makes its rules hold.

    What must not be is left unwritten.
    """
    trigger = pipeline.schedule.trigger
    rules = [*([trigger.rule] if trigger else []), *_leaves(pipeline.validation.rule)]
    readings: dict[str, dict[str, Any]] = {}
    for rule in rules:
        reading = readings.setdefault(rule.key, {})
        reading |= _field_that_holds(rule, now)
    return readings


def _leaves(node: RuleNode) -> Iterator[Rule]:
    match node:
        case Rule():
            yield node
        case AllOf(rules=rules):
            yield from (leaf for rule in rules for leaf in _leaves(rule))
        case AnyOf(rules=rules):
            yield from (leaf for rule in rules[:1] for leaf in _leaves(rule))
        case AtLeast(count=count, rules=rules):
            yield from (leaf for rule in rules[:count] for leaf in _leaves(rule))


def _field_that_holds(rule: Rule, now: datetime) -> dict[str, Any]:
    value: Any = rule.value
    match rule.check:
        case Check.EXISTS:
            return {rule.field: "there"} if rule.field else {}
        case Check.AGE_LT:
            value = now.isoformat(timespec="seconds")
        case Check.AGE_GT:
            value = (now - value - timedelta(minutes=1)).isoformat(timespec="seconds")
        case Check.GT | Check.LT:
            value = Decimal(str(value)) + (1 if rule.check is Check.GT else -1)
        case Check.IN:
            value = value[0]
        case Check.NOT_EQUALS:
            value = f"not {value}"
    return {rule.field or "updatedAt": value}


def put_sensor(table: str, pipeline_id: str, key: str, data: Mapping[str, Any]) -> str:
    """One line: a reading, as an upstream job would write it."""
    partition, sort = keys.sensor_key(pipeline_id, key)
    return _put_item(table, {"PK": partition, "SK": sort, "data": dict(data)})


def rerun_today(pipeline: Pipeline, now: datetime) -> str:
    """One line: run today's date again, although no sensor was updated since."""
    date = current_date(pipeline, now)
    return shlex.join(["interlock", "rerun", pipeline.id, date, "--force", "--wait"])


def read_events(table: str, pipeline_id: str) -> str:
    """One line: what was said of the pipeline, oldest first."""
    return _aws(
        "query",
        table,
        "--key-condition-expression",
        "PK = :p",
        "--expression-attribute-values",
        _json({":p": {"S": keys.partition(pipeline_id)}}),
        "--query",
        "Items[?eventType].[timestamp.S, eventType.S, message.S]",
        "--output",
        "table",
    )


def _put_item(table: str, item: Mapping[str, Any]) -> str:
    wire = {name: TypeSerializer().serialize(as_stored(value)) for name, value in item.items()}
    return _aws("put-item", table, "--item", _json(wire))


def _aws(operation: str, table: str, *arguments: str) -> str:
    return shlex.join(["aws", "dynamodb", operation, "--table-name", table, *arguments])


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))

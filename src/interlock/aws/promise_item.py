"""The `DUE#` row of a promise and the `BASELINE#` row, and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from interlock.aws import keys
from interlock.aws.run_item import (
    RUN_KEPT,
    RowInvalid,
    announcement_item,
    instant_text,
    parse_instant_text,
    plain,
    read_announcement,
    storable,
    whole_number,
)
from interlock.aws.table import Item
from interlock.domain.baseline import Baseline
from interlock.domain.promise import Promise
from interlock.domain.run import RunKey

_SETTLED_KEPT = timedelta(days=30)  # longer than anything that might ask for the same promise again


def epoch_ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def promise_item(promise: Promise, now: datetime) -> Item:
    """The whole row. A settled one is in no index, and goes in time."""
    partition, sort = keys.promise_key(promise.kind, promise.key)
    item: Item = {
        "PK": partition,
        "SK": sort,
        "createdAt": instant_text(promise.created_at),
        "version": promise.version,
        "scheduleId": promise.key.schedule_id,
        "date": promise.key.date,
    }
    if promise.due_at is not None:
        item |= {
            "dueShard": keys.due_partition(keys.due_shard(promise.key)),
            "dueAt": epoch_ms(promise.due_at),
        }
    else:
        item["ttl"] = int((now + _SETTLED_KEPT).timestamp())
    if promise.since is not None:
        item["since"] = instant_text(promise.since)
    if promise.warned:
        item["warned"] = True
    if promise.verdict is not None:
        item["verdict"] = promise.verdict
    if promise.events:
        item["events"] = [announcement_item(event) for event in promise.events]
    return item


def read_promise(item: Mapping[str, Any]) -> Promise:
    """`RowInvalid` when it is not one of ours."""
    try:
        kind, key = keys.parse_promise_key(item["PK"], item["SK"])
        since, verdict = item.get("since"), item.get("verdict")
        created_at = parse_instant_text(item["createdAt"])
        if instant_text(created_at) != item["createdAt"]:
            raise ValueError("createdAt is not as we write it")  # each change would be lost, to nobody
        # One that was put off is looked at later, but was promised for then.
        due_at = item.get("promisedFor", item.get("dueAt"))
        return Promise(
            kind=kind,
            key=key,
            due_at=None if due_at is None else datetime.fromtimestamp(float(due_at) / 1000, UTC),
            created_at=created_at,
            version=whole_number(item["version"]),
            since=parse_instant_text(since) if since else None,
            warned=item.get("warned") is True,
            verdict=None if verdict is None else str(verdict),
            events=tuple(read_announcement(event) for event in item.get("events", ())),
        )
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, OSError) as error:
        raise RowInvalid(f"{str(item.get('SK'))[:200]!r} is no promise: {str(error)[:200]}") from error


def baseline_item(baseline: Baseline) -> Item:
    partition, sort = keys.baseline_key(baseline.key)
    return {
        "PK": partition,
        "SK": sort,
        "attempt": baseline.attempt,
        "capturedAt": instant_text(baseline.captured_at),
        "sensors": storable(baseline.sensors),
        "ttl": int((baseline.captured_at + RUN_KEPT).timestamp()),
    }


def read_baseline(item: Mapping[str, Any], baseline_of: RunKey) -> Baseline:
    """`RowInvalid` when it is not one of ours."""
    try:
        sensors = {str(name): dict(fields) for name, fields in plain(item["sensors"]).items()}
        return Baseline(baseline_of, int(item["attempt"]), parse_instant_text(item["capturedAt"]), sensors)
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise RowInvalid(f"{str(item.get('SK'))[:200]!r} is no baseline: {str(error)[:200]}") from error

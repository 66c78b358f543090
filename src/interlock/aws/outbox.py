"""The row is the outbox: what a row's new image announces, as events with ids that a redelivery repeats."""

from __future__ import annotations

import logging
from typing import Any

from interlock.aws import keys
from interlock.aws.run_item import RowInvalid, parse_instant_text, read_announcement
from interlock.domain.change import Change, Image
from interlock.domain.event import Event, event_id, severity_of

log = logging.getLogger(__name__)

_LONGEST_NAME = 2048  # of a partition key


def events_of(change: Change) -> list[Event]:
    """The events that this change of a row means: none unless its `version` differs from the old image's."""
    new = change.new
    if not new or (change.old or {}).get("version") == new.get("version"):
        return []
    return _events_of(change.partition_key, change.sort_key, new)


def readable_events(row: Image) -> list[Event]:
    """The events of a row as it stands, those of its last change; none of one that somebody wrote over."""
    try:
        return _events_of(str(row["PK"]), str(row["SK"]), row)
    except RowInvalid as error:
        log.warning("events unreadable", extra={"sort_key": row["SK"], "problem": str(error)[:200]})
        return []


def _events_of(partition_key: str, sort_key: str, new: Image) -> list[Event]:
    parsed = keys.parse_key(partition_key, sort_key)
    if not new.get("events") or parsed is None:
        return []
    pipeline_id = None if parsed.pipeline_id == "-" else parsed.pipeline_id
    schedule_id, date = new.get("scheduleId"), new.get("date")
    if parsed.kind is keys.RowKind.RUN:
        schedule_id, _, date = parsed.rest.partition("#")
    pipeline_id = new.get("pipelineId", pipeline_id)
    try:
        if not all(map(_names_something, (pipeline_id, schedule_id, date))):
            raise TypeError("pipelineId, scheduleId or date is no name")
        created_at, version = parse_instant_text(new["createdAt"]), int(new["version"])
        announcements = [read_announcement(item) for item in new["events"]]
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise RowInvalid(f"{sort_key[:200]!r} announces something unreadable: {str(error)[:200]}") from error
    return [
        Event(
            event_id=event_id(partition_key, sort_key, created_at, version, index),
            type=announcement.type,
            pipeline_id=pipeline_id,
            schedule_id=schedule_id,
            date=date,
            attempt=announcement.attempt,
            message=announcement.message,
            at=announcement.at,
            severity=severity_of(announcement.type),
            detail=announcement.detail,
        )
        for index, announcement in enumerate(announcements)
    ]


def _names_something(part: Any) -> bool:
    return part is None or (isinstance(part, str) and len(part) <= _LONGEST_NAME)

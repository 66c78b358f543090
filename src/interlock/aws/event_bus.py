"""`EventBus` on EventBridge, and the event's form on it: the detail that every consumer reads."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from interlock.aws.errors import calling
from interlock.domain.event import Event, EventType, Severity
from interlock.ports import CallFailed

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

SOURCE = "interlock"
_CALL = "events.PutEvents"
# A request holds less than 256 KB of entries, and so does a message of the queue and an invocation that an event
# becomes, with the envelope around it.
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html
_LARGEST_DETAIL = 240 * 1024
_LARGEST_REQUEST = 250 * 1024
_MOST_ENTRIES = 10  # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
_LONGEST_MESSAGE = 4096  # of an event that must be cut down anyway
_LEFT_OUT_SHOWN = 20


class EventBridgeBus:
    """The bus that stream-router publishes on."""

    def __init__(self, client: EventBridgeClient, bus_name: str) -> None:
        self._client, self._bus_name = client, bus_name

    def publish(self, events: Sequence[Event]) -> None:
        """One call, or a few if they are too large or too many for one. Repeated, an event keeps its id."""
        for entries in _requests([self._entry(event) for event in events]):
            with calling(_CALL):
                answer = self._client.put_events(Entries=entries)
            if answer["FailedEntryCount"]:
                refused = next(entry for entry in answer["Entries"] if "ErrorCode" in entry)
                raise CallFailed(_CALL, refused["ErrorCode"], refused.get("ErrorMessage", ""))

    def _entry(self, event: Event) -> dict[str, Any]:
        return {
            "EventBusName": self._bus_name,
            "Source": SOURCE,
            "DetailType": str(event.type),
            "Time": event.at,
            "Detail": detail_text(event),
        }


def event_from_detail(detail: Mapping[str, Any]) -> Event:
    """The event that a consumer was given. `ValueError` for a detail that is not one of ours."""
    try:
        attempt = detail.get("attempt")
        return Event(
            event_id=str(detail["eventId"]),
            type=EventType(detail["type"]),
            pipeline_id=detail.get("pipelineId"),
            schedule_id=detail.get("scheduleId"),
            date=detail.get("date"),
            attempt=None if attempt is None else int(attempt),
            message=str(detail["message"]),
            at=datetime.fromisoformat(detail["timestamp"]).astimezone(UTC),
            severity=Severity(detail["severity"]),
            detail=dict(detail.get("detail") or {}),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ValueError(f"not an event of ours: {type(error).__name__} {str(error)[:300]}") from error


def detail_text(event: Event) -> str:
    """The event as the bus carries it, cut down if it would be larger than EventBridge takes."""
    text = _json(_detail(event, event.message, event.detail))
    if len(text) <= _LARGEST_DETAIL:
        return text
    message = event.message[:_LONGEST_MESSAGE]
    room = _LARGEST_DETAIL - len(_json(_detail(event, message, {}))) - 8 * 1024  # for the note
    return _json(_detail(event, message, _cut_down(event.detail, room)))


def _detail(event: Event, message: str, detail: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "eventId": event.event_id,
        "type": event.type,
        "pipelineId": event.pipeline_id,
        "scheduleId": event.schedule_id,
        "date": event.date,
        "attempt": event.attempt,
        "message": message,
        "timestamp": event.at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "severity": event.severity,
        "detail": detail,
    }


def _cut_down(detail: Mapping[str, Any], room: int) -> dict[str, Any]:
    """The small fields; of those without room the names, and why they are missing."""
    kept: dict[str, Any] = {}
    left_out: list[str] = []
    for size, name in sorted((len(_json({name: value})), name) for name, value in detail.items()):
        room -= size
        if room >= 0:
            kept[name] = detail[name]
        else:
            left_out.append(name[:100])
    shown = sorted(left_out)[:_LEFT_OUT_SHOWN]
    return kept | {
        "leftOut": shown,
        "leftOutBecause": f"{len(left_out)} fields made the event larger than 240 KB",
    }


def _requests(entries: list[dict[str, Any]]) -> Iterator[list[Any]]:
    request: list[Any] = []
    size = 0
    for entry in entries:
        entry_size = len(entry["Detail"]) + len(entry["DetailType"]) + len(SOURCE) + 14  # 14 bytes of time
        if request and (size + entry_size > _LARGEST_REQUEST or len(request) == _MOST_ENTRIES):
            yield request
            request, size = [], 0
        request.append(entry)
        size += entry_size
    if request:
        yield request


def _json(value: Any) -> str:
    """ASCII, so that its length is its size."""
    return json.dumps(value, default=_plain, separators=(",", ":"))


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case set() | frozenset():
            return sorted(value)
    return str(value)

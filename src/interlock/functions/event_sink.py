"""event-sink: one event from the bus, stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.aws.event_bus import event_from_detail
from interlock.ports import EventStore
from interlock.steps.record_event import record_event


def event_sink(event: Mapping[str, Any], store: EventStore) -> dict[str, Any]:
    """What cannot be stored raises: Lambda tries again, then hands it to the dead-letter queue."""
    record_event(event_from_detail(event.get("detail") or {}), store)
    return {}

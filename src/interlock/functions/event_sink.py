"""event-sink: one event, stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.aws.delivered_event import delivered_event
from interlock.ports import EventStore
from interlock.steps.record_event import record_event


def event_sink(event: Mapping[str, Any], store: EventStore) -> dict[str, Any]:
    """What cannot be stored raises: Lambda tries again, then hands it to the dead-letter queue."""
    record_event(delivered_event(event), store)
    return {}

"""The fields that every log line about an event carries."""

from __future__ import annotations

from typing import Any

from interlock.domain.event import Event


def event_fields(event: Event, **more: Any) -> dict[str, Any]:
    """For `extra=`: which event, of which run."""
    return {
        "event_type": str(event.type),
        "event_id": event.event_id,
        "pipeline": event.pipeline_id,
        "schedule": event.schedule_id,
        "date": event.date,
        "attempt": event.attempt,
    } | more

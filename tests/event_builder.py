"""Events with complete defaults: a test names only what matters to it."""

from datetime import UTC, datetime

from interlock.domain.event import Event, EventType, severity_of

AT = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)


def an_event(event_type=EventType.JOB_FAILED, **changes):
    values = {
        "event_id": "3fa9c0d1",
        "type": event_type,
        "pipeline_id": "gold-revenue",
        "schedule_id": "stream",
        "date": "2026-03-02",
        "attempt": 1,
        "message": "attempt 1 failed: Rate exceeded",
        "at": AT,
        "severity": severity_of(event_type),
        "detail": {},
    }
    return Event(**(values | changes))

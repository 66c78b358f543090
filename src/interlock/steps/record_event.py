"""Store an event once, however often the bus delivers it."""

from __future__ import annotations

import logging

from interlock.domain.event import Event
from interlock.ports import EventStore
from interlock.steps.event_log import event_fields

log = logging.getLogger(__name__)


def record_event(event: Event, store: EventStore) -> None:
    """Once for each event id."""
    outcome = "event recorded" if store.record(event) else "event was recorded before"
    log.info(outcome, extra=event_fields(event))

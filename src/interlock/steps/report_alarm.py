"""An alarm on our own infrastructure went off: say so on our bus, for whoever has rules of their own there.

The table and the alert channel do not wait for this: they are told of alarms directly, since it may be our publishing
that one is about.
"""

from __future__ import annotations

import logging

from interlock.domain.event import Event
from interlock.ports import EventBus

log = logging.getLogger(__name__)


def report_alarm(alarm: Event, bus: EventBus) -> None:
    """Once for each delivery, with the id that every other delivery of it has."""
    bus.publish([alarm])
    log.warning(
        "alarm went off", extra={"alarm": alarm.detail["alarmName"], "reason": alarm.detail["reason"]}
    )

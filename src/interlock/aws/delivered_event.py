"""What a rule handed to one of our consumers: an event of ours from the bus, or an alarm straight from CloudWatch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.aws.event_bus import event_from_detail
from interlock.domain.event import Event


def delivered_event(envelope: Mapping[str, Any]) -> Event:
    """`ValueError` for what is neither."""
    if envelope.get("source") == "aws.cloudwatch":
        from interlock.aws.alarm_event import infra_alarm  # few deliveries are alarms

        alarm = infra_alarm(envelope)
        if alarm is None:
            raise ValueError("not an event of ours: no alarm that went off")
        return alarm
    return event_from_detail(envelope.get("detail") or {})

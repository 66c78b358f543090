"""CloudWatch tells on the default bus that an alarm changed its state: which one went off, and which event of ours is that?

Three functions are told of each alarm and read it here, so that none of them depends on another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.domain import announcement
from interlock.domain.alarm import Alarm
from interlock.domain.bad_input import BadInput
from interlock.domain.event import Event, event_id, severity_of
from interlock.domain.plain_text import parse_instant

SOURCE = "aws.cloudwatch"
DETAIL_TYPE = "CloudWatch Alarm State Change"
GONE_OFF = "ALARM"
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
_LONGEST_NAME = 255
_LONGEST_TEXT = 1024
_YEARS = range(2000, 3000)  # in which CloudWatch lives, and calendars can reckon


def infra_alarm(event: Mapping[str, Any]) -> Event | None:
    """Our event of an alarm that went off, with the same id whoever reads it, however often; None and raises as `gone_off`."""
    alarm = gone_off(event)
    if alarm is None:
        return None
    told = announcement.infra_alarm(alarm)
    return Event(
        event_id=event_id(SOURCE, alarm.name, alarm.since, 1, 0),
        type=told.type,
        pipeline_id=None,
        schedule_id=None,
        date=None,
        attempt=None,
        message=told.message,
        at=told.at,
        severity=severity_of(told.type),
        detail=told.detail,
    )


def gone_off(event: Mapping[str, Any]) -> Alarm | None:
    """The alarm that went off; None for other events, and for alarms that are over. `BadInput` for an unreadable one.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
    """
    if (event.get("source"), event.get("detail-type")) != (SOURCE, DETAIL_TYPE):
        return None
    detail = _mapping(event.get("detail"))
    state = _mapping(detail.get("state"))
    if state.get("value") != GONE_OFF:
        return None
    name, since = _text(detail.get("alarmName")), parse_instant(state.get("timestamp"))
    if not name or len(name) > _LONGEST_NAME or since is None or since.year not in _YEARS:
        raise BadInput(f"{DETAIL_TYPE}: alarmName or state.timestamp cannot be read")
    return Alarm(
        name=name,
        since=since,
        reason=_text(state.get("reason")) or "no reason given",
        description=_text(_mapping(detail.get("configuration")).get("description")),
        previous_state=_text(_mapping(detail.get("previousState")).get("value")),
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str | None:
    return value[:_LONGEST_TEXT] if isinstance(value, str) and value else None

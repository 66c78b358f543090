"""An alarm on our own infrastructure went off: say so among our events, so that it reaches whoever reads alerts."""

from __future__ import annotations

import logging

from interlock.domain import announcement
from interlock.domain.alarm import Alarm
from interlock.ports import ControlTable

log = logging.getLogger(__name__)


def report_alarm(alarm: Alarm, control: ControlTable) -> None:
    """Once for each transition, however often EventBridge delivers it: it delivers at least once."""
    told = announcement.infra_alarm(alarm)
    control.notice("-", f"INFRA_ALARM#{alarm.name}", alarm.since.isoformat(), told)
    log.warning("alarm went off", extra={"alarm": alarm.name, "reason": alarm.reason})

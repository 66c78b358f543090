"""CloudWatch watches the watchdog: minutes without its heartbeat set off an alarm, and that is an event on the default bus."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from interlock.simulation.invocations import Handler

ALARM = "simulated-interlock-watchdog-silent"
# A minute's period, five of them, missing data counts as breaching: as deployed.
SILENT_FOR = timedelta(minutes=5)


class WatchdogAlarm:
    """The metric alarm on the watchdog's ticks."""

    def __init__(self, start: datetime, publish: Callable[[Mapping[str, Any]], None]) -> None:
        """`publish` is given the detail of each event that a rule on the state ALARM lets through."""
        self._heard_at, self._publish, self._off = start, publish, False

    def hears(self, watchdog: Handler) -> Handler:
        """The function, whose ticks that end well are data points of its metric."""

        def tick(event: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
            answer = watchdog(event, now)
            if "sweep" not in event:  # a page of the sweep is no tick
                self.heard(now)
            return answer

        return tick

    def heard(self, now: datetime) -> None:
        """A tick has ended well."""
        self._heard_at, self._off = now, False

    def minute_begins(self, now: datetime) -> None:
        """CloudWatch looks at what it has heard."""
        # The minute that begins now may still be heard of.
        if self._off or now - self._heard_at <= SILENT_FOR:
            return
        self._off = True
        minutes = SILENT_FOR // timedelta(minutes=1)
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
        self._publish(
            {
                "alarmName": ALARM,
                "configuration": {"description": "the watchdog has not ticked for five minutes"},
                "previousState": {"value": "OK"},
                "state": {
                    "value": "ALARM",
                    "reason": f"Threshold Crossed: no datapoints were received for {minutes} periods",
                    "timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "+0000"),
                },
            }
        )

"""Instants as somebody reads them who thinks in the schedule's zone and finds UTC in the logs: both, and how far away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from interlock.domain.plain_text import duration

_SECONDS_COUNT = timedelta(minutes=10)  # nearer than this, a minute is too coarse


@dataclass(frozen=True, slots=True)
class Zoned:
    """Tells instants in a zone, seen from `now`."""

    zone: ZoneInfo
    now: datetime

    def at(self, instant: datetime) -> str:
        """`10:00 CET (09:00 UTC)`, with the date unless it is today's; `09:00 UTC` where the zone is UTC."""
        utc = instant.astimezone(UTC)
        try:
            local = instant.astimezone(self.zone)
            today = self.now.astimezone(self.zone).date()
        except OverflowError:  # at the edges of the calendar
            local, today = utc, self.now.date()
        name = local.tzname() or "UTC"
        text = f"{self._day(local, local.date() == today)}{self._time(instant, local)} {name}"
        if name == "UTC":
            return text
        return f"{text} ({self._day(utc, utc.date() == local.date())}{self._time(instant, utc)} UTC)"

    def when(self, instant: datetime) -> str:
        """`10:00 CET (09:00 UTC), in 30m`."""
        return f"{self.at(instant)}, {self.away(instant)}"

    def away(self, instant: datetime) -> str:
        """`in 30m`, `5m ago`, `now`."""
        if abs(instant - self.now) < timedelta(seconds=1):
            return "now"
        length = abs(instant - self.now)
        length -= length % timedelta(minutes=1) if length >= _SECONDS_COUNT else timedelta(0)
        return f"in {duration(length)}" if instant > self.now else f"{duration(length)} ago"

    def _time(self, instant: datetime, shown: datetime) -> str:
        exact = shown.second and abs(instant - self.now) < _SECONDS_COUNT
        return shown.strftime("%H:%M:%S" if exact else "%H:%M")

    @staticmethod
    def _day(shown: datetime, known: bool) -> str:
        return "" if known else f"{shown.date()} "

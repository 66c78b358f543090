"""When a world plays: its first instant, the hours in which everything happens, and nights on which clocks are odd."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from interlock.torture.chance import Chance

HOUR = 3600
DAY = 24 * HOUR
ZONES = {
    "UTC": 60.0,
    "Europe/Berlin": 10,
    "America/New_York": 10,
    "Asia/Tokyo": 5,
    "Asia/Kathmandu": 3,  # 5:45 ahead
    "America/St_Johns": 3,
    "Pacific/Apia": 3,
    "Australia/Lord_Howe": 3,  # half an hour of summer time
}
# Instants around which dates and local times are odd, and where they are.
_ODD_NIGHTS = (
    ("2026-03-29T01:00", "Europe/Berlin"),
    ("2026-10-25T01:00", "Europe/Berlin"),
    ("2026-03-08T07:00", "America/New_York"),
    ("2026-11-01T06:00", "America/New_York"),
    ("2026-04-04T15:00", "Australia/Lord_Howe"),
    ("2026-10-03T15:30", "Australia/Lord_Howe"),
    ("2026-09-06T04:00", "America/Santiago"),  # midnight is skipped
    ("2026-04-04T03:00", "America/Santiago"),  # an hour before midnight comes twice
    ("2026-02-28T23:59", "UTC"),
    ("2028-02-29T00:00", "UTC"),
    ("2028-02-28T15:00", "Asia/Tokyo"),
    ("2026-04-30T22:00", "Europe/Berlin"),
    ("2026-12-31T23:59", "UTC"),
    ("2027-01-01T05:00", "America/New_York"),
)


@dataclass(frozen=True, slots=True)
class Setting:
    """The frame that all pipelines of a world share."""

    start: datetime
    busy: int  # seconds from the start in which everything is written, changed and broken
    odd_zone: str | None  # where the night is odd

    def at(self, second: int) -> datetime:
        return self.start + timedelta(seconds=second)

    def local(self, second: int, zone: str) -> datetime:
        return self.at(second).astimezone(ZoneInfo(zone))

    def second_of(self, day: date, hour: int, minute: int, zone: str) -> int:
        """When it is that time there; may lie before the start."""
        local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(zone))
        return int((local.astimezone(UTC) - self.start).total_seconds())


def a_setting(chance: Chance, odd_nights: float) -> Setting:
    """Most worlds play on plain days of March 2026, at any hour."""
    busy = chance.of({HOUR + HOUR // 2: 5, 2 * HOUR: 4, 3 * HOUR: 2, 5 * HOUR: 0.5})
    if chance.likely(odd_nights):
        instant, zone = chance.one(_ODD_NIGHTS)
        start = datetime.fromisoformat(f"{instant}:00+00:00") - timedelta(minutes=chance.whole(5, 150))
        return Setting(start, busy, zone)
    start = datetime(2026, 3, chance.whole(2, 27), chance.whole(0, 23), chance.one((0, 17, 50)), tzinfo=UTC)
    return Setting(start, busy, None)


def a_zone(chance: Chance, setting: Setting) -> str:
    """The odd one more often than any other."""
    if setting.odd_zone is not None and chance.likely(0.7):
        return setting.odd_zone
    return chance.of(ZONES)

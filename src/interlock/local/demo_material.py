"""What the demo plays with: its pipelines, a colleague's edit of one, and two days of real flights and weather."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path

from interlock.local.demo_flights import AIRPORTS
from interlock.local.demo_jobs import ARRIVALS, DEPARTURES, DIGEST, WEATHER

_HERE = Path(__file__).parent
PIPELINES = {
    name: (_HERE / "demo_pipelines" / f"{name}.yaml").read_text() for name in (DEPARTURES, WEATHER, ARRIVALS)
}
BLIZZARD, DAY_AFTER = "2013-02-08", "2013-02-09"
HOURS = 72  # 24 at each of three airports
BACK_OFF_SECONDS = 4.0  # `retryBackoff` of nyc-departures
LATE_FLIGHTS = 12  # LaGuardia's last ones of the blizzard, which it reports only after the day was computed
SLA_SECONDS = 40.0  # `maxDuration` of nyc-arrivals
SLA_WARNING_SECONDS = 0.75 * SLA_SECONDS
MISSING = "arrivals.count >= 650"  # the rule of nyc-arrivals that nothing ever meets
EDITED = f"{DEPARTURES}.yaml"
# A colleague's edit of that file: what it says now, and what the edit makes of it.
EDIT = (("America/New_York", "America/NewYork"), ("maxRetries:", "maxRetrys:"))
MISSPELT = (("schedule.timezone", "America/New_York"), ("job.maxRetrys", "maxRetries"))


@cache
def edited() -> str:
    """The file as the colleague uploads it."""
    text = PIPELINES[DEPARTURES]
    for before, after in EDIT:
        text = text.replace(before, after, 1)
    return text


@cache
def flights_by_airport(date: str) -> dict[str, str]:
    """The day's flights as the feed delivers them: a CSV for each airport."""
    header, *lines = (_HERE / "demo_data" / f"flights-{date}.csv").read_text().splitlines(keepends=True)
    column = header.split(",").index("origin")
    return {
        airport: header + "".join(line for line in lines if line.split(",")[column] == airport)
        for airport in AIRPORTS
    }


def without_its_last(csv_text: str, rows: int) -> str:
    """What a feed delivers that is not complete, and does not know it."""
    return "".join(csv_text.splitlines(keepends=True)[:-rows])


DIGEST_CRON = '"30 6 * * *"'  # as the file has it


@cache
def _digest() -> str:
    return (_HERE / "demo_pipelines" / f"{DIGEST}.yaml").read_text()


def digest_firing_at(fire: datetime) -> str:
    """The digest's config with its daily minute set to this one (UTC)."""
    return _digest().replace(DIGEST_CRON, f'"{fire.minute} {fire.hour} * * *"', 1)


@cache
def weather_of(date: str) -> str:
    return (_HERE / "demo_data" / f"weather-{date}.csv").read_text()


def cut_in_mid_line(text: str) -> str:
    """What is there of an upload that is not complete."""
    return text[: text.index("\n", len(text) // 2) - 30]

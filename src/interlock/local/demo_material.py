"""What the demo plays with: its pipelines, a colleague's edit of one, and two days of real flights and weather."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from interlock.local.demo_flights import AIRPORTS
from interlock.local.demo_jobs import ARRIVALS, DEPARTURES, WEATHER

_HERE = Path(__file__).parent
PIPELINES = {
    name: (_HERE / "demo_pipelines" / f"{name}.yaml").read_text() for name in (DEPARTURES, WEATHER, ARRIVALS)
}
BLIZZARD, DAY_AFTER = "2013-02-08", "2013-02-09"
HOURS = 72  # 24 at each of three airports
BACK_OFF_SECONDS = 4.0  # `retryBackoff` of nyc-departures
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


@cache
def weather_of(date: str) -> str:
    return (_HERE / "demo_data" / f"weather-{date}.csv").read_text()


def cut_in_mid_line(text: str) -> str:
    """What is there of an upload that is not complete."""
    return text[: text.index("\n", len(text) // 2) - 30]

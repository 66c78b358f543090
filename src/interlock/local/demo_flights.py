"""What the demo's jobs compute from New York's flights and weather: pure functions from CSV to CSV.

The columns of both files are explained in `demo_data/README.md`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import groupby
from statistics import fmean
from typing import TypeVar

AIRPORTS = ("EWR", "JFK", "LGA")
_NOTHING = ("", "NA")

Row = Mapping[str, str]


class BrokenFile(ValueError):
    """A file that ends or goes wrong in the middle; the message says where."""


@dataclass(frozen=True, slots=True)
class AirportHour:
    """What became of the departures that one airport scheduled for one hour, and the weather they had."""

    airport: str
    hour: int  # of the scheduled departure, local time
    departures: int
    cancelled: int
    mean_delay_minutes: float | None  # of those that left
    wind_mph: float | None
    visibility_miles: float | None
    precipitation_inches: float | None


@dataclass(frozen=True, slots=True)
class AirportWeather:
    """One airport's day."""

    airport: str
    hours: int
    strongest_wind_mph: float
    lowest_visibility_miles: float
    precipitation_inches: float


@dataclass(frozen=True, slots=True)
class DayDigest:
    """One day, all airports and hours added up."""

    day: str
    departures: int
    cancelled: int
    cancelled_percent: int


def read_rows(text: str, name: str) -> list[Row]:
    """The rows of a CSV with a header. Raises `BrokenFile`."""
    lines = list(csv.reader(io.StringIO(text)))
    header = lines[0] if lines else []
    for number, line in enumerate(lines, 1):
        if len(line) != len(header):
            found = f"line {number} has {len(line)} of {len(header)} columns"
            raise BrokenFile(f"{name} breaks off: {found}; its upload is not complete")
    return [dict(zip(header, line, strict=True)) for line in lines[1:]]


def departures_by_hour(flights: Iterable[Row], weather: Iterable[Row]) -> list[AirportHour]:
    """Join flights and weather by airport and hour. Raises `BrokenFile` for an hour without weather."""
    observed = {_place_and_hour(row): row for row in weather}
    found = []
    for (airport, hour), group in _grouped(flights, _place_and_hour):
        if (airport, hour) not in observed:
            raise BrokenFile(f"no weather for {airport} at {hour}")
        found.append(_airport_hour(airport, group, observed[airport, hour]))
    return found


def _place_and_hour(row: Row) -> tuple[str, str]:
    return row["origin"], row["time_hour"]


def _airport_hour(airport: str, flights: Sequence[Row], weather: Row) -> AirportHour:
    delays = [float(row["dep_delay"]) for row in flights if row["dep_delay"] not in _NOTHING]
    return AirportHour(
        airport=airport,
        hour=int(weather["hour"]),
        departures=len(flights),
        cancelled=sum(row["dep_time"] in _NOTHING for row in flights),
        mean_delay_minutes=round(fmean(delays), 1) if delays else None,
        wind_mph=_number(weather["wind_speed"]),
        visibility_miles=_number(weather["visib"]),
        precipitation_inches=_number(weather["precip"]),
    )


def weather_by_airport(weather: Iterable[Row]) -> list[AirportWeather]:
    """Each airport's whole day."""
    return [
        AirportWeather(
            airport=airport,
            hours=len(rows),
            strongest_wind_mph=max(_numbers(rows, "wind_speed", "wind_gust")),
            lowest_visibility_miles=min(_numbers(rows, "visib")),
            precipitation_inches=round(sum(_numbers(rows, "precip")), 2),
        )
        for airport, rows in _grouped(weather, lambda row: row["origin"])
    ]


Key = TypeVar("Key", str, tuple[str, str])


def _grouped(rows: Iterable[Row], key: Callable[[Row], Key]) -> list[tuple[Key, list[Row]]]:
    return [(value, list(group)) for value, group in groupby(sorted(rows, key=key), key)]


def _numbers(rows: Iterable[Row], *columns: str) -> list[float]:
    read = (_number(row[column]) for row in rows for column in columns)
    return [number for number in read if number is not None]


def _number(text: str) -> float | None:
    return None if text in _NOTHING else round(float(text), 2)


def digest_of(day: str, result: Iterable[Row]) -> DayDigest:
    """The departures job's result of one day, in one line."""
    rows = list(result)
    whole = Cancelled(sum(int(row["departures"]) for row in rows), sum(int(row["cancelled"]) for row in rows))
    return DayDigest(day, whole.departures, whole.cancelled, round(100 * whole.share))


def as_csv(rows: Sequence[AirportHour] | Sequence[AirportWeather] | Sequence[DayDigest]) -> str:
    """The result as the job writes it."""
    out = io.StringIO()
    writer = csv.DictWriter(out, [field.name for field in fields(rows[0])], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class Cancelled:
    """How many of some departures were cancelled."""

    departures: int
    cancelled: int

    @property
    def share(self) -> float:
        return self.cancelled / self.departures


def cancelled_by(column: str, result: Iterable[Row]) -> dict[str, Cancelled]:
    """The job's result added up by `airport` or `hour`."""
    return {
        value: Cancelled(
            sum(int(row["departures"]) for row in rows), sum(int(row["cancelled"]) for row in rows)
        )
        for value, rows in _grouped(result, lambda row: row[column].zfill(2))
    }

"""The demo's Glue jobs: read flights and weather from S3, compute, write the result to S3, report like any job of a user's.

They run in the stand-in for Glue and reach the emulated AWS as a job would: by its endpoint, with boto3.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from interlock.domain.job_record import JobRecord
from interlock.domain.run import JobEnd, Outcome, RunKey
from interlock.local.demo_flights import (
    AIRPORTS,
    AirportHour,
    AirportWeather,
    DayDigest,
    Row,
    as_csv,
    departures_by_hour,
    digest_of,
    read_rows,
    weather_by_airport,
)
from interlock.local.job_services import Arguments, JobRun, LocalJob
from interlock.ports import JobLog
from interlock.triggers.glue import TAG

DEPARTURES, WEATHER, ARRIVALS, DIGEST = "nyc-departures", "nyc-weather", "nyc-arrivals", "nyc-digest"
# A real Glue job needs longer to get its workers; long enough here to be seen RUNNING.
WORKERS_TAKE_SECONDS = 1.5
# The start of this one is crashed: it is still at work when the retry, seconds later on a busy machine, looks for it.
WORKERS_TAKE_LONGER_SECONDS = {WEATHER: 8.0}

Result = Sequence[AirportHour] | Sequence[AirportWeather] | Sequence[DayDigest]


@dataclass(frozen=True)
class Lake:
    """The bucket that the feeds write to and the jobs read from."""

    s3: Any
    bucket: str

    def put(self, key: str, text: str) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=text.encode())

    def text(self, key: str) -> str:
        content: bytes = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return content.decode()

    def names(self, prefix: str) -> list[str]:
        """In order; the demo has a handful."""
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [found["Key"] for found in listed.get("Contents", ())]

    def rows(self, key: str) -> list[Row]:
        """Raises `BrokenFile`."""
        return read_rows(self.text(key), f"s3://{self.bucket}/{key}")


def flights_key(date: str, airport: str) -> str:
    return f"flights/{date}/{airport}.csv"


def weather_key(date: str) -> str:
    return f"weather/{date}.csv"


def observations_key(date: str) -> str:
    return f"observations/{date}.csv"


def result_key(pipeline: str, date: str) -> str:
    return f"results/{pipeline}/{date}.csv"


def demo_jobs(lake: Lake, joblog: JobLog) -> dict[str, LocalJob]:
    """By the name that the pipelines' configs give them."""
    return {
        DEPARTURES: LocalJob(_reporting(DEPARTURES, "stream", count_departures, lake, joblog)),
        WEATHER: LocalJob(_reporting(WEATHER, "stream", sum_up_weather, lake, joblog)),
        DIGEST: LocalJob(_reporting(DIGEST, "cron", sum_up_days, lake, joblog)),
    }


def count_departures(lake: Lake, date: str) -> tuple[Result, Mapping[str, Any]]:
    """What became of each departure, by airport and hour; and the report's figures."""
    flights = [row for airport in AIRPORTS for row in lake.rows(flights_key(date, airport))]
    weather = lake.rows(weather_key(date))
    hours = departures_by_hour(flights, weather)
    cancelled = sum(hour.cancelled for hour in hours)
    return hours, {"recordsProcessed": len(flights), "metrics": {"cancelled": cancelled}}


def sum_up_weather(lake: Lake, date: str) -> tuple[Result, Mapping[str, Any]]:
    """Each airport's day; and the report's figures."""
    rows = lake.rows(observations_key(date))
    return weather_by_airport(rows), {"recordsProcessed": len(rows)}


def sum_up_days(lake: Lake, date: str) -> tuple[Result, Mapping[str, Any]]:  # noqa: ARG001  all days that are there
    """A line for each day that was computed; and the report's figures."""
    names = lake.names(result_key(DEPARTURES, "").removesuffix(".csv"))
    days = [digest_of(name.rpartition("/")[2].removesuffix(".csv"), lake.rows(name)) for name in names]
    return days, {"recordsProcessed": len(days)}


def _reporting(
    name: str,
    schedule_id: str,
    compute: Callable[[Lake, str], tuple[Result, Mapping[str, Any]]],
    lake: Lake,
    joblog: JobLog,
) -> Callable[[Arguments, JobRun], None]:
    def work(arguments: Arguments, run: JobRun) -> None:
        began = time.monotonic()
        run.sleep(WORKERS_TAKE_LONGER_SECONDS.get(name, WORKERS_TAKE_SECONDS))
        date = arguments["--date"]
        result, figures = compute(lake, date)
        lake.put(result_key(name, date), as_csv(result))
        report = {**figures, "durationSeconds": round(time.monotonic() - began, 3)}
        # The job's own word of its success, with its figures; Glue's event, which has none, follows and changes nothing.
        outcome = Outcome(JobEnd.SUCCESS, report=report)
        key, attempt = RunKey(name, schedule_id, date), int(arguments["--attempt"])
        joblog.put(JobRecord(key, attempt, datetime.now(UTC), outcome, arguments[TAG]))

    return work

"""When a run has to be done: after its fire or the day after, in the SLA's own zone, whatever clocks do."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from builders import a_pipeline, at
from interlock.domain.pipeline import Deadline, Include, Sla
from interlock.domain.schedule import sla_deadline, sla_warning

BERLIN = {"timezone": "Europe/Berlin"}
SIX = {"cron": "0 6 * * *"}


def the_deadline(schedule: dict[str, Any], written: str, run_date: str, **sla: Any) -> str | None:
    hour, minute = written.split(":")
    due = Deadline(int(minute), int(hour) if hour else None)
    found = sla_deadline(a_pipeline(sla=Sla(deadline=due, **sla), **schedule), run_date)
    return found and f"{found:%Y-%m-%dT%H:%M}"


@pytest.mark.parametrize(
    ("schedule", "written", "run_date", "deadline"),
    [
        pytest.param(SIX, "07:00", "2026-03-02", "2026-03-02T07:00", id="later on the day of the fire"),
        pytest.param(SIX, "06:00", "2026-03-02", "2026-03-02T06:00", id="at the fire itself"),
        pytest.param(SIX, "05:59", "2026-03-02", "2026-03-03T05:59", id="before the fire: the next day"),
        pytest.param(SIX, "00:00", "2026-03-31", "2026-04-01T00:00", id="midnight at the end of a month"),
        pytest.param(SIX, "05:00", "2028-02-28", "2028-02-29T05:00", id="29 February"),
        pytest.param({"cron": "0 23 * * *"}, "02:00", "2026-12-31", "2027-01-01T02:00", id="the next year"),
        pytest.param(
            {"cron": "0 6,18 * * *"}, "07:00", "2026-03-02T18", "2026-03-03T07:00", id="twice a day"
        ),
        pytest.param(
            {"cron": "0 6,18 * * *"}, "07:00", "2026-03-02T06", "2026-03-02T07:00", id="the first of two"
        ),
        pytest.param({"cron": "*/15 * * * *"}, "07:00", "2026-03-02T06:45", "2026-03-02T07:00", id="minutes"),
        pytest.param(
            {"cron": "0 6 * * 1-5"}, "07:00", "2026-03-07", "2026-03-07T07:00", id="a day without a fire"
        ),
        pytest.param({}, "07:00", "2026-03-02", "2026-03-03T07:00", id="a sensor's run: the day after"),
        pytest.param({}, "00:00", "2026-02-28", "2026-03-01T00:00", id="a sensor's run, at midnight"),
        pytest.param({}, "07:00", "2026-03-02T10", "2026-03-03T07:00", id="a reading that names an hour"),
        pytest.param(
            {"include": Include((date(2026, 3, 2),))},
            "07:00",
            "2026-03-02",
            "2026-03-03T07:00",
            id="included",
        ),
        pytest.param({"cron": "0 * * * *"}, ":20", "2026-03-02T10", "2026-03-02T11:20", id="hourly"),
        pytest.param({"cron": "50 * * * *"}, ":20", "2026-03-02T10", "2026-03-02T11:20", id="fired at :50"),
        pytest.param({}, ":20", "2026-03-02T23", "2026-03-03T00:20", id="the last hour of a day"),
        pytest.param({}, ":00", "2026-03-02T10", "2026-03-02T11:00", id="on the hour"),
        pytest.param(
            {"cron": "*/15 * * * *"}, ":20", "2026-03-02T10:45", "2026-03-02T11:20", id="a minute form's hour"
        ),
        pytest.param({}, ":20", "2026-03-02", "2026-03-03T00:20", id="a day has no hour: after midnight"),
    ],
)
def test_deadline_in_utc(schedule: dict[str, Any], written: str, run_date: str, deadline: str) -> None:
    assert the_deadline(schedule, written, run_date) == deadline


@pytest.mark.parametrize(
    ("schedule", "written", "run_date", "deadline"),
    [
        pytest.param(
            BERLIN | {"cron": "0 1 * * *"}, "02:30", "2026-03-29", "2026-03-29T01:00", id="in the gap"
        ),
        pytest.param(BERLIN, "02:30", "2026-03-28", "2026-03-29T01:00", id="in the gap, the day after"),
        pytest.param(
            BERLIN | {"cron": "0 3 * * *"},
            "02:30",
            "2026-03-29",
            "2026-03-30T00:30",
            id="fired after the gap",
        ),
        pytest.param(BERLIN, "03:00", "2026-03-28", "2026-03-29T01:00", id="as the gap ends"),
        pytest.param(
            BERLIN | {"cron": "0 1 * * *"}, "02:30", "2026-10-25", "2026-10-25T00:30", id="the first of two"
        ),
        pytest.param(BERLIN, ":30", "2026-03-29T01", "2026-03-29T01:00", id="the hour after is skipped"),
        pytest.param(BERLIN, ":30", "2026-10-25T01", "2026-10-25T00:30", id="the hour after comes twice"),
        pytest.param(BERLIN, ":30", "2026-10-25T02", "2026-10-25T02:30", id="the hour itself comes twice"),
        pytest.param(
            {"timezone": "Australia/Lord_Howe"}, "02:15", "2026-10-03", "2026-10-03T15:30", id="half an hour"
        ),
        pytest.param(
            {"timezone": "Asia/Kathmandu"}, ":30", "2026-03-02T10", "2026-03-02T05:45", id="no whole hours"
        ),
        pytest.param(
            {"timezone": "Africa/Cairo"}, "00:00", "2026-04-23", "2026-04-23T22:00", id="no midnight there"
        ),
    ],
)
def test_deadline_where_clocks_change(
    schedule: dict[str, Any], written: str, run_date: str, deadline: str
) -> None:
    assert the_deadline(schedule, written, run_date) == deadline


@pytest.mark.parametrize(
    ("schedule", "offset", "deadline"),
    [
        ({}, 0, "2026-03-02T05:00"),
        ({}, 1, "2026-03-03T05:00"),
        ({}, 2, "2026-03-04T05:00"),
        pytest.param(SIX, 0, "2026-03-02T05:00", id="cron 0: before its own fire, as written"),
        (SIX, 2, "2026-03-04T05:00"),
        ({}, 31, "2026-04-02T05:00"),
    ],
)
def test_day_offset_counts_from_the_execution_date(
    schedule: dict[str, Any], offset: int, deadline: str
) -> None:
    assert the_deadline(schedule, "05:00", "2026-03-02", day_offset=offset) == deadline


@pytest.mark.parametrize(
    ("schedule", "written", "run_date", "zone", "deadline"),
    [
        # 06:00 in Berlin is midnight in New York.
        (BERLIN | SIX, "01:00", "2026-03-02", "America/New_York", "2026-03-02T06:00"),
        (BERLIN | SIX, "23:00", "2026-03-02", "America/New_York", "2026-03-03T04:00"),
        pytest.param(BERLIN, "07:00", "2026-03-02", "Asia/Tokyo", "2026-03-02T22:00", id="on the day's name"),
        pytest.param({}, ":15", "2026-03-02T10", "Asia/Kolkata", "2026-03-02T11:45", id="of the hour there"),
        pytest.param(
            {}, ":45", "2026-03-02T10", "Asia/Kolkata", "2026-03-02T11:15", id="never before its end"
        ),
        # 01:30 comes a second time in New York when it is 06:30 in UTC: the first has passed by then.
        pytest.param(
            {"cron": "30 6 * * *"}, "01:45", "2026-11-01", "America/New_York", "2026-11-02T06:45", id="twice"
        ),
    ],
)
def test_the_sla_s_own_timezone_overrides_the_schedule_s(
    schedule: dict[str, Any], written: str, run_date: str, zone: str, deadline: str
) -> None:
    assert the_deadline(schedule, written, run_date, timezone=zone) == deadline


def test_the_warning_comes_an_expected_duration_before_the_deadline() -> None:
    sla = Sla(deadline=Deadline(0, 7), expected_duration=timedelta(minutes=90))

    assert sla_warning(a_pipeline(sla=sla, **SIX), "2026-03-02") == at("2026-03-02T05:30")


@pytest.mark.parametrize(
    "sla",
    [
        None,
        Sla(max_duration=timedelta(hours=2), expected_duration=timedelta(hours=1)),
        pytest.param(Sla(deadline=Deadline(0, 7)), id="no expectedDuration"),
    ],
)
def test_without_a_deadline_or_a_duration_there_is_no_warning(sla: Sla | None) -> None:
    assert sla_warning(a_pipeline(sla=sla), "2026-03-02") is None


@pytest.mark.parametrize("sla", [None, Sla(max_duration=timedelta(hours=2))])
def test_without_an_absolute_sla_there_is_no_deadline(sla: Sla | None) -> None:
    assert sla_deadline(a_pipeline(sla=sla), "2026-03-02") is None

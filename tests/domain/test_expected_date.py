"""Which dates are expected, and from when to when: fires, included days, periods of a trigger; through DST."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import a_pipeline, a_trigger, at
from interlock.domain.pipeline import Deadline, Exclude, Include, Pipeline, Sla
from interlock.domain.schedule import (
    Calendar,
    ExpectedDate,
    exclusion_reason,
    expected_date,
    expected_dates,
    first_expected,
    inclusion_deadline,
    next_expected,
)

EVERY_DAY = Exclude(days=(0, 1, 2, 3, 4, 5, 6))
COMPANY = Calendar("company", frozenset({date(2026, 12, 25)}), frozenset({6}))


def hourly(**changes: Any) -> Pipeline:
    return a_pipeline(trigger=a_trigger(deadline=Deadline(30)), **changes)


def expected(pipeline: Pipeline, since: str, until: str, *calendars: Calendar) -> list[ExpectedDate]:
    named = {calendar.name: calendar for calendar in calendars}
    return list(expected_dates(pipeline, at(since), at(until), named))


def brief(found: ExpectedDate | None) -> str | None:
    return found and f"{found.date} {found.begins_at:%d %H:%M} {found.ends_at:%d %H:%M}"


@pytest.mark.parametrize(
    ("pipeline", "since", "until", "found"),
    [
        pytest.param(
            a_pipeline(cron="0 6 * * *"),
            "2026-03-02T06:00",
            "2026-03-04T06:00",
            ["2026-03-02 02 06:00 03 00:00", "2026-03-03 03 06:00 04 00:00"],
            id="daily fires, the bounds as in range()",
        ),
        pytest.param(
            a_pipeline(cron="30 22,23 * * *", timezone="America/New_York"),
            "2026-03-03T00:00",
            "2026-03-03T12:00",
            ["2026-03-02T22 03 03:30 03 04:00", "2026-03-02T23 03 04:30 03 05:00"],
            id="an hour ends with it, however late in it the fire",
        ),
        pytest.param(
            a_pipeline(cron="*/20 23 * * *"),
            "2026-03-02T23:20",
            "2026-03-03T00:00",
            ["2026-03-02T23:20 02 23:20 02 23:40", "2026-03-02T23:40 02 23:40 03 00:00"],
            id="a minute form lasts to the next fire, or to midnight",
        ),
        pytest.param(
            a_pipeline(timezone="Europe/Berlin"),
            "2026-03-28T00:00",
            "2026-03-30T12:00",
            ["2026-03-29 28 23:00 29 22:00", "2026-03-30 29 22:00 30 22:00"],
            id="days of a trigger, one of 23 hours",
        ),
        pytest.param(
            hourly(timezone="Europe/Berlin"),
            "2026-03-29T00:00",
            "2026-03-29T02:00",
            ["2026-03-29T01 29 00:00 29 01:00", "2026-03-29T03 29 01:00 29 02:00"],
            id="an hour that DST skips is not expected",
        ),
        pytest.param(
            hourly(timezone="Europe/Berlin"),
            "2026-10-25T00:00",
            "2026-10-25T03:00",
            ["2026-10-25T02 25 00:00 25 02:00", "2026-10-25T03 25 02:00 25 03:00"],
            id="an hour that comes twice is one, and lasts two",
        ),
        pytest.param(
            hourly(timezone="Australia/Lord_Howe"),
            "2026-10-03T14:30",
            "2026-10-03T16:30",
            [
                "2026-10-04T01 03 14:30 03 15:30",
                "2026-10-04T02 03 15:30 03 16:00",
                "2026-10-04T03 03 16:00 03 17:00",
            ],
            id="half an hour is skipped",
        ),
        pytest.param(
            hourly(timezone="Asia/Kathmandu"),
            "2026-03-02T00:00",
            "2026-03-02T01:15",
            ["2026-03-02T06 02 00:15 02 01:15"],
            id="a zone without whole hours",
        ),
        pytest.param(
            a_pipeline(timezone="Africa/Cairo"),
            "2026-04-23T12:00",
            "2026-04-25T00:00",
            ["2026-04-24 23 22:00 24 21:00", "2026-04-25 24 21:00 25 21:00"],
            id="a day whose midnight does not exist begins when the gap ends",
        ),
        pytest.param(
            a_pipeline(sla=Sla(deadline=Deadline(15))),
            "2026-03-02T10:00",
            "2026-03-02T11:00",
            ["2026-03-02T10 02 10:00 02 11:00"],
            id="an SLA of each hour makes the hours expected",
        ),
        pytest.param(
            a_pipeline(cron="0 6 29 2 *"),
            "2026-01-01T00:00",
            "2033-01-01T00:00",
            ["2028-02-29 29 06:00 01 00:00", "2032-02-29 29 06:00 01 00:00"],
            id="29 February",
        ),
        pytest.param(
            a_pipeline(cron="0 6 30 2 *"), "2026-01-01T00:00", "2999-01-01T00:00", [], id="30 February"
        ),
        pytest.param(
            a_pipeline(cron="0 6 L * *"),
            "2026-02-01T00:00",
            "2026-04-01T00:00",
            ["2026-02-28 28 06:00 01 00:00", "2026-03-31 31 06:00 01 00:00"],
            id="month ends",
        ),
        pytest.param(
            a_pipeline(trigger=None), "2026-03-02T00:00", "2026-04-02T00:00", [], id="only by request"
        ),
    ],
)
def test_expected_dates(pipeline: Pipeline, since: str, until: str, found: list[str]) -> None:
    assert [brief(one) for one in expected(pipeline, since, until)] == found


def test_included_days_are_those_listed_and_those_of_the_calendar() -> None:
    include = Include(dates=(date(2026, 12, 24), date(2027, 1, 1)), calendar="company")

    found = expected(
        a_pipeline(include=include, trigger=None), "2026-12-20T00:00", "2026-12-28T00:00", COMPANY
    )

    assert [one.date for one in found] == ["2026-12-20", "2026-12-24", "2026-12-25", "2026-12-27"]
    assert not any(one.excluded for one in found)


def test_with_a_deadline_of_each_hour_the_hours_of_included_days_are_expected() -> None:
    found = expected(hourly(include=Include((date(2026, 3, 2),))), "2026-03-01T00:00", "2026-03-09T00:00")

    assert [one.date for one in found] == [f"2026-03-02T{hour:02}" for hour in range(24)]


@pytest.mark.parametrize("include", [Include(calendar="none"), Include(calendar="empty"), Include()])
def test_an_inclusion_that_names_no_day_expects_nothing_and_comes_to_an_end(include: Include) -> None:
    pipeline = a_pipeline(include=include)

    assert expected(pipeline, "2026-01-01T00:00", "2300-01-01T00:00", Calendar("empty")) == []
    assert first_expected(pipeline, at("2026-01-01T00:00"), {"empty": Calendar("empty")}) is None


@pytest.mark.parametrize("schedule", [{"cron": "0 6 * * *"}, {"trigger": a_trigger()}])
def test_excluded_dates_are_told_with_their_reason(schedule: dict[str, Any]) -> None:
    pipeline = a_pipeline(exclude=Exclude(weekends=True), **schedule)

    found = expected(pipeline, "2026-03-06T00:00", "2026-03-09T12:00")

    assert [(one.date, one.excluded) for one in found] == [
        ("2026-03-06", None),
        ("2026-03-07", "2026-03-07 is a Saturday, and weekends are excluded"),
        ("2026-03-08", "2026-03-08 is a Sunday, and weekends are excluded"),
        ("2026-03-09", None),
    ]


def test_dates_are_made_only_as_they_are_asked_for() -> None:
    far = datetime.max.replace(tzinfo=UTC)

    found = expected_dates(a_pipeline(cron="* * * * *"), at("2026-03-02T00:00"), far, {})

    assert [one.date for one in islice(found, 2)] == ["2026-03-02T00:00", "2026-03-02T00:01"]


def test_two_who_read_one_cron_at_the_same_time_do_not_disturb_each_other() -> None:
    pipeline = a_pipeline(cron="0 6 1 * 5#2")
    since, until = at("2026-03-01T00:00"), at("2027-03-01T00:00")
    alone = list(expected_dates(pipeline, since, until, {}))

    together = list(zip(*(expected_dates(pipeline, since, until, {}) for _ in range(2)), strict=True))

    assert len(alone) == 24
    assert together == [(one, one) for one in alone]


@pytest.mark.parametrize(
    ("pipeline", "after", "found"),
    [
        (a_pipeline(cron="0 6 * * 1-5"), "2026-03-06", "2026-03-09"),
        pytest.param(a_pipeline(cron="0 6 * * 1-5"), "2026-03-07", "2026-03-09", id="after a day without"),
        (a_pipeline(exclude=Exclude(weekends=True)), "2026-03-06", "2026-03-09"),
        (a_pipeline(cron="0 * * * *", exclude=Exclude(weekends=True)), "2026-03-06T23", "2026-03-09T00"),
        (a_pipeline(cron="*/15 * * * *"), "2026-03-06T23:45", "2026-03-07T00:00"),
        (hourly(timezone="Europe/Berlin"), "2026-03-29T01", "2026-03-29T03"),
        (hourly(timezone="Europe/Berlin"), "2026-10-25T02", "2026-10-25T03"),
        (a_pipeline(include=Include((date(2026, 3, 2), date(2030, 1, 1)))), "2026-03-02", "2030-01-01"),
        pytest.param(a_pipeline(cron="0 6 29 2 *"), "2096-02-29", "2104-02-29", id="eight years away"),
        pytest.param(a_pipeline(cron="0 6 * * *"), "2026-03-06T23", "2026-03-07", id="it was hourly once"),
        pytest.param(a_pipeline(cron="0 6 * * *", exclude=EVERY_DAY), "2026-03-06", None, id="cron never"),
        pytest.param(hourly(exclude=EVERY_DAY), "2026-03-06T01", None, id="trigger never"),
        pytest.param(a_pipeline(cron="* * * * *", exclude=EVERY_DAY), "2026-03-06T01:00", None, id="minutes"),
        pytest.param(a_pipeline(include=Include((date(2026, 3, 2),))), "2026-03-02", None, id="the last"),
    ],
)
def test_the_next_date_is_not_excluded(pipeline: Pipeline, after: str, found: str | None) -> None:
    following = next_expected(pipeline, after, {})

    assert (following and following.date) == found


@pytest.mark.parametrize(
    ("pipeline", "run_date", "found"),
    [
        (a_pipeline(cron="0 6 * * 1-5"), "2026-03-06", "2026-03-06 06 06:00 07 00:00"),
        (a_pipeline(cron="0 6 * * 1-5"), "2026-03-07", None),
        (a_pipeline(cron="30 2 * * *", timezone="Europe/Berlin"), "2026-03-29", None),
        (a_pipeline(cron="*/15 * * * *"), "2026-03-06T10:15", "2026-03-06T10:15 06 10:15 06 10:30"),
        (a_pipeline(cron="*/15 * * * *"), "2026-03-06T10:16", None),
        (a_pipeline(), "2026-03-07", "2026-03-07 07 00:00 08 00:00"),
        pytest.param(a_pipeline(), "2026-03-07T10", None, id="of another form"),
        (hourly(timezone="Europe/Berlin"), "2026-03-29T02", None),
        (a_pipeline(include=Include((date(2026, 3, 2),))), "2026-03-03", None),
    ],
)
def test_a_date_is_expected_or_it_is_not(pipeline: Pipeline, run_date: str, found: str | None) -> None:
    assert brief(expected_date(pipeline, run_date, {})) == found


def test_what_is_no_date_is_not_asked_for() -> None:
    with pytest.raises(ValueError, match="is not an execution date"):
        expected_date(a_pipeline(), "tomorrow", {})


ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "America/Havana")
SCHEDULES: tuple[dict[str, Any], ...] = (
    {"cron": "30 2 * * *"},
    {"cron": "0 * * * *"},
    {"cron": "*/20 1-3 * * 0"},
    {"trigger": a_trigger()},
    {"trigger": a_trigger(deadline=Deadline(30))},
)


@settings(max_examples=200, deadline=None)
@given(
    schedule=st.sampled_from(SCHEDULES),
    zone=st.sampled_from(ZONES),
    since=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 1)),  # noqa: DTZ001
    days=st.integers(1, 5),
)
def test_each_expected_date_is_once_in_order_of_some_length_and_found_by_its_name(
    schedule: dict[str, Any], zone: str, since: datetime, days: int
) -> None:
    pipeline = a_pipeline(timezone=zone, exclude=Exclude(weekends=True), **schedule)
    begin = since.replace(tzinfo=UTC)

    found = list(expected_dates(pipeline, begin, begin + timedelta(days=days), {}))

    assert [one.date for one in found] == sorted({one.date for one in found})
    for one in found:
        assert begin <= one.begins_at < begin + timedelta(days=days)
        assert one.begins_at < one.ends_at
        assert expected_date(pipeline, one.date, {}) == one
        assert one.excluded == exclusion_reason(pipeline, one.date, {})


@pytest.mark.parametrize(
    ("schedule", "run_date", "deadline"),
    [
        ({"time": time(10)}, "2026-03-02", "2026-03-02T10:00"),
        ({}, "2026-03-02", "2026-03-03T00:00"),
        ({"timezone": "Europe/Berlin"}, "2026-03-29", "2026-03-29T22:00"),
        ({"time": time(2, 30), "timezone": "Europe/Berlin"}, "2026-03-29", "2026-03-29T01:00"),
        ({"time": time(2, 30), "timezone": "Europe/Berlin"}, "2026-10-25", "2026-10-25T00:30"),
        ({"time": time(0)}, "2028-02-29", "2028-02-29T00:00"),
        ({}, "2026-03-02T10", "2026-03-02T11:00"),
        ({"include": None}, "2026-03-02", None),
        ({"include": None, "cron": "0 6 * * *"}, "2026-03-02", None),
    ],
)
def test_an_included_date_should_have_begun_by_its_time_or_with_its_period(
    schedule: dict[str, Any], run_date: str, deadline: str | None
) -> None:
    pipeline = a_pipeline(**{"include": Include((date(2026, 3, 2),)), **schedule})

    assert inclusion_deadline(pipeline, run_date) == (deadline and at(deadline))

"""One calendar for everyone: execution dates, cron fires, exclusions, deadlines, through every DST day."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import a_pipeline, a_trigger, at
from interlock.domain.pipeline import Deadline, Evaluation, Exclude, Include, Pipeline, Sla
from interlock.domain.schedule import (
    Calendar,
    Period,
    calendar_date,
    calendar_names,
    cron_form,
    current_date,
    exclusion_reason,
    execution_date,
    expected_fires,
    fire_date,
    instant_of,
    period_of,
    period_start,
    trigger_deadline,
    window_ends_at,
)

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"


def fires(cron: str, since: str, until: str, timezone: str = "UTC") -> list[str]:
    found = expected_fires(a_pipeline(cron=cron, timezone=timezone), at(since), at(until))
    return [fire.strftime("%Y-%m-%dT%H:%M") for fire in found]


@pytest.mark.parametrize(
    ("text", "period", "start"),
    [
        ("2026-03-01", Period.DAILY, datetime(2026, 3, 1)),  # noqa: DTZ001 - local
        ("2024-02-29", Period.DAILY, datetime(2024, 2, 29)),  # noqa: DTZ001
        ("2026-03-01T00", Period.HOURLY, datetime(2026, 3, 1)),  # noqa: DTZ001
        ("2026-03-01T23", Period.HOURLY, datetime(2026, 3, 1, 23)),  # noqa: DTZ001
        ("2026-03-01T18:15", Period.MINUTE, datetime(2026, 3, 1, 18, 15)),  # noqa: DTZ001
    ],
)
def test_an_execution_date_has_one_of_three_forms(text: str, period: Period, start: datetime) -> None:
    assert period_of(text) is period
    assert period_start(text) == start
    assert execution_date(start, period) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "today",
        "20260301",
        "2026-3-1",
        "2026-02-30",
        "2026-02-29",
        "2026-13-01",
        "2026-03-01T",
        "2026-03-01T24",
        "2026-03-01T7",
        "2026-03-01T18:60",
        "2026-03-01T18:15:00",
        "2026-03-01T18:15Z",
        "2026-03-01 18",
        "2026-03-01\n",
        "\uff12\uff10\uff12\uff16-03-01",
        "0001-01-01",
        "9999-12-31",
        "2026-W10-1",
        pytest.param("x" * 400_000, id="huge"),
    ],
)
def test_any_other_text_is_refused_with_the_forms_to_write(text: str) -> None:
    with pytest.raises(
        ValueError, match="is not an execution date: write 2026-03-01, 2026-03-01T18"
    ) as refusal:
        period_of(text)
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("1899-12-31", False), ("1900-01-01", True), ("2999-12-31", True), ("3000-01-01", False)],
)
def test_dates_are_of_years_that_every_zone_can_express(text: str, is_one: bool) -> None:
    with nullcontext() if is_one else pytest.raises(ValueError, match="is not an execution date"):
        period_start(text)


def test_exclusions_look_at_the_day_of_an_hour() -> None:
    assert calendar_date("2026-03-01T18:15") == date(2026, 3, 1)


@pytest.mark.parametrize(
    ("zone", "local", "instant"),
    [
        pytest.param(BERLIN, "2026-03-28T02:30", "2026-03-28T01:30", id="winter time"),
        pytest.param(BERLIN, "2026-03-29T01:59", "2026-03-29T00:59", id="last minute before the gap"),
        pytest.param(BERLIN, "2026-03-29T02:00", "2026-03-29T01:00", id="the gap's first minute"),
        pytest.param(BERLIN, "2026-03-29T02:30", "2026-03-29T01:00", id="inside the gap: its end"),
        pytest.param(BERLIN, "2026-03-29T03:00", "2026-03-29T01:00", id="first minute after the gap"),
        pytest.param(BERLIN, "2026-10-25T02:30", "2026-10-25T00:30", id="twice: the first"),
        pytest.param(BERLIN, "2026-10-25T03:00", "2026-10-25T02:00", id="after the repeated hour"),
        pytest.param(NEW_YORK, "2026-03-08T02:15", "2026-03-08T07:00", id="New York's gap"),
        pytest.param(NEW_YORK, "2026-11-01T01:30", "2026-11-01T05:30", id="New York's repeated hour"),
        pytest.param(LORD_HOWE, "2026-10-04T02:10", "2026-10-03T15:30", id="a gap of half an hour"),
        pytest.param(LORD_HOWE, "2026-04-05T01:45", "2026-04-04T14:45", id="half an hour twice"),
        pytest.param("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00", id="a skipped day"),
    ],
)
def test_a_local_time_is_its_first_instant_or_the_end_of_the_gap(zone: str, local: str, instant: str) -> None:
    assert instant_of(datetime.fromisoformat(local), ZoneInfo(zone)) == at(instant)


@pytest.mark.parametrize(
    ("cron", "since", "until", "expected"),
    [
        pytest.param(
            "30 6 * * *", "2026-03-01", "2026-03-03", ["2026-03-01T06:30", "2026-03-02T06:30"], id="daily"
        ),
        pytest.param(
            "0 */6 * * *",
            "2026-03-01T05:00",
            "2026-03-01T18:00",
            ["2026-03-01T06:00", "2026-03-01T12:00"],
            id="the end is left out",
        ),
        pytest.param(
            "0 6 * * *", "2026-03-01T06:00", "2026-03-01T06:01", ["2026-03-01T06:00"], id="since counts"
        ),
        pytest.param("0 6 * * *", "2026-03-01T06:00:01", "2026-03-01T07:00", [], id="just missed"),
        pytest.param("0 6 * * *", "2026-03-02", "2026-03-01", [], id="an empty range"),
        pytest.param(
            "0 0 31 * *",
            "2026-01-01",
            "2026-06-01",
            ["2026-01-31T00:00", "2026-03-31T00:00", "2026-05-31T00:00"],
            id="only long months",
        ),
        pytest.param(
            "0 0 L * *",
            "2024-01-15",
            "2024-04-01",
            ["2024-01-31T00:00", "2024-02-29T00:00", "2024-03-31T00:00"],
            id="last days, leap year",
        ),
        pytest.param(
            "0 0 29 2 *",
            "2095-01-01",
            "2105-01-01",
            ["2096-02-29T00:00", "2104-02-29T00:00"],
            id="no leap day in 2100",
        ),
        pytest.param("0 0 30 2 *", "2026-01-01", "2090-01-01", [], id="30 February"),
        pytest.param(
            "0 9 * * MON-WED",
            "2026-03-05",
            "2026-03-12",
            ["2026-03-09T09:00", "2026-03-10T09:00", "2026-03-11T09:00"],
            id="names and a range",
        ),
        pytest.param("0 9 * * 7", "2026-03-01", "2026-03-08", ["2026-03-01T09:00"], id="7 is Sunday"),
        pytest.param(
            "0 9 * jan,Mar 1", "2026-02-20", "2026-03-05", ["2026-03-02T09:00"], id="month names in a list"
        ),
        pytest.param(
            "0 0 13 * 5",
            "2026-03-01",
            "2026-04-14",
            [
                "2026-03-06T00:00",
                "2026-03-13T00:00",
                "2026-03-20T00:00",
                "2026-03-27T00:00",
                "2026-04-03T00:00",
                "2026-04-10T00:00",
                "2026-04-13T00:00",
            ],
            id="the 13th or a Friday, once when both",
        ),
        pytest.param(
            "0 0 15 * L5",
            "2026-03-01",
            "2026-04-01",
            ["2026-03-15T00:00", "2026-03-27T00:00"],
            id="the 15th or the last Friday",
        ),
        pytest.param(
            "0 0 30 2 1",
            "2026-02-16",
            "2026-03-01",
            ["2026-02-16T00:00", "2026-02-23T00:00"],
            id="an impossible day leaves the weekday",
        ),
        pytest.param(
            "10-50/20 8 4 3 ?",
            "2026-01-01",
            "2027-01-01",
            ["2026-03-04T08:10", "2026-03-04T08:30", "2026-03-04T08:50"],
            id="a stepped range",
        ),
    ],
)
def test_a_cron_fires_at_its_times(cron: str, since: str, until: str, expected: list[str]) -> None:
    assert fires(cron, since, until) == expected


@pytest.mark.parametrize(
    ("timezone", "cron", "since", "until", "expected"),
    [
        pytest.param(
            BERLIN,
            "30 2 * * *",
            "2026-03-28",
            "2026-03-31",
            ["2026-03-28T01:30", "2026-03-30T00:30"],
            id="Berlin skips it",
        ),
        pytest.param(
            BERLIN,
            "30 2 * * *",
            "2026-10-24",
            "2026-10-27",
            ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"],
            id="Berlin has it twice",
        ),
        pytest.param(
            NEW_YORK,
            "30 2 * * *",
            "2026-03-07",
            "2026-03-10",
            ["2026-03-07T07:30", "2026-03-09T06:30"],
            id="New York skips it",
        ),
        pytest.param(
            NEW_YORK,
            "30 1 * * *",
            "2026-10-31",
            "2026-11-03",
            ["2026-10-31T05:30", "2026-11-01T05:30", "2026-11-02T06:30"],
            id="New York has it twice",
        ),
        pytest.param(
            LORD_HOWE,
            "15 2 * * *",
            "2026-10-02",
            "2026-10-05",
            ["2026-10-02T15:45", "2026-10-04T15:15"],
            id="Lord Howe skips half an hour",
        ),
        pytest.param(
            LORD_HOWE,
            "45 1 * * *",
            "2026-04-03",
            "2026-04-06",
            ["2026-04-03T14:45", "2026-04-04T14:45", "2026-04-05T15:15"],
            id="Lord Howe has half an hour twice",
        ),
        pytest.param(
            BERLIN,
            "0 0 1 * *",
            "2026-03-01",
            "2026-05-01",
            ["2026-03-31T22:00", "2026-04-30T22:00"],
            id="midnight of a local month",
        ),
    ],
)
def test_fires_follow_local_time_over_a_dst_change(
    timezone: str, cron: str, since: str, until: str, expected: list[str]
) -> None:
    assert fires(cron, since, until, timezone) == expected


@pytest.mark.parametrize(
    ("timezone", "cron", "local_day", "count"),
    [
        (BERLIN, "0 * * * *", "2026-03-29", 23),
        (BERLIN, "0 * * * *", "2026-10-25", 24),
        (LORD_HOWE, "*/15 * * * *", "2026-10-04", 94),
        (LORD_HOWE, "*/15 * * * *", "2026-04-05", 96),
    ],
)
def test_a_changing_day_has_as_many_fires_as_distinct_local_times(
    timezone: str, cron: str, local_day: str, count: int
) -> None:
    zone, day = ZoneInfo(timezone), datetime.fromisoformat(local_day)
    pipeline = a_pipeline(cron=cron, timezone=timezone)

    found = list(expected_fires(pipeline, instant_of(day, zone), instant_of(day + timedelta(days=1), zone)))

    assert len(found) == len({fire_date(pipeline, fire) for fire in found}) == count


def test_the_second_pass_of_a_repeated_hour_has_no_fires() -> None:
    assert fires("*/30 * * * *", "2026-10-25T01:00", "2026-10-25T02:30", BERLIN) == ["2026-10-25T02:00"]


def test_fires_are_found_one_by_one() -> None:
    endless = expected_fires(a_pipeline(cron="* * * * *"), at("2026-01-01"), at("2900-01-01"))

    assert next(islice(endless, 2, None)) == at("2026-01-01T00:02")


def test_a_pipeline_without_a_cron_has_no_fires() -> None:
    assert list(expected_fires(a_pipeline(), at("2026-01-01"), at("2027-01-01"))) == []


def _field(low: int, high: int) -> st.SearchStrategy[tuple[str, frozenset[int]]]:
    number = st.integers(low, high)
    every = st.just(("*", frozenset(range(low, high + 1))))
    listed = st.sets(number, min_size=1, max_size=4).map(
        lambda values: (",".join(map(str, sorted(values))), frozenset(values))
    )
    stepped = st.integers(2, high).map(lambda step: (f"*/{step}", frozenset(range(low, high + 1, step))))
    # A range from a value to itself means the whole field to croniter: left out.
    ranged = st.tuples(number, number).filter(lambda ends: ends[0] < ends[1])
    return (
        every
        | listed
        | stepped
        | ranged.map(lambda ends: (f"{ends[0]}-{ends[1]}", frozenset(range(ends[0], ends[1] + 1))))
    )


@settings(max_examples=60, deadline=None)
@given(
    fields=st.tuples(_field(0, 59), _field(0, 23), _field(1, 31), _field(1, 12), _field(0, 6)),
    zone=st.sampled_from([BERLIN, NEW_YORK, LORD_HOWE, "UTC", "Asia/Kathmandu"]),
    day=st.sampled_from(
        [
            "2026-03-28",
            "2026-10-24",
            "2026-03-07",
            "2026-10-31",
            "2026-10-03",
            "2026-04-04",
            "2024-02-28",
            "2026-12-31",
        ]
    ),
)
def test_fires_are_exactly_the_minutes_whose_local_fields_match(
    fields: tuple[tuple[str, frozenset[int]], ...], zone: str, day: str
) -> None:
    cron = " ".join(text for text, _ in fields)
    minutes, hours, days, months, weekdays = (values for _, values in fields)
    both_days_set = fields[2][0] != "*" and fields[4][0] != "*"

    def matches(local: datetime) -> bool:
        by_day, by_weekday = local.day in days, local.isoweekday() % 7 in weekdays
        right_day = (by_day or by_weekday) if both_days_set else (by_day and by_weekday)
        return local.minute in minutes and local.hour in hours and local.month in months and right_day

    since = at(day)
    every_minute = (since + timedelta(minutes=n) for n in range(2 * 24 * 60))
    local_times = ((minute, minute.astimezone(ZoneInfo(zone))) for minute in every_minute)
    expected = [minute for minute, local in local_times if local.fold == 0 and matches(local)]

    assert (
        list(expected_fires(a_pipeline(cron=cron, timezone=zone), since, since + timedelta(days=2)))
        == expected
    )


@pytest.mark.parametrize(
    ("cron", "form"),
    [
        ("30 6 * * *", Period.DAILY),
        ("0 0 L * *", Period.DAILY),
        ("0 6 1,15 * mon", Period.DAILY),
        ("59/30 6 * * *", Period.DAILY),
        ("0,0 6,6 * * *", Period.DAILY),
        ("*/60 */24 * * *", Period.DAILY),
        ("0 6,18 * * *", Period.HOURLY),
        ("0 * * * *", Period.HOURLY),
        ("15 */12 * * *", Period.HOURLY),
        ("0 8-17 * * mon-fri", Period.HOURLY),
        ("0,30 6 * * *", Period.MINUTE),
        ("*/15 * * * *", Period.MINUTE),
        ("* 6 * * *", Period.MINUTE),
        ("0-1 6 1 1 *", Period.MINUTE),
    ],
)
def test_a_cron_that_fires_more_often_has_finer_dates(cron: str, form: Period) -> None:
    assert cron_form(a_pipeline(cron=cron)) is form


@pytest.mark.parametrize(
    ("pipeline", "form"),
    [
        pytest.param(a_pipeline(), Period.DAILY, id="a plain trigger"),
        pytest.param(a_pipeline(trigger=a_trigger(deadline=Deadline(30, 6))), Period.DAILY, id="HH:MM"),
        pytest.param(a_pipeline(trigger=a_trigger(deadline=Deadline(30))), Period.HOURLY, id=":MM trigger"),
        pytest.param(a_pipeline(sla=Sla(deadline=Deadline(30))), Period.HOURLY, id=":MM SLA"),
        pytest.param(
            a_pipeline(cron="0 6 * * *", sla=Sla(deadline=Deadline(30))), Period.DAILY, id="the cron decides"
        ),
    ],
)
def test_a_promise_for_every_hour_makes_a_sensor_pipeline_hourly(pipeline: Pipeline, form: Period) -> None:
    assert cron_form(pipeline) is form


@pytest.mark.parametrize(
    ("cron", "timezone", "fire", "expected"),
    [
        ("30 0 * * *", BERLIN, "2026-03-01T23:30", "2026-03-02"),
        ("0 20 * * *", NEW_YORK, "2026-03-02T01:00", "2026-03-01"),
        ("0 * * * *", BERLIN, "2026-10-25T00:00", "2026-10-25T02"),
        ("0 * * * *", BERLIN, "2026-03-29T01:00", "2026-03-29T03"),
        ("*/15 * * * *", "Asia/Kathmandu", "2026-03-01T12:30", "2026-03-01T18:15"),
    ],
)
def test_the_date_of_a_fire_is_local(cron: str, timezone: str, fire: str, expected: str) -> None:
    assert fire_date(a_pipeline(cron=cron, timezone=timezone), at(fire)) == expected


@pytest.mark.parametrize(
    ("schedule", "now", "expected"),
    [
        pytest.param({"timezone": NEW_YORK}, "2026-03-05T04:59:59", "2026-03-04", id="still yesterday there"),
        pytest.param({"timezone": NEW_YORK}, "2026-03-05T05:00", "2026-03-05", id="midnight there"),
        pytest.param(
            {"timezone": "Pacific/Kiritimati"}, "2026-03-04T10:00", "2026-03-05", id="already tomorrow"
        ),
        pytest.param({"cron": "0 6 * * *"}, "2026-03-04T05:00", "2026-03-04", id="today, before the fire"),
        pytest.param({"cron": "0 * * * *"}, "2026-03-04T05:59", "2026-03-04T05", id="this hour"),
        pytest.param(
            {"cron": "0 6,18 * * *"}, "2026-03-04T13:00", "2026-03-04T13", id="this hour, fire or not"
        ),
        pytest.param({"cron": "*/15 * * * *"}, "2026-03-04T18:29", "2026-03-04T18:15", id="this quarter"),
        pytest.param(
            {"cron": "*/15 * * * *"}, "2026-03-04T18:30:00.5", "2026-03-04T18:30", id="the new quarter"
        ),
        pytest.param(
            {"cron": "*/15 8-9 * * *"}, "2026-03-04T18:00", "2026-03-04T09:45", id="the last of today"
        ),
        pytest.param({"cron": "*/15 8-9 * * *"}, "2026-03-04T07:10", "2026-03-04T07:10", id="none yet today"),
        pytest.param(
            {"cron": "*/15 * 4 * mon"}, "2026-03-04T07:10", "2026-03-04T07:00", id="by day of month"
        ),
        pytest.param(
            {"cron": "*/20 2 * * *", "timezone": BERLIN},
            "2026-03-29T04:00",
            "2026-03-29T06:00",
            id="all skipped today",
        ),
    ],
)
def test_the_current_date_is_local(schedule: Mapping[str, Any], now: str, expected: str) -> None:
    assert current_date(a_pipeline(**schedule), datetime.fromisoformat(now).replace(tzinfo=UTC)) == expected


@pytest.mark.parametrize(
    ("deadline", "timezone", "run_date", "expected"),
    [
        pytest.param(Deadline(30, 6), "UTC", "2026-03-04", "2026-03-05T06:30", id="the day after"),
        pytest.param(Deadline(0, 0), "UTC", "2026-12-31", "2027-01-01T00:00", id="over the year"),
        pytest.param(Deadline(30, 6), "UTC", "2024-02-28", "2024-02-29T06:30", id="to the leap day"),
        pytest.param(
            Deadline(30, 6), "UTC", "2026-03-04T22", "2026-03-05T06:30", id="of an hour: the day after"
        ),
        pytest.param(Deadline(30, 6), BERLIN, "2026-03-28", "2026-03-29T04:30", id="summer time by then"),
        pytest.param(Deadline(30, 2), BERLIN, "2026-03-28", "2026-03-29T01:00", id="in the gap: its end"),
        pytest.param(Deadline(30, 2), BERLIN, "2026-10-24", "2026-10-25T00:30", id="twice: the first"),
        pytest.param(Deadline(20), "UTC", "2026-03-04T10", "2026-03-04T11:20", id="the hour after"),
        pytest.param(Deadline(20), "UTC", "2026-03-04T23", "2026-03-05T00:20", id="over midnight"),
        pytest.param(Deadline(20), "UTC", "2026-03-04T18:45", "2026-03-04T19:20", id="of a minute's hour"),
        pytest.param(Deadline(20), "UTC", "2026-03-04", "2026-03-05T00:20", id="of a day: after midnight"),
        pytest.param(Deadline(20), BERLIN, "2026-03-29T01", "2026-03-29T01:00", id="hourly into the gap"),
        pytest.param(Deadline(20), BERLIN, "2026-10-25T02", "2026-10-25T02:20", id="after the repeated hour"),
        pytest.param(Deadline(20), LORD_HOWE, "2026-10-04T01", "2026-10-03T15:30", id="half an hour's gap"),
        pytest.param(
            Deadline(59, 23), "Pacific/Kiritimati", "2999-12-31", "3000-01-01T09:59", id="the last date"
        ),
    ],
)
def test_the_trigger_deadline_counts_after_the_execution_date(
    deadline: Deadline, timezone: str, run_date: str, expected: str
) -> None:
    pipeline = a_pipeline(trigger=a_trigger(deadline=deadline), timezone=timezone)

    assert trigger_deadline(pipeline, run_date) == at(expected)


@pytest.mark.parametrize("pipeline", [a_pipeline(), a_pipeline(cron="0 6 * * *")])
def test_without_a_deadline_the_door_stays_open(pipeline: Pipeline) -> None:
    assert trigger_deadline(pipeline, "2026-03-04") is None


def test_the_window_is_counted_from_the_opening() -> None:
    pipeline = a_pipeline(evaluation=Evaluation(window=timedelta(minutes=90)))

    assert window_ends_at(pipeline, at("2026-03-04T23:00")) == at("2026-03-05T00:30")


COMPANY = Calendar("company", frozenset({date(2026, 12, 25)}), frozenset({6}))
HOLIDAYS = Calendar("holidays:US", frozenset({date(2026, 7, 3)}))
CALENDARS = {"company": COMPANY, "holidays:US": HOLIDAYS}


@pytest.mark.parametrize(
    ("exclude", "run_date", "reason"),
    [
        pytest.param(
            Exclude(weekends=True),
            "2026-03-07",
            "2026-03-07 is a Saturday, and weekends are excluded",
            id="Saturday",
        ),
        pytest.param(
            Exclude(weekends=True),
            "2026-03-08T23",
            "2026-03-08 is a Sunday, and weekends are excluded",
            id="an hour of Sunday",
        ),
        pytest.param(Exclude(weekends=True), "2026-03-06", None, id="Friday"),
        pytest.param(Exclude(weekends=True), "2026-03-09", None, id="Monday"),
        pytest.param(
            Exclude(days=(2,)),
            "2026-03-04",
            "2026-03-04 is a Wednesday, and Wednesdays are excluded",
            id="a day",
        ),
        pytest.param(Exclude(days=(2,)), "2026-03-05", None, id="another day"),
        pytest.param(
            Exclude(dates=(date(2026, 3, 4),)),
            "2026-03-04T18:15",
            "2026-03-04 is an excluded date",
            id="a date",
        ),
        pytest.param(Exclude(dates=(date(2026, 3, 4),)), "2027-03-04", None, id="the next year"),
        pytest.param(
            Exclude(calendar="company"),
            "2026-12-25",
            "2026-12-25 is excluded by the calendar company",
            id="a calendar's date",
        ),
        pytest.param(
            Exclude(calendar="company"),
            "2026-03-08",
            "2026-03-08 is excluded by the calendar company",
            id="a calendar's day",
        ),
        pytest.param(Exclude(calendar="company"), "2026-03-04", None, id="not in the calendar"),
        pytest.param(Exclude(calendar="unknown"), "2026-12-25", None, id="no such calendar"),
        pytest.param(Exclude(holidays="US"), "2026-07-03", "2026-07-03 is a holiday (US)", id="a holiday"),
        pytest.param(Exclude(holidays="DE"), "2026-07-03", None, id="holidays that nobody computed"),
    ],
)
def test_an_excluded_date_says_why(exclude: Exclude, run_date: str, reason: str | None) -> None:
    assert exclusion_reason(a_pipeline(exclude=exclude), run_date, CALENDARS) == reason


@pytest.mark.parametrize(
    ("include", "run_date", "included"),
    [
        pytest.param(Include(dates=(date(2026, 3, 4),)), "2026-03-04T10", True, id="listed"),
        pytest.param(Include(dates=(date(2026, 3, 4),)), "2026-03-05", False, id="not listed"),
        pytest.param(Include(calendar="company"), "2026-12-25", True, id="in the calendar"),
        pytest.param(Include(calendar="company"), "2026-12-24", False, id="not in the calendar"),
        pytest.param(
            Include((date(2026, 3, 4),), "company"), "2026-03-04", True, id="listed beside a calendar"
        ),
        pytest.param(Include(calendar="unknown"), "2026-12-25", False, id="no such calendar"),
    ],
)
def test_a_date_that_include_does_not_list_is_excluded(
    include: Include, run_date: str, included: bool
) -> None:
    reason = exclusion_reason(a_pipeline(include=include), run_date, CALENDARS)

    assert (reason is None) is included
    assert reason is None or "includ" in reason


def test_a_listed_date_can_still_be_excluded() -> None:
    pipeline = a_pipeline(include=Include((date(2026, 3, 7),)), exclude=Exclude(weekends=True))

    assert exclusion_reason(pipeline, "2026-03-07", {}) is not None


def test_every_calendar_that_decides_is_named() -> None:
    pipeline = a_pipeline(
        include=Include(calendar="month-ends"), exclude=Exclude(calendar="company", holidays="US")
    )

    assert calendar_names(pipeline) == ("month-ends", "company", "holidays:US")
    assert calendar_names(a_pipeline()) == ()


def test_a_calendar_is_read_from_its_row() -> None:
    row = {"PK": "CALENDAR#company", "dates": ["2026-12-25"], "days": ["Sunday"]}

    assert Calendar.from_mapping("company", row) == COMPANY
    assert Calendar.from_mapping("empty", {}) == Calendar("empty")


@pytest.mark.parametrize(
    "row",
    [
        {"dates": "2026-12-25"},
        {"dates": ["2026-02-30"]},
        {"dates": [20261225]},
        {"dates": [None]},
        {"days": ["someday"]},
        {"days": [6]},
        {"days": {"sunday": True}},
    ],
)
def test_an_unreadable_calendar_is_named(row: Mapping[str, Any]) -> None:
    with pytest.raises(ValueError, match="calendar company: "):
        Calendar.from_mapping("company", row)


@pytest.mark.parametrize("cron", ["0-0 5-5 * * *", "0 5 * * MON-MON", "0 5-5 1-1 * *"])
def test_a_range_of_one_value_is_that_value(cron: str) -> None:
    alone = cron.replace("0-0", "0").replace("5-5", "5").replace("MON-MON", "MON").replace("1-1", "1")

    assert fires(cron, "2026-03-01", "2026-04-05") == fires(alone, "2026-03-01", "2026-04-05")

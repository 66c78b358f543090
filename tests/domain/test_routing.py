"""Which sensors concern a pipeline, and which of its ended runs a write may revive."""

import pytest

from builders import a_pipeline, a_reading, a_rule, a_trigger, at
from interlock.domain.pipeline import AnyOf, Not, PostRun, UpstreamDate, UpstreamRule
from interlock.domain.routing import (
    Concerned,
    awaited_keys,
    belongs_to,
    concerned_runs,
    fires_of_date,
    watched_keys,
)

SENSOR_STARTED = a_pipeline()
DAILY = a_pipeline(cron="0 6 * * *")
HOURLY = a_pipeline(cron="0 * * * *")
QUARTER_HOURLY = a_pipeline(cron="*/15 * * * *")


def test_the_trigger_and_every_rule_are_watched_once_each():
    rules = [
        a_rule(key="orders"),
        AnyOf((a_rule(key="stock"), Not(a_rule(key="locks")))),
        a_rule(key="orders"),
        a_rule(key="upstream-complete"),
    ]

    assert watched_keys(a_pipeline(rules=rules)) == ("upstream-complete", "orders", "stock", "locks")


def test_a_rule_on_another_pipeline_watches_no_sensor_of_its_name():
    rules = [UpstreamRule("silver"), Not(UpstreamRule("bronze", UpstreamDate.WINDOW)), a_rule(key="orders")]

    assert watched_keys(a_pipeline(rules=rules)) == ("upstream-complete", "orders")


def test_a_post_run_sensor_is_watched_and_awaited_by_nobody():
    watched = PostRun((a_rule(key="audit"), a_rule(key="orders")))
    pipeline = a_pipeline(rules=[a_rule(key="orders")], post_run=watched)

    assert watched_keys(pipeline) == ("upstream-complete", "orders", "audit")
    assert awaited_keys(pipeline) == ("upstream-complete", "orders")


NEW_YORK = a_pipeline(timezone="America/New_York")


@pytest.mark.parametrize(
    ("pipeline", "period", "run_date", "written_at", "belongs"),
    [
        pytest.param(SENSOR_STARTED, None, "2026-03-02", "2026-03-02T23:59", True, id="dateless, that day"),
        pytest.param(SENSOR_STARTED, None, "2026-03-02", "2026-03-03T00:00", False, id="after midnight"),
        pytest.param(
            NEW_YORK, None, "2026-03-02", "2026-03-03T04:59", True, id="before midnight in its zone"
        ),
        pytest.param(DAILY, None, "2026-03-02", "2026-03-03T05:00", False, id="before the next fire"),
        pytest.param(HOURLY, None, "2026-03-02T10", "2026-03-02T10:59", True, id="dateless, that hour"),
        pytest.param(HOURLY, None, "2026-03-02T10", "2026-03-02T11:00", False, id="the next hour"),
        pytest.param(QUARTER_HOURLY, None, "2026-03-02T10:15", "2026-03-02T10:29", True, id="until it fires"),
        pytest.param(
            HOURLY, "2026-03-02", "2026-03-02T10", "2026-05-01T00:00", True, id="of its day, in May"
        ),
        pytest.param(
            HOURLY, "2026-03-02T11", "2026-03-02T10", "2026-03-02T10:30", False, id="another hour's"
        ),
    ],
)
def test_a_reading_belongs_to_its_period_and_a_dateless_one_to_that_of_its_writing(
    pipeline, period, run_date, written_at, belongs
):
    assert belongs_to(pipeline, a_reading(period=period), run_date, at(written_at)) is belongs


def test_a_cron_pipeline_without_rules_watches_nothing():
    assert watched_keys(DAILY) == ()


@pytest.mark.parametrize(
    ("pipeline", "period", "concerned"),
    [
        pytest.param(SENSOR_STARTED, "2026-03-02T10", Concerned(("2026-03-02T10",)), id="an hour is one run"),
        pytest.param(
            SENSOR_STARTED,
            "2026-03-02",
            Concerned(within="2026-03-02"),
            id="a day may have runs of its hours",
        ),
        pytest.param(DAILY, "2026-03-02", Concerned(("2026-03-02",)), id="a daily cron has one run a day"),
        pytest.param(
            HOURLY, "2026-03-02", Concerned(within="2026-03-02"), id="an hourly cron has one an hour"
        ),
        pytest.param(
            QUARTER_HOURLY,
            "2026-03-02T10",
            Concerned(within="2026-03-02T10"),
            id="an hour has several minutes",
        ),
        pytest.param(
            QUARTER_HOURLY, "2026-03-02T10:15", Concerned(("2026-03-02T10:15",)), id="a minute is one run"
        ),
    ],
)
def test_a_reading_of_a_period_concerns_that_period(pipeline, period, concerned):
    assert concerned_runs(pipeline, a_reading(period=period), at("2026-03-05T12:00")) == concerned


@pytest.mark.parametrize(
    ("pipeline", "written_at", "dates"),
    [
        pytest.param(SENSOR_STARTED, "2026-03-02T23:59", ("2026-03-02",), id="today"),
        pytest.param(
            a_pipeline(timezone="Asia/Tokyo"), "2026-03-02T15:00", ("2026-03-03",), id="today in its zone"
        ),
        pytest.param(DAILY, "2026-03-02T07:00", ("2026-03-02",), id="fired today"),
        pytest.param(
            DAILY, "2026-03-02T01:00", ("2026-03-02", "2026-03-01"), id="after midnight, last fired yesterday"
        ),
        pytest.param(DAILY, "2026-03-02T06:00", ("2026-03-02",), id="at the very fire"),
        pytest.param(HOURLY, "2026-03-02T10:30", ("2026-03-02T10",), id="this hour"),
        pytest.param(QUARTER_HOURLY, "2026-03-02T10:20", ("2026-03-02T10:15",), id="the latest fire"),
    ],
)
def test_a_dateless_reading_concerns_today_and_the_latest_fire(pipeline, written_at, dates):
    assert concerned_runs(pipeline, a_reading(), at(written_at)) == Concerned(dates)


def test_a_weekly_fire_of_days_ago_is_not_concerned():
    mondays = a_pipeline(cron="0 6 * * MON")

    assert concerned_runs(mondays, a_reading(), at("2026-03-05T12:00")) == Concerned(("2026-03-05",))


@pytest.mark.parametrize(
    ("schedule", "date", "fires"),
    [
        ({"cron": "0 6 * * *"}, "2026-03-02", ["2026-03-02T06:00"]),
        ({"cron": "0 6 * * MON"}, "2026-03-03", []),
        ({"cron": "0 * * * *"}, "2026-03-02T18", ["2026-03-02T18:00"]),
        ({"cron": "*/15 * * * *"}, "2026-03-02T18:15", ["2026-03-02T18:15"]),
        pytest.param(
            {"cron": "0 0 * * *", "timezone": "Pacific/Kiritimati"},
            "2026-03-02",
            ["2026-03-01T10:00"],
            id="the day that begins first",
        ),
        pytest.param(
            {"cron": "59 23 * * *", "timezone": "Pacific/Pago_Pago"},
            "2026-03-02",
            ["2026-03-03T10:59"],
            id="the day that ends last",
        ),
        pytest.param(
            {"cron": "30 2 * * *", "timezone": "Europe/Berlin"}, "2026-03-29", [], id="a time that DST skips"
        ),
        pytest.param(
            {"cron": "30 2 * * *", "timezone": "Europe/Berlin"},
            "2026-10-25",
            ["2026-10-25T00:30"],
            id="a time that happens twice",
        ),
    ],
)
def test_a_dates_fires_are_those_whose_run_it_is(schedule, date, fires):
    pipeline = a_pipeline(trigger=a_trigger(), **schedule)

    assert fires_of_date(pipeline, date) == [at(fire) for fire in fires]

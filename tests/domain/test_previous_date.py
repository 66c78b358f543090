"""The date before: by the cron's fires, or the day or hour before, without those that are excluded."""

from __future__ import annotations

from datetime import date

import pytest

from builders import a_pipeline, at
from interlock.domain.pipeline import Exclude, Include
from interlock.domain.previous_date import previous_date
from interlock.domain.schedule import Calendar, expected_dates

COMPANY = {"company": Calendar("company", frozenset({date(2026, 3, 5)}), frozenset())}


@pytest.mark.parametrize(
    ("cron", "run_date", "before"),
    [
        pytest.param("0 6 * * *", "2026-03-02", "2026-03-01", id="every day"),
        pytest.param("0 6 * * 1-5", "2026-03-09", "2026-03-06", id="Monday after Friday"),
        pytest.param("0 6 1 * *", "2026-03-01", "2026-02-01", id="a month before"),
        pytest.param("0 0 29 2 *", "2028-02-29", "2024-02-29", id="a leap day before"),
        pytest.param("0 0 29 2 *", "2104-02-29", "2096-02-29", id="leap days eight years apart"),
        pytest.param("0 6 * * *", "2026-03-02T10", "2026-03-02", id="of an hour nobody fires for"),
        pytest.param("5 * * * *", "2026-03-02T10", "2026-03-02T09", id="every hour"),
        pytest.param("5 * * * *", "2026-03-02T00", "2026-03-01T23", id="across midnight"),
        pytest.param("0 8-18 * * 1-5", "2026-03-09T08", "2026-03-06T18", id="office hours"),
        pytest.param("*/15 * * * *", "2026-03-02T10:15", "2026-03-02T10:00", id="every quarter"),
        pytest.param("*/15 9 * * *", "2026-03-02T09:00", "2026-03-01T09:45", id="quarters of one hour"),
    ],
)
def test_with_a_cron_it_is_that_of_the_fire_before(cron: str, run_date: str, before: str):
    assert previous_date(a_pipeline(cron=cron), run_date, {}) == before


@pytest.mark.parametrize(
    ("run_date", "before"),
    [
        ("2026-03-01", "2026-02-28"),
        ("2026-03-02T00", "2026-03-01T23"),
        ("2026-03-29T03", "2026-03-29T01"),  # 02:00 to 03:00 does not happen in Berlin
        ("2026-10-25T03", "2026-10-25T02"),  # and here twice, which is one date
    ],
)
def test_without_a_cron_it_is_the_day_or_the_hour_before(run_date: str, before: str):
    assert previous_date(a_pipeline(timezone="Europe/Berlin"), run_date, {}) == before


def test_a_cron_in_a_zone_skips_the_hour_that_its_clocks_skip():
    hourly = a_pipeline(cron="0 * * * *", timezone="Europe/Berlin")

    assert previous_date(hourly, "2026-03-29T03", {}) == "2026-03-29T01"


@pytest.mark.parametrize(
    ("schedule", "run_date", "before"),
    [
        ({"cron": "0 6 * * *", "exclude": Exclude(weekends=True)}, "2026-03-09", "2026-03-06"),
        ({"exclude": Exclude(weekends=True)}, "2026-03-09", "2026-03-06"),
        ({"exclude": Exclude(weekends=True)}, "2026-03-09T00", "2026-03-06T23"),
        ({"cron": "0 * * * *", "exclude": Exclude(weekends=True)}, "2026-03-09T00", "2026-03-06T23"),
        ({"exclude": Exclude(calendar="company")}, "2026-03-06", "2026-03-04"),
        ({"cron": "0 6 * * *", "exclude": Exclude(calendar="company")}, "2026-03-06", "2026-03-04"),
        ({"include": Include((date(2026, 1, 31), date(2026, 2, 28)))}, "2026-02-28", "2026-01-31"),
    ],
)
def test_what_is_excluded_is_skipped(schedule: dict[str, object], run_date: str, before: str):
    assert previous_date(a_pipeline(**schedule), run_date, COMPANY) == before


@pytest.mark.parametrize("timezone", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"])
@pytest.mark.parametrize("exclude", [None, Exclude(weekends=True), Exclude(days=(0, 2))])
@pytest.mark.parametrize(
    "cron",
    ["0 6 * * *", "30 2 * * 1-5", "0 * * * *", "*/45 1-3 * * *", "0 0 L * *", "15 12 13 * 5", None],
)
def test_it_is_the_one_before_among_those_that_are_expected(
    cron: str | None, exclude: Exclude | None, timezone: str
):
    pipeline = a_pipeline(timezone=timezone, exclude=exclude, **({"cron": cron} if cron else {}))
    expected = expected_dates(pipeline, at("2026-03-01T00:00"), at("2026-04-10T00:00"), {})
    dates = [one.date for one in expected if one.excluded is None]

    assert [previous_date(pipeline, after, {}) for after in dates[1:]] == dates[:-1]


@pytest.mark.parametrize(
    ("schedule", "run_date"),
    [
        pytest.param({"include": Include((date(2026, 1, 31),))}, "2026-01-31", id="the first included one"),
        pytest.param({"cron": "0 0 30 2 *"}, "2026-01-31", id="a cron that never fires"),
        pytest.param({}, "2026-03-02T10:15", id="minutes without a cron"),
    ],
)
def test_there_may_be_none(schedule: dict[str, object], run_date: str):
    assert previous_date(a_pipeline(**schedule), run_date, {}) is None


@pytest.mark.parametrize("run_date", ["", "yesterday", "2026-02-30", "1900-01-01"])
def test_what_is_no_date_or_has_none_before_that_could_be_written_is_refused(run_date: str):
    with pytest.raises(ValueError, match="is not an execution date"):
        previous_date(a_pipeline(), run_date, {})

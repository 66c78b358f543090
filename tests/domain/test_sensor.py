"""Readings as strangers write them: what they belong to, who may see them, and how each mistake is named."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import a_pipeline, a_reading, a_trigger, at
from hostile import hostile_values
from interlock.domain.pipeline import Deadline
from interlock.domain.schedule import period_of
from interlock.domain.sensor import (
    InvalidReading,
    Reading,
    Unseen,
    candidate_keys,
    parse_reading,
    reading_covers,
    reading_run_date,
    select_reading,
    split_key,
)


@pytest.mark.parametrize(
    ("sensor_key", "configured", "expected"),
    [
        pytest.param("orders", ["orders"], ("orders", None), id="the whole key"),
        pytest.param("orders#2026-03-04", ["orders"], ("orders", "2026-03-04"), id="a period"),
        pytest.param("orders-eu", ["orders"], None, id="never a bare prefix"),
        pytest.param("order", ["orders"], None, id="a shorter key"),
        pytest.param("Orders", ["orders"], None, id="another case"),
        pytest.param(
            "orders#eu#2026-03-04", ["orders", "orders#eu"], ("orders#eu", "2026-03-04"), id="the longest"
        ),
        pytest.param("orders#eu", ["orders#eu", "orders"], ("orders#eu", None), id="a key with a hash"),
        pytest.param("orders#eu", ["orders"], ("orders", "eu"), id="a suffix that is no period"),
        pytest.param("orders#", ["orders"], ("orders", ""), id="an empty suffix"),
        pytest.param("orders", [], None, id="nothing configured"),
    ],
)
def test_a_sensor_key_means_the_longest_configured_key(
    sensor_key: str, configured: list[str], expected: tuple[str, str | None] | None
) -> None:
    assert split_key(sensor_key, configured) == expected


@pytest.mark.parametrize(
    ("attributes", "values"),
    [
        pytest.param({"data": {"count": 5}}, {"count": 5}, id="a data map"),
        pytest.param({"count": 5}, {"count": 5}, id="flat"),
        pytest.param({}, {}, id="nothing but its key"),
        pytest.param({"data": {}}, {}, id="an empty map"),
        pytest.param({"data": {"count": 5}, "count": 4}, {"count": 5}, id="the map wins"),
        pytest.param({"data": {"count": 5}, "ttl": 99}, {"count": 5}, id="ttl is the table's"),
        pytest.param({"data": {"PK": "x", "ttl": 9}}, {}, id="in the map as well"),
    ],
)
def test_flat_and_nested_readings_mean_the_same(attributes: dict[str, Any], values: dict[str, Any]) -> None:
    item = {"PK": "PIPELINE#gold", "SK": "SENSOR#orders", **attributes}

    assert parse_reading("orders", "orders", item).values == values


@pytest.mark.parametrize(
    ("suffix", "values", "period"),
    [
        pytest.param(None, {}, None, id="dateless"),
        pytest.param(None, {"date": "2026-03-04"}, "2026-03-04", id="dashed"),
        pytest.param(None, {"date": "20260304"}, "2026-03-04", id="compact"),
        pytest.param(None, {"date": Decimal(20260304)}, "2026-03-04", id="compact, a number"),
        pytest.param(None, {"date": "2024-02-29"}, "2024-02-29", id="leap day"),
        pytest.param(None, {"date": "2026-03-04", "hour": "07"}, "2026-03-04T07", id="two digits"),
        pytest.param(None, {"date": "2026-03-04", "hour": "7"}, "2026-03-04T07", id="one digit"),
        pytest.param(None, {"date": "2026-03-04", "hour": 0}, "2026-03-04T00", id="a number"),
        pytest.param(
            None, {"date": "2026-03-04", "hour": Decimal("23")}, "2026-03-04T23", id="DynamoDB's number"
        ),
        pytest.param(None, {"date": "2026-03-04", "hour": 7.0}, "2026-03-04T07", id="a whole float"),
        pytest.param("2026-03-04", {}, "2026-03-04", id="a day's key"),
        pytest.param("20260304", {}, "2026-03-04", id="a day's compact key"),
        pytest.param("2026-03-04T10", {}, "2026-03-04T10", id="an hour's key"),
        pytest.param("20260304T10", {}, "2026-03-04T10", id="an hour's compact key"),
        pytest.param("2026-03-04T18:15", {}, "2026-03-04T18:15", id="a minute's key"),
        pytest.param("20260304T18:15", {}, "2026-03-04T18:15", id="a minute's compact key"),
        pytest.param("20260304T10", {"date": "2026-03-04", "hour": 10}, "2026-03-04T10", id="both agree"),
        pytest.param("2026-03-04T10", {"date": "20260304"}, "2026-03-04T10", id="the key is finer"),
        pytest.param("2026-03-04T10", {"hour": 10}, "2026-03-04T10", id="the key has the date"),
        pytest.param(
            "2026-03-04", {"date": "2026-03-04", "hour": 10}, "2026-03-04T10", id="the values are finer"
        ),
        pytest.param("2026-03-04", {"hour": 10}, "2026-03-04T10", id="the hour of the key's day"),
    ],
)
def test_the_period_is_in_the_key_or_in_the_values(
    suffix: str | None, values: dict[str, Any], period: str | None
) -> None:
    sensor_key = "orders" if suffix is None else f"orders#{suffix}"

    assert parse_reading(sensor_key, "orders", {"data": values}).period == period


def test_a_date_beside_the_data_map_counts() -> None:
    assert (
        parse_reading("orders", "orders", {"data": {"count": 1}, "date": "2026-03-04"}).period == "2026-03-04"
    )


@pytest.mark.parametrize(
    "date",
    [
        "",
        "today",
        "2026-02-30",
        "2025-02-29",
        "2026-13-01",
        "2026-3-4",
        "04.03.2026",
        "2026-03-04T10",
        "2026-03-04T10:00:00Z",
        " 2026-03-04",
        "2026-0304",
        "9999-12-31",
        None,
        True,
        20261340,
        1772582400,
        20260304.5,
        float("nan"),
        Decimal("sNaN"),
        Decimal("1E+999999"),
        b"2026-03-04",
        ["2026-03-04"],
        {"2026-03-04"},
        {"date": 1},
        pytest.param("x" * 400_000, id="huge"),
    ],
)
def test_a_date_that_is_no_date_is_an_error_not_today(date: Any) -> None:
    with pytest.raises(
        InvalidReading, match=r"orders: `date` is .*; write 2026-03-04 or 20260304"
    ) as refusal:
        parse_reading("orders", "orders", {"date": date})
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize(
    "hour",
    [
        "",
        "24",
        24,
        -1,
        "-1",
        "007",
        "7:00",
        " 7",
        "٣",
        None,
        False,
        7.5,
        float("inf"),
        Decimal("NaN"),
        Decimal("7.5"),
        b"7",
        [7],
        {7},
        pytest.param("7" * 400_000, id="huge"),
    ],
)
def test_an_hour_that_is_no_hour_is_an_error(hour: Any) -> None:
    with pytest.raises(InvalidReading, match=r"orders: `hour` is .*; write 00 to 23") as refusal:
        parse_reading("orders", "orders", {"date": "2026-03-04", "hour": hour})
    assert len(str(refusal.value)) < 200


def test_an_hour_without_a_date_is_not_guessed() -> None:
    with pytest.raises(InvalidReading, match="`hour` is 10 without a `date`; write both, or neither"):
        parse_reading("orders", "orders", {"hour": 10})


@pytest.mark.parametrize(
    ("suffix", "values"),
    [
        pytest.param("2026-03-04", {"date": "2026-03-05"}, id="another day"),
        pytest.param("2026-03-04T10", {"date": "2026-03-05"}, id="an hour of another day"),
        pytest.param("2026-03-04T10", {"date": "2026-03-04", "hour": 11}, id="another hour"),
        pytest.param("2026-03-04T10", {"hour": 11}, id="another hour of the key's day"),
        pytest.param("2026-03-04T18:15", {"date": "2026-03-04", "hour": 19}, id="a minute of another hour"),
    ],
)
def test_a_key_and_a_date_that_disagree_are_an_error(suffix: str, values: dict[str, Any]) -> None:
    with pytest.raises(InvalidReading, match=r"the key says .* say .*; write one period in both"):
        parse_reading(f"orders#{suffix}", "orders", values)


@pytest.mark.parametrize(
    "suffix",
    [
        "",
        "eu",
        "2026-03-04T",
        "2026-03-04T7",
        "2026-03-04T24",
        "2026-02-30",
        "2026-0304",
        "2026-03-04#",
        "\x00",
        pytest.param("x" * 1000, id="long"),
    ],
)
def test_a_suffix_that_is_no_period_is_an_error(suffix: str) -> None:
    with pytest.raises(InvalidReading, match="is not a period; after `#` write 2026-03-04") as refusal:
        parse_reading(f"orders#{suffix}", "orders", {})
    assert str(refusal.value).isprintable()
    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize("data", ["{}", None, [1], 5, b"{}"])
def test_data_that_is_no_map_is_an_error(data: Any) -> None:
    with pytest.raises(InvalidReading, match=r"`data` is .*; write a map of values"):
        parse_reading("orders", "orders", {"data": data})


@given(
    suffix=st.sampled_from(["", "#2026-03-04", "#20260304T10"]) | st.text(max_size=30).map("#{}".format),
    attributes=st.dictionaries(
        st.sampled_from(["data", "date", "hour", "updatedAt", "ttl", "count"]), hostile_values()
    ),
)
@settings(deadline=None)
def test_whatever_is_written_is_a_reading_or_a_named_error(suffix: str, attributes: dict[str, Any]) -> None:
    said = _period_or_mistake(f"orders{suffix}", attributes)

    assert len(said.encode()) < 1500
    assert said.startswith(("no period", "orders", '"orders')) or period_of(said)


def _period_or_mistake(sensor_key: str, attributes: dict[str, Any]) -> str:
    try:
        return parse_reading(sensor_key, "orders", attributes).period or "no period"
    except InvalidReading as mistake:
        return str(mistake)


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-03-04T10:00:00Z", "2026-03-04T10:00"),
        (1772618400, "2026-03-04T10:00"),
        ("nonsense", None),
        (None, None),
    ],
)
def test_a_reading_knows_when_it_was_updated(written: Any, instant: str | None) -> None:
    reading = parse_reading("orders", "orders", {"data": {"updatedAt": written}})

    assert reading.updated_at == (at(instant) if instant else None)


@pytest.mark.parametrize(
    ("run_date", "keys"),
    [
        ("2026-03-04", ("k#2026-03-04", "k#20260304", "k")),
        ("2026-03-04T10", ("k#2026-03-04T10", "k#20260304T10", "k#2026-03-04", "k#20260304", "k")),
        (
            "2026-03-04T18:15",
            (
                "k#2026-03-04T18:15",
                "k#20260304T18:15",
                "k#2026-03-04T18",
                "k#20260304T18",
                "k#2026-03-04",
                "k#20260304",
                "k",
            ),
        ),
    ],
)
def test_a_run_looks_for_its_own_period_first(run_date: str, keys: tuple[str, ...]) -> None:
    assert candidate_keys("k", run_date) == keys


@pytest.mark.parametrize("run_date", ["2026-03-04", "2026-03-04T10", "2026-03-04T18:15"])
def test_every_key_that_a_run_looks_for_can_be_read_by_it(run_date: str) -> None:
    for sensor_key in candidate_keys("orders", run_date):
        assert select_reading("orders", run_date, {sensor_key: {"count": 1}}) == parse_reading(
            sensor_key, "orders", {"count": 1}
        )


@pytest.mark.parametrize(
    ("period", "run_date", "covers"),
    [
        (None, "2026-03-04", True),
        ("2026-03-04", "2026-03-04", True),
        ("2026-03-04", "2026-03-04T10", True),
        ("2026-03-04", "2026-03-04T18:15", True),
        ("2026-03-04T18", "2026-03-04T18:15", True),
        ("2026-03-04T10", "2026-03-04T10", True),
        ("2026-03-04", "2026-03-05", False),
        ("2026-03-04", "2026-03-05T10", False),
        ("2026-03-04T10", "2026-03-04", False),
        ("2026-03-04T10", "2026-03-04T11", False),
        ("2026-03-04T18:15", "2026-03-04T18:16", False),
        ("2026-03-04T18:15", "2026-03-04T18", False),
    ],
)
def test_a_reading_is_seen_by_the_runs_inside_its_period(
    period: str | None, run_date: str, covers: bool
) -> None:
    assert reading_covers(period, run_date) is covers


@pytest.mark.parametrize(
    ("run_date", "found", "seen"),
    [
        pytest.param("2026-03-04", {"k": {}}, "k", id="dateless: seen by all"),
        pytest.param("2026-03-04", {"k": {"date": "20260304"}}, "k", id="plain, of this date"),
        pytest.param("2026-03-04T10", {"k": {"date": "2026-03-04"}}, "k", id="plain, of every hour"),
        pytest.param("2026-03-04", {"k": {}, "k#2026-03-04": {}}, "k#2026-03-04", id="own before plain"),
        pytest.param("2026-03-04", {"k#20260304": {}, "k#2026-03-04": {}}, "k#2026-03-04", id="dashed first"),
        pytest.param(
            "2026-03-04T10", {"k#2026-03-04": {}, "k#20260304T10": {}}, "k#20260304T10", id="hour first"
        ),
        pytest.param(
            "2026-03-04T11",
            {"k#2026-03-04": {"hour": 10}, "k": {}},
            "k",
            id="the day's key, one hour's value",
        ),
    ],
)
def test_a_run_sees_the_nearest_reading(run_date: str, found: Mapping[str, Any], seen: str) -> None:
    reading = select_reading("k", run_date, found)

    assert isinstance(reading, Reading)
    assert reading.source == seen


@pytest.mark.parametrize(
    ("run_date", "found", "reason"),
    [
        pytest.param("2026-03-04", {}, "k was never reported", id="nothing"),
        pytest.param(
            "2026-03-04",
            {"k": {"date": "2026-03-03"}},
            "k was reported for 2026-03-03, not for 2026-03-04",
            id="yesterday's",
        ),
        pytest.param(
            "2026-03-04T10",
            {"k": {"date": "2026-03-04", "hour": 9}},
            "k was reported for 2026-03-04T09, not for 2026-03-04T10",
            id="the last hour's",
        ),
        pytest.param(
            "2026-03-04",
            {"k": {"date": "2026-03-04", "hour": 9}},
            "k was reported for 2026-03-04T09, not for 2026-03-04",
            id="one hour is not the day",
        ),
        pytest.param(
            "2026-03-04",
            {"k": {"date": "soon"}},
            'k has an invalid reading: k: `date` is "soon"; write 2026-03-04 or 20260304',
            id="invalid",
        ),
        pytest.param(
            "2026-03-04",
            {"k#2026-03-04": {"hour": 24}, "k": {}},
            "k has an invalid reading: k#2026-03-04: `hour` is 24; write 00 to 23",
            id="an invalid one hides the plain one",
        ),
    ],
)
def test_an_unseen_sensor_says_why(run_date: str, found: Mapping[str, Any], reason: str) -> None:
    seen = select_reading("k", run_date, found)

    assert isinstance(seen, Unseen)
    assert (seen.key, seen.reason) == ("k", reason)


@pytest.mark.parametrize(
    ("schedule", "period", "written_at", "run_date"),
    [
        pytest.param({}, "2026-03-04", "2026-03-09", "2026-03-04", id="its own day"),
        pytest.param({}, "2026-03-04T10", "2026-03-09", "2026-03-04T10", id="its own hour"),
        pytest.param(
            {"timezone": "America/New_York"}, None, "2026-03-05T04:59", "2026-03-04", id="today, there"
        ),
        pytest.param(
            {"timezone": "Europe/Berlin"}, None, "2026-03-04T23:30", "2026-03-05", id="tomorrow, there"
        ),
        pytest.param(
            {"trigger": a_trigger(deadline=Deadline(30))},
            None,
            "2026-03-04T10:59",
            "2026-03-04T10",
            id="every hour is promised",
        ),
        pytest.param(
            {"cron": "0 6 * * *"}, "2026-03-04", "2026-03-09", "2026-03-04", id="daily cron, its day"
        ),
        pytest.param(
            {"cron": "0 6 * * *"}, "2026-03-04T10", "2026-03-09", "2026-03-04", id="daily cron, finer"
        ),
        pytest.param(
            {"cron": "0 6 * * *"}, None, "2026-03-04T05:00", "2026-03-04", id="daily cron, dateless"
        ),
        pytest.param(
            {"cron": "0 * * * *"}, "2026-03-04T10", "2026-03-09", "2026-03-04T10", id="hourly cron, its hour"
        ),
        pytest.param(
            {"cron": "0 * * * *"}, "2026-03-04T10:45", "2026-03-09", "2026-03-04T10", id="hourly cron, finer"
        ),
        pytest.param(
            {"cron": "0 * * * *"}, None, "2026-03-04T10:59", "2026-03-04T10", id="hourly cron, dateless"
        ),
        pytest.param(
            {"cron": "*/15 * * * *"}, "2026-03-04T10:45", "2026-03-09", "2026-03-04T10:45", id="minute cron"
        ),
        pytest.param(
            {"cron": "*/15 * * * *"}, None, "2026-03-04T10:59", "2026-03-04T10:45", id="minute cron, dateless"
        ),
    ],
)
def test_a_trigger_opens_the_run_of_its_reading(
    schedule: Mapping[str, Any], period: str | None, written_at: str, run_date: str
) -> None:
    assert reading_run_date(a_reading(period=period), a_pipeline(**schedule), at(written_at)) == run_date


@pytest.mark.parametrize(
    ("cron", "period", "advice"),
    [
        (
            "0 * * * *",
            "2026-03-04",
            "the cron is hourly; write `hour` beside `date`, or no `date` for the current hour",
        ),
        ("*/15 * * * *", "2026-03-04", "the cron is minute; end the key with #2026-03-04T18:15"),
        ("*/15 * * * *", "2026-03-04T10", "the cron is minute; end the key with #2026-03-04T18:15"),
    ],
)
def test_a_trigger_too_coarse_for_the_cron_is_an_error(cron: str, period: str, advice: str) -> None:
    with pytest.raises(InvalidReading, match=advice):
        reading_run_date(a_reading(period=period), a_pipeline(cron=cron), datetime(2026, 3, 4, tzinfo=UTC))

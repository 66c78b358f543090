"""Numbers, instants and texts of strangers: what they mean, and that nothing of any size breaks their showing."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings

from builders import at
from hostile import deeply_nested, hostile_values
from interlock.domain.sensor_value import (
    as_number,
    baseline_value,
    duration_text,
    json_safe,
    number_text,
    parse_instant,
    shortened,
    shown,
)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (10, Decimal(10)),
        (10.0, Decimal(10)),
        ("10", Decimal(10)),
        (" 10\n", Decimal(10)),
        ("-1.5", Decimal("-1.5")),
        ("+.5", Decimal("0.5")),
        ("1e3", Decimal(1000)),
        (0.1, Decimal("0.1")),
        (Decimal("0.1"), Decimal("0.1")),
        (True, None),
        ("true", None),
        ("", None),
        ("1_000", None),
        ("1,000", None),
        ("0x10", None),
        ("١٢", None),
        ("nan", None),
        ("Infinity", None),
        ("1e9999999", None),
        ("9" * 101, None),
        (float("nan"), None),
        (float("inf"), None),
        (Decimal("sNaN"), None),
        (Decimal("Infinity"), None),
        (None, None),
        (b"10", None),
        ([10], None),
    ],
)
def test_numbers_and_numeric_texts_are_numbers(value: Any, number: Decimal | None) -> None:
    assert as_number(value) == number


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        pytest.param("2026-03-04T10:00:00Z", "2026-03-04T10:00", id="ISO, Z"),
        pytest.param("2026-03-04T10:00:00+02:00", "2026-03-04T08:00", id="ISO, offset"),
        pytest.param("2026-03-04T10:00:00", "2026-03-04T10:00", id="ISO without offset is UTC"),
        pytest.param("2026-03-04 10:00", "2026-03-04T10:00", id="ISO with a space"),
        pytest.param("2026-03-04T10:00:00.123456789Z", "2026-03-04T10:00:00.123456", id="nanoseconds"),
        pytest.param("20260304T100000Z", "2026-03-04T10:00", id="ISO, compact"),
        pytest.param("2026-03-04", "2026-03-04", id="a date"),
        pytest.param("20260304", "2026-03-04", id="a compact date"),
        pytest.param(1772618400, "2026-03-04T10:00", id="seconds"),
        pytest.param(Decimal("1772618400"), "2026-03-04T10:00", id="seconds, DynamoDB's number"),
        pytest.param(1772618400.5, "2026-03-04T10:00:00.5", id="seconds, a float"),
        pytest.param("1772618400", "2026-03-04T10:00", id="seconds, text"),
        pytest.param("1772618400.25", "2026-03-04T10:00:00.25", id="seconds, text with a fraction"),
        pytest.param(1772618400123, "2026-03-04T10:00:00.123", id="milliseconds"),
        pytest.param("1772618400123", "2026-03-04T10:00:00.123", id="milliseconds, text"),
        pytest.param("2012121212345", "2033-10-05T10:33:32.345", id="milliseconds that look like a date"),
        pytest.param(0, "1970-01-01", id="the epoch"),
        pytest.param(10**11 - 1, "5138-11-16T09:46:39", id="the last second"),
        pytest.param(10**11, "1973-03-03T09:46:40", id="the first millisecond"),
    ],
)
def test_an_instant_is_iso_or_an_epoch(value: Any, instant: str) -> None:
    assert parse_instant(value) == at(instant)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "yesterday",
        "2026-02-30",
        "2026-03",
        "10:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-01:00",
        True,
        None,
        -1,
        10**14,
        1772618400 * 10**9,
        float("nan"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        Decimal("1E+999999"),
        b"2026-03-04",
        ["2026-03-04"],
        "2026-03-04" + " " * 400_000,
    ],
)
def test_what_is_neither_is_no_instant(value: Any) -> None:
    assert parse_instant(value) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("ready", '"ready"'),
        ('a "b"\n', r'"a \"b\"\n"'),
        ("\x1b[31m", r'"\u001b[31m"'),
        ("größe", '"größe"'),
        ("\ud800", r'"\ud800"'),
        (True, "true"),
        (None, "null"),
        (1000000, "1000000"),
        (Decimal("1E+6"), "1000000"),
        (Decimal("0.5"), "0.5"),
        (Decimal("sNaN"), "sNaN"),
        (Decimal("1E+999999"), "1E+999999"),
        pytest.param(10**5000, "a number of 16610 bits", id="5001 digits"),
        (0.1, "0.1"),
        ([1, Decimal("2.50")], "[1, 2.50]"),
        ({"a": {"b": [[[1]]]}}, "{'a': {'b': [[...]]}}"),
        ([10**5000], "[a number of 16610 bits]"),
        pytest.param("x" * 400_000, '"' + "x" * 78 + "…", id="huge"),
    ],
)
def test_a_value_is_shown_as_one_short_line(value: Any, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (None, None),
        (True, True),
        ("x", "x"),
        ("10", "10"),
        (Decimal(1000), 1000),
        (Decimal("1.50"), 1.5),
        (2.5, 2.5),
        (10**38 - 1, 10**38 - 1),
        (10**38, "1" + "0" * 38),
        (-(10**38), "-1" + "0" * 38),
        (Decimal("0.1234567890123456789"), "0.1234567890123456789"),
        (1e-200, "1e-200"),
        (float("nan"), "nan"),
        (timedelta(hours=1, minutes=30), "1h30m"),
        ([1], "[1]"),
    ],
)
def test_a_value_is_kept_as_json_and_dynamodb_carry_it(value: Any, kept: Any) -> None:
    assert json_safe(value) == kept
    assert type(json_safe(value)) is type(kept)


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(seconds=90), "1m30s"),
        (timedelta(days=2), "2d"),
        (timedelta(days=1, seconds=3601), "1d1h1s"),
        (timedelta(), "0s"),
    ],
)
def test_a_duration_is_shown_as_the_yaml_writes_it(duration: timedelta, text: str) -> None:
    assert duration_text(duration) == text


def test_a_text_is_shortened_only_beyond_the_limit() -> None:
    assert shortened("x" * 80, 80) == "x" * 80
    assert shortened("x" * 81, 80) == "x" * 79 + "…"
    assert shortened("ß" * 80, 80) == "ß" * 80


def test_the_baseline_keeps_a_text_of_200_characters_as_it_is() -> None:
    assert baseline_value("x" * 200) == "x" * 200
    assert baseline_value("x" * 201).startswith("sha256:")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"a": 1, "b": [2]}, {"b": [2], "a": 1}, id="a map has no order"),
        pytest.param({"x", "y", "z"}, {"z", "y", "x"}, id="nor has a set"),
        pytest.param([Decimal("1")], [1], id="a number is a number"),
    ],
)
def test_the_same_structure_has_the_same_digest(one: Any, other: Any) -> None:
    assert baseline_value(one) == baseline_value(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(["a", "b"], ["b", "a"], id="a list has an order"),
        pytest.param({"a": 1}, {"a": 2}, id="another value"),
        pytest.param("x" * 400_000, "x" * 399_999 + "y", id="the last letter of many"),
        pytest.param([True], ["true"], id="a truth is not a text"),
    ],
)
def test_another_structure_has_another_digest(one: Any, other: Any) -> None:
    assert baseline_value(one) != baseline_value(other)


@given(value=hostile_values())
@settings(deadline=None)
def test_whatever_is_written_can_be_shown_kept_and_compared(value: Any) -> None:
    as_number(value)
    parse_instant(value)

    assert len(shown(value)) <= 80
    assert len(json.dumps([json_safe(value), baseline_value(value)], allow_nan=False).encode()) < 4000


def _deep_map() -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(5_000):
        value = {"k": value}
    return value


def test_huge_values_are_shown_and_kept() -> None:
    for value in (10**5_000, deeply_nested(), [10**5_000], {"k" * 9999: deeply_nested()}, _deep_map()):
        assert len(shown(value)) <= 80
        assert json_safe(value) == shown(value, 200)
        assert baseline_value(value) == baseline_value(value)


def test_a_number_of_ordinary_size_is_written_out() -> None:
    assert number_text(-(10**39)) == "-1" + "0" * 39

"""Values from outside, as one line that is safe to show."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.domain.plain_text import clock, duration, one_line, parse_instant, shown


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("a\nb\r\n\tc", "a b c", id="breaks become one blank"),
        pytest.param("a\u2028b\u2029c", "a b c", id="also the separators that only some clients break at"),
        pytest.param("\x1b[31mred\x07", "[31mred", id="no escape sequence reaches a terminal"),
        pytest.param("invoice\u202excod.exe", "invoicexcod.exe", id="no right-to-left override"),
        pytest.param("pay\u200bload\ufeff", "payload", id="no zero-width characters"),
        pytest.param("half \ud800 pair", "half \ufffd pair", id="half a surrogate pair is replaced"),
        pytest.param("naïve 数据 ✅", "naïve 数据 ✅", id="other letters stay"),
    ],
)
def test_a_line_holds_nothing_that_hides(text, line):
    assert one_line(text, 100) == line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("x" * 10, "x" * 10, id="exactly as long as allowed"),
        pytest.param("x" * 11, "x" * 9 + "…", id="one too long"),
        pytest.param(" " * 400_000, "…", id="blanks without end"),
        pytest.param("a" + "\u200b" * 1000 + "b", "a…", id="cut although little is left to see"),
    ],
)
def test_a_line_is_cut_where_it_gets_too_long(text, line):
    assert one_line(text, 10) == line


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nothing"),
        (True, "true"),
        (998, "998"),
        (Decimal("0.10"), "0.10"),
        (float("nan"), "nan"),
        ("late", "late"),
        ({"b": [1, None]}, '{"b": [1, null]}'),
        (datetime(2026, 3, 2, 8, 15, tzinfo=UTC), "2026-03-02 08:15:00 UTC"),
    ],
)
def test_a_value_is_shown_as_people_write_it(value, text):
    assert shown(value) == text


def test_a_number_of_endless_digits_is_named_not_shown():
    assert shown(10**5000) == "(something too odd to show)"


def test_a_value_nested_beyond_reason_is_named_not_shown():
    value = []
    for _ in range(100_000):
        value = [value]

    assert shown(value) == "(something too odd to show)"


@settings(deadline=None)  # a busy machine is no failure
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(), lambda inner: st.lists(inner)
    )
)
def test_whatever_is_shown_is_one_bounded_line(value):
    text = shown(value, 50)

    assert len(text) <= 50
    assert "\n" not in text


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("2026-03-02T08:15:00Z", datetime(2026, 3, 2, 8, 15, tzinfo=UTC)),
        ("2026-03-02T09:15:00+01:00", datetime(2026, 3, 2, 8, 15, tzinfo=UTC)),
        pytest.param(
            "2026-03-02T08:15:00", datetime(2026, 3, 2, 8, 15, tzinfo=UTC), id="without an offset: UTC"
        ),
        ("soon", None),
        ("", None),
        (1772439300, None),
        pytest.param(
            datetime.max.replace(tzinfo=timezone(-timedelta(hours=1))), None, id="past the last year"
        ),
    ],
)
def test_an_instant_is_read_or_none(value, instant):
    assert parse_instant(value) == instant


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0s"),
        (59, "59s"),
        (60, "1m"),
        (61, "1m 1s"),
        (3600, "1h"),
        (3661, "1h 1m"),
        (86400, "1d"),
        (97_200, "1d 3h"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds, text):
    assert duration(timedelta(seconds=seconds)) == text


def test_a_clock_names_the_date_only_when_it_is_another():
    at = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)

    assert clock(at, at) == "08:15 UTC"
    assert clock(at, at + timedelta(days=1)) == "2026-03-02 08:15 UTC"

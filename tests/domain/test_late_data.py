"""Is a value another one than the run read? As rules compare values, field by field."""

from decimal import Decimal

import pytest

from builders import a_reading
from interlock.domain.late_data import REJECTED, differences, remembered, value_mark, written_mark
from interlock.domain.sensor import Unseen

FIELDS = {"row-count": ("count",)}


def changed(before, values, fields=FIELDS):
    found = differences({"row-count": before}, fields, {"row-count": a_reading(values)})
    return [(one.field, one.before, one.value) for one in found]


@pytest.mark.parametrize(
    ("before", "now"),
    [
        pytest.param(10, "10", id="text"),
        pytest.param(10, 10.0, id="a fraction of nothing"),
        pytest.param(1000000, "1e6", id="an exponent"),
        pytest.param(0.1, Decimal("0.10"), id="trailing zeros"),
        pytest.param(True, "true", id="truth as text"),
        pytest.param("FALSE", False, id="untruth as text"),
        pytest.param("ready", "ready", id="text as it was"),
        pytest.param("9" * 90, "+" + "9" * 90, id="more digits than a number in a table"),
    ],
)
def test_the_same_value_in_another_form_is_no_difference(before, now):
    assert changed({"count": before}, {"count": now}) == []


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (10, 11),
        (10, "10.5"),
        pytest.param(1, True, id="one is not truth"),
        pytest.param("ready", "Ready", id="texts keep their case"),
        pytest.param("1" + "0" * 60, "1" + "0" * 59 + "1", id="the last of sixty digits"),
        pytest.param(0, "0x0", id="what looks like a number"),
    ],
)
def test_another_value_is_a_difference(before, now):
    assert changed({"count": before}, {"count": now}) == [("count", before, now)]


def test_values_too_long_to_keep_are_told_apart_by_their_digest():
    one, other = {"count": "x" * 10_000}, {"count": "x" * 9_999 + "y"}
    read = {
        "count": differences({"row-count": {"count": None}}, FIELDS, {"row-count": a_reading(one)})[0].value
    }

    assert changed(read, one) == []
    assert len(changed(read, other)) == 1


def test_a_value_that_appears_is_a_difference_and_one_that_is_gone_is_none():
    assert changed({"count": None}, {"count": 3}) == [("count", None, 3)]
    assert changed({"count": 3}, {"note": "no count"}) == []
    assert changed({"count": 3}, {"count": None}) == []


def test_a_sensor_that_is_gone_is_no_difference():
    gone = {"row-count": Unseen("row-count", "row-count was never reported")}

    assert differences({"row-count": {"count": 3}}, FIELDS, gone) == []


def test_a_field_that_nobody_looked_at_when_the_run_succeeded_is_no_difference():
    assert changed({"count": 3}, {"count": 3, "bytes": 9}, {"row-count": ("count", "bytes")}) == []


def test_a_field_inside_a_map_is_compared_by_its_path():
    assert changed({"a.b": 1}, {"a": {"b": 2, "c": 1}}, {"row-count": ("a.b",)}) == [("a.b", 1, 2)]


def test_a_difference_is_one_fact_in_whatever_form_its_value_comes():
    def facts(value):
        readings = {"row-count": a_reading({"count": value})}
        return [one.fact for one in differences({"row-count": {"count": 1}}, FIELDS, readings)]

    assert facts(12) == facts("12.0")
    assert facts(12) != facts(13)


def test_no_value_and_the_word_none_are_marked_apart():
    assert value_mark(None) != value_mark("None")


def test_what_is_remembered_of_values_is_bounded_and_the_marks_stay():
    told = remembered((), written_mark("audit"), REJECTED)
    for number in range(500):
        told = remembered(told, f"late:count.{number}")

    assert told[:2] == (written_mark("audit"), REJECTED)
    assert (len(told), told[-1]) == (102, "late:count.499")


def test_of_each_field_the_last_value_is_remembered_however_many_fields_there_are():
    fields = [f"late:{number}.new" for number in range(300)]

    told = remembered(remembered((), *fields), *(f"late:restless.{number}" for number in range(500)))

    assert set(fields) < set(told)


def test_a_fact_is_remembered_once():
    assert remembered(("late:1",), "late:1", "late:2") == ("late:1", "late:2")

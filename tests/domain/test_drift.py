"""How far a number moved, against a threshold in its own unit or in percent."""

from decimal import Decimal

import pytest

from builders import a_reading
from interlock.domain.drift import find_drift
from interlock.domain.pipeline import PostRun
from interlock.domain.sensor import Unseen


def drift(baseline, value, threshold="0", *, percent=False, field=None, read=None):
    post_run = PostRun((), field, Decimal(threshold), percent)
    return find_drift(
        post_run, "orders", read or {field or "count": baseline}, a_reading({field or "count": value})
    )


@pytest.mark.parametrize(
    ("baseline", "value", "threshold", "drifts"),
    [
        (1000, 1050, "50", False),
        (1000, 1051, "50", True),
        (1000, 950, "50", False),
        (1000, 949, "50", True),
        pytest.param(1000, 1001, "0", True, id="the default threshold: any change"),
        pytest.param(1000, 1000, "0", False, id="none"),
        pytest.param("1000", "1000.0", "0", False, id="none, in another form"),
        pytest.param(0.1, 0.3, "0.2", False, id="a tenth is a tenth"),
        pytest.param(-10, 10, "19.9", True, id="through zero"),
        pytest.param("1" + "0" * 60, "1" + "0" * 59 + "1", "0", True, id="the last of sixty digits"),
        pytest.param("1e999", "1e-999", "5", True, id="as far apart as can be written"),
    ],
)
def test_a_number_drifts_by_strictly_more_than_the_threshold(baseline, value, threshold, drifts):
    assert (drift(baseline, value, threshold) is not None) is drifts


@pytest.mark.parametrize(
    ("baseline", "value", "percent", "drifts"),
    [
        (2000, 2100, "5", False),
        (2000, 2101, "5", True),
        (2000, 1900, "5", False),
        (2000, 1899, "5", True),
        pytest.param(-2000, -2100, "5", False, id="of the size of the baseline, below zero"),
        pytest.param(-2000, -2101, "5", True, id="more, below zero"),
        pytest.param(3, 3.1, "3.3", True, id="a third is not cut"),
        pytest.param(0, 0.001, "1000", True, id="any change from 0"),
        pytest.param(0, "0.0", "0", False, id="0 stays 0"),
        pytest.param(10, 0, "100", False, id="all of it, and no more"),
    ],
)
def test_a_percentage_is_one_of_the_baseline(baseline, value, percent, drifts):
    assert (drift(baseline, value, percent, percent=True) is not None) is drifts


@pytest.mark.parametrize("baseline", [None, "many", True, [1], float("nan")])
def test_what_was_no_number_at_success_does_not_drift(baseline):
    assert drift(baseline, 10) is None


@pytest.mark.parametrize("value", [None, "many", True, {"n": 1}, float("inf")])
def test_what_is_no_number_now_does_not_drift(value):
    assert drift(10, value) is None


def test_a_sensor_that_is_not_seen_does_not_drift():
    assert find_drift(PostRun(), "orders", {"count": 1}, Unseen("orders", "gone")) is None


@pytest.mark.parametrize(
    ("read", "values", "field"),
    [
        pytest.param(
            {"count": 1, "sensor_count": 1}, {"count": 1, "sensor_count": 9}, None, id="count first"
        ),
        pytest.param(
            {"count": None, "sensor_count": 1}, {"sensor_count": 9}, "sensor_count", id="then the other"
        ),
        pytest.param({"count": 1}, {"sensor_count": 9}, None, id="never one against the other"),
    ],
)
def test_without_driftfield_the_first_that_the_run_found_is_compared(read, values, field):
    found = find_drift(PostRun(), "orders", read, a_reading(values))

    assert (found and found.field) == field


def test_a_drift_says_by_how_much_in_its_unit_and_in_percent():
    fell = drift(1000, "949.5", "5", percent=True)

    assert (fell.change, fell.percent, fell.threshold) == (Decimal("-50.5"), -5.0, "5%")


@pytest.mark.parametrize(("baseline", "value"), [(0, 5), ("1e-300", "1e300")])
def test_a_percentage_past_all_measure_is_not_told(baseline, value):
    assert drift(baseline, value).percent is None


def test_the_same_value_is_the_same_fact_from_whatever_it_drifted():
    assert drift(1, 5).fact == drift(2, "5.0").fact
    assert drift(1, 5).fact != drift(1, 6).fact

"""Instants as people read them: their own clock, UTC beside it, and how far away."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from builders import at
from interlock.domain.zoned_text import Zoned

NOW = at("2026-03-02T08:30")


@pytest.mark.parametrize(
    ("zone", "instant", "text"),
    [
        pytest.param("UTC", "2026-03-02T09:00", "09:00 UTC", id="UTC"),
        pytest.param("UTC", "2026-03-03T09:00", "2026-03-03 09:00 UTC", id="another day"),
        pytest.param("Europe/Berlin", "2026-03-02T09:00", "10:00 CET (09:00 UTC)", id="both clocks"),
        pytest.param(
            "Europe/Berlin", "2026-03-29T01:30", "2026-03-29 03:30 CEST (01:30 UTC)", id="in summer time"
        ),
        pytest.param(
            "Europe/Berlin",
            "2026-10-25T00:30",
            "2026-10-25 02:30 CEST (00:30 UTC)",
            id="a time that comes twice, the first",
        ),
        pytest.param(
            "Europe/Berlin",
            "2026-10-25T01:30",
            "2026-10-25 02:30 CET (01:30 UTC)",
            id="a time that comes twice, the second",
        ),
        pytest.param(
            "Asia/Tokyo",
            "2026-03-02T16:00",
            "2026-03-03 01:00 JST (2026-03-02 16:00 UTC)",
            id="tomorrow there",
        ),
        pytest.param(
            "America/Sao_Paulo", "2026-03-02T12:00", "09:00 -03 (12:00 UTC)", id="a zone of no name"
        ),
        pytest.param("UTC", "2026-03-02T08:31:07", "08:31:07 UTC", id="near: with its seconds"),
        pytest.param("UTC", "2026-03-02T09:31:07", "09:31 UTC", id="far: without"),
    ],
)
def test_an_instant_is_told_in_the_zone_and_in_utc(zone, instant, text):
    assert Zoned(ZoneInfo(zone), NOW).at(at(instant)) == text


@pytest.mark.parametrize(
    ("delta", "text"),
    [
        (timedelta(minutes=30), "in 30m"),
        (timedelta(days=-2, hours=-3), "2d 3h ago"),
        (timedelta(milliseconds=300), "now"),
        (timedelta(minutes=9, seconds=5), "in 9m 5s"),
        (timedelta(minutes=-10, seconds=-5), "10m ago"),
    ],
)
def test_it_says_how_far_away(delta, text):
    assert Zoned(ZoneInfo("UTC"), NOW).away(NOW + delta) == text


@pytest.mark.parametrize("instant", ["0001-01-01T00:00", "9999-12-31T23:59"])
def test_the_edges_of_the_calendar_can_be_told(instant):
    said = Zoned(ZoneInfo("Asia/Tokyo"), NOW).when(at(instant))

    assert "UTC" in said

"""What the demo's jobs compute from flights and weather."""

import csv
import io

import pytest

from interlock.local.demo_flights import (
    AirportHour,
    AirportWeather,
    BrokenFile,
    Cancelled,
    as_csv,
    cancelled_by,
    departures_by_hour,
    read_rows,
    weather_by_airport,
)

SIX, SEVEN = "2013-02-08T11:00:00Z", "2013-02-08T12:00:00Z"


def a_flight(origin="JFK", time_hour=SIX, dep_time="601", dep_delay="1"):
    return {"origin": origin, "time_hour": time_hour, "dep_time": dep_time, "dep_delay": dep_delay}


def a_cancelled_flight(**changes):
    return a_flight(dep_time="NA", dep_delay="NA", **changes)


def weather(origin="JFK", time_hour=SIX, hour="6", **values):
    row = {"wind_speed": "10.357019999999999", "wind_gust": "NA", "visib": "0.5", "precip": "0.13"}
    return row | {"origin": origin, "time_hour": time_hour, "hour": hour} | values


def test_departures_are_counted_for_each_airport_and_hour_with_their_weather():
    flights = [
        a_flight(dep_delay="-2"),
        a_cancelled_flight(),
        a_flight(dep_delay="11"),
        a_flight(time_hour=SEVEN),
    ]

    first, second = departures_by_hour(flights, [weather(), weather(time_hour=SEVEN, hour="7")])

    assert first == AirportHour("JFK", 6, 3, 1, 4.5, 10.36, 0.5, 0.13)
    assert (second.hour, second.departures, second.cancelled) == (7, 1, 0)


def test_the_same_hour_at_two_airports_is_two_results():
    flights = [a_flight("LGA"), a_flight("JFK")]

    found = departures_by_hour(flights, [weather("JFK"), weather("LGA", visib="3")])

    assert [(each.airport, each.visibility_miles) for each in found] == [("JFK", 0.5), ("LGA", 3.0)]


def test_an_hour_in_which_nothing_left_has_no_mean_delay():
    (found,) = departures_by_hour([a_cancelled_flight()], [weather()])

    assert found.mean_delay_minutes is None


def test_an_hour_without_weather_is_no_result():
    with pytest.raises(BrokenFile, match=f"no weather for JFK at {SEVEN}"):
        departures_by_hour([a_flight(time_hour=SEVEN)], [weather()])


def test_a_day_of_weather_is_its_extremes_and_its_sum():
    rows = [weather(wind_gust="33.4"), weather(time_hour=SEVEN, visib="10", precip="0.2", wind_speed="NA")]

    assert weather_by_airport(rows) == [AirportWeather("JFK", 2, 33.4, 0.5, 0.33)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("a,b\n1,2\n3", "line 3 has 1 of 2 columns", id="ends in the middle of a line"),
        pytest.param("a,b\n1,2,3\n4,5\n", "line 2 has 3 of 2 columns", id="a column too many"),
        pytest.param("a,b\n1,2\n\n3,4\n", "line 3 has 0 of 2 columns", id="an empty line"),
    ],
)
def test_a_broken_file_says_where_it_breaks_off(text, line):
    with pytest.raises(BrokenFile, match=f"s3://lake/day.csv breaks off: {line}"):
        read_rows(text, "s3://lake/day.csv")


def test_a_whole_file_is_read_whole():
    assert read_rows("a,b\n1,2\n3,4\n", "day.csv") == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


def test_a_result_is_written_with_its_names_and_nothing_for_what_is_unknown():
    written = as_csv([AirportHour("JFK", 6, 1, 1, None, 10.36, None, 0.0)])

    (row,) = csv.DictReader(io.StringIO(written))
    assert (row["airport"], row["hour"], row["mean_delay_minutes"], row["precipitation_inches"]) == (
        "JFK",
        "6",
        "",
        "0.0",
    )


def test_a_result_adds_up_by_airport_and_by_hour():
    result = [
        {"airport": "JFK", "hour": "6", "departures": "4", "cancelled": "1"},
        {"airport": "JFK", "hour": "17", "departures": "2", "cancelled": "2"},
        {"airport": "LGA", "hour": "6", "departures": "3", "cancelled": "0"},
    ]

    assert cancelled_by("airport", result) == {"JFK": Cancelled(6, 3), "LGA": Cancelled(3, 0)}
    assert list(cancelled_by("hour", result)) == ["06", "17"]
    assert cancelled_by("hour", result)["06"].share == pytest.approx(1 / 7)

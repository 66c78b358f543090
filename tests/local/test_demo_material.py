"""The demo's material is what the story takes it for: real, valid where it should be, broken where it should be."""

from datetime import UTC, datetime

import pytest

from interlock.domain.rule_check import compile_rules
from interlock.local.demo_flights import AIRPORTS, BrokenFile, departures_by_hour, read_rows
from interlock.local.demo_jobs import ARRIVALS, DEPARTURES, DIGEST
from interlock.local.demo_material import (
    BACK_OFF_SECONDS,
    BLIZZARD,
    DAY_AFTER,
    EDITED,
    HOURS,
    LATE_FLIGHTS,
    MISSING,
    MISSPELT,
    PIPELINES,
    SLA_SECONDS,
    cut_in_mid_line,
    digest_firing_at,
    edited,
    flights_by_airport,
    weather_of,
    without_its_last,
)
from interlock.pipeline_yaml import PipelineInvalid, check_pipeline, read_pipeline


@pytest.mark.parametrize("name", PIPELINES)
def test_each_pipeline_is_valid_without_a_warning(name):
    checked = check_pipeline(PIPELINES[name], f"{name}.yaml")

    assert (checked.pipeline.id, checked.warnings) == (name, ())


def test_the_edit_makes_exactly_the_mistakes_that_the_story_expects():
    with pytest.raises(PipelineInvalid) as refused:
        check_pipeline(edited(), EDITED)

    assert [mistake.path for mistake in refused.value.mistakes] == [path for path, _ in MISSPELT]
    assert all(
        fix in str(mistake) for mistake, (_, fix) in zip(refused.value.mistakes, MISSPELT, strict=True)
    )


def test_the_digest_fires_at_the_minute_that_the_story_chooses():
    checked = check_pipeline(digest_firing_at(datetime(2026, 3, 2, 17, 5, tzinfo=UTC)), f"{DIGEST}.yaml")

    assert (checked.pipeline.id, checked.warnings) == (DIGEST, ())
    assert checked.pipeline.schedule.cron == "5 17 * * *"


def test_a_feed_that_is_not_complete_is_whole_lines_and_enough_to_start():
    parts = flights_by_airport(BLIZZARD)
    short = read_rows(without_its_last(parts["LGA"], LATE_FLIGHTS), "LGA")

    assert len(short) == len(read_rows(parts["LGA"], "LGA")) - LATE_FLIGHTS


def test_the_story_knows_its_pipelines():
    departures, arrivals = (read_pipeline(PIPELINES[name], name) for name in (DEPARTURES, ARRIVALS))

    assert arrivals.sla.max_duration.total_seconds() == SLA_SECONDS
    assert departures.job.retry_backoff.total_seconds() == BACK_OFF_SECONDS
    assert MISSING in [rule.text for rule in compile_rules(arrivals.validation).rules]


@pytest.mark.parametrize(("date", "flights", "cancelled"), [(BLIZZARD, 930, 472), (DAY_AFTER, 684, 393)])
def test_every_flight_of_the_feed_finds_its_weather(date, flights, cancelled):
    feed = [row for airport in AIRPORTS for row in read_rows(flights_by_airport(date)[airport], airport)]
    weather = read_rows(weather_of(date), "weather")

    hours = departures_by_hour(feed, weather)

    assert (len(feed), len(weather)) == (flights, HOURS)
    assert (sum(hour.departures for hour in hours), sum(hour.cancelled for hour in hours)) == (
        flights,
        cancelled,
    )


@pytest.mark.parametrize("date", [BLIZZARD, DAY_AFTER])
def test_half_an_upload_is_a_broken_file(date):
    with pytest.raises(BrokenFile):
        read_rows(cut_in_mid_line(weather_of(date)), "weather")

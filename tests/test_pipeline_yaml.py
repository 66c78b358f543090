"""A pipeline file becomes the pipeline it describes: every key, its default and its bounds."""

from __future__ import annotations

from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from interlock.domain.pipeline import (
    Deadline,
    Evaluation,
    Exclude,
    Include,
    Job,
    JobType,
    Match,
    OnTimeout,
    Pipeline,
    PostRun,
    Schedule,
    Sla,
    Start,
    Validation,
)
from interlock.pipeline_yaml import PipelineInvalid, read_pipeline
from pipeline_text import JOB, PIPELINE, TRIGGER, mistakes_in, mistakes_with, pipeline_with

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def test_what_is_left_out_has_the_defaults_of_the_design():
    pipeline = pipeline_with()

    assert pipeline == Pipeline(
        id="gold-revenue",
        owner=None,
        job=Job(
            type=JobType.GLUE,
            config={"jobName": "etl"},
            max_retries=2,
            max_code_retries=0,
            max_drift_reruns=1,
            max_manual_reruns=1,
            retry_backoff=MINUTE,
            poll_window=timedelta(seconds=14400),
            on_timeout=OnTimeout.CANCEL,
            idempotent=False,
        ),
        schedule=Schedule(timezone="UTC", start=Start.ANY, evaluation=Evaluation(HOUR, 5 * MINUTE)),
        validation=Validation(Match.ALL, ()),
        sla=None,
        post_run=None,
        dry_run=False,
    )


def test_who_cares_for_a_pipeline_is_kept_for_alerts():
    header = "pipeline: {id: a, owner: finance, description: Daily, runbook: https://wiki.example}\n"

    pipeline = read_pipeline(header + JOB, "p.yaml")

    assert (pipeline.owner, pipeline.description, pipeline.runbook) == (
        "finance",
        "Daily",
        "https://wiki.example",
    )


def test_empty_sections_after_success_have_the_defaults_of_the_design():
    assert pipeline_with("postRun: {}").post_run == PostRun((), None, Decimal(0), False, 2 * HOUR)


@pytest.mark.parametrize(
    ("schedule", "wanted"),
    [
        ("cron: 0 6 * * 1-5", {"cron": "0 6 * * 1-5"}),
        ("cron: '0  6 *  * mon-fri'", {"cron": "0 6 * * mon-fri"}),
        ("timezone: America/New_York", {"timezone": "America/New_York"}),
        (f"cron: 0 6 * * *, trigger: {TRIGGER}, start: all", {"start": Start.ALL}),
        ("include: {dates: [2026-12-25]}", {"include": Include((date(2026, 12, 25),))}),
        ("include: {calendar: close}, time: 07:30", {"include": Include((), "close"), "time": time(7, 30)}),
        ("exclude: {weekends: true, holidays: NO}", {"exclude": Exclude(weekends=True, holidays="NO")}),
        ("exclude: {holidays: US-NY}", {"exclude": Exclude(holidays="US-NY")}),
        ("exclude: {holidays: XNYS}", {"exclude": Exclude(holidays="XNYS")}),
        ("exclude: {days: [saturday, Sun, MONDAY]}", {"exclude": Exclude(days=(5, 6, 0))}),
        (
            "exclude: {dates: ['2026-12-24'], calendar: c}",
            {"exclude": Exclude(dates=(date(2026, 12, 24),), calendar="c")},
        ),
        (
            "evaluation: {window: 1h30m, interval: 90s}",
            {"evaluation": Evaluation(90 * MINUTE, 90 * timedelta(seconds=1))},
        ),
        ("evaluation: {window: 2d}", {"evaluation": Evaluation(2 * DAY, 5 * MINUTE)}),
    ],
)
def test_each_key_of_schedule_is_read(schedule: str, wanted: dict[str, Any]):
    found = pipeline_with(f"schedule: {{{schedule}}}").schedule

    assert {name: getattr(found, name) for name in wanted} == wanted


def test_exclusions_at_the_top_level_are_those_of_the_schedule():
    assert pipeline_with("exclusions: {days: [sunday]}").schedule.exclude == Exclude(days=(6,))


@pytest.mark.parametrize(
    ("deadline", "wanted"),
    [
        ("09:00", Deadline(0, 9)),
        ('"09:00"', Deadline(0, 9)),
        ('":30"', Deadline(30, None)),
        ("12:30", Deadline(30, 12)),  # 750 in YAML 1.1
        ("00:00", Deadline(0, 0)),
        ("23:59", Deadline(59, 23)),
    ],
)
def test_a_deadline_is_a_time_of_day_or_a_minute_of_the_hour(deadline: str, wanted: Deadline):
    pipeline = pipeline_with(
        f"schedule: {{trigger: {{key: a, check: exists, deadline: {deadline}}}}}",
        f"sla: {{deadline: {deadline}}}",
    )

    assert pipeline.schedule.trigger
    assert pipeline.schedule.trigger.deadline == wanted
    assert pipeline.sla
    assert pipeline.sla.deadline == wanted


def test_an_hourly_deadline_needs_no_quotes_on_a_line_of_its_own():
    assert pipeline_with("sla:\n  deadline: :45").sla == Sla(deadline=Deadline(45, None))


@pytest.mark.parametrize("word", ["ALL", "all", "All", "ANY", "any", "aNy"])
def test_all_or_any_may_be_written_in_any_case(word: str):
    assert pipeline_with(f"validation: {{trigger: {word}}}").validation.match == word.upper()


@pytest.mark.parametrize(
    ("text", "threshold", "is_percent"),
    [
        ("0", "0", False),
        ("100", "100", False),
        ("0.1", "0.1", False),
        ("5%", "5", True),
        ('"2.5%"', "2.5", True),
        ('"10"', "10", False),
        ("1e3", "1000.0", False),
    ],
)
def test_a_drift_threshold_is_a_number_or_percent(text: str, threshold: str, is_percent: bool):
    found = pipeline_with(f"postRun: {{driftThreshold: {text}}}").post_run

    assert found
    assert (found.drift_threshold, found.drift_threshold_is_percent) == (
        Decimal(threshold),
        is_percent,
    )


def test_each_key_of_sla_is_read():
    sla = (
        "sla: {deadline: 07:30, dayOffset: 2, expectedDuration: 45m, maxDuration: 24h, "
        "timezone: Asia/Tokyo, critical: true}"
    )

    assert pipeline_with(sla, f"schedule: {{trigger: {TRIGGER}}}").sla == Sla(
        Deadline(30, 7), 2, timedelta(minutes=45), DAY, "Asia/Tokyo", True
    )


@pytest.mark.parametrize(
    ("key", "lowest", "highest"),
    [
        ("maxRetries", 0, 10),
        ("maxCodeRetries", 0, 3),
        ("maxDriftReruns", 0, 5),
        ("maxManualReruns", 0, 5),
        ("jobPollWindowSeconds", 60, 86400),
    ],
)
def test_a_number_of_the_job_has_its_bounds(key: str, lowest: int, highest: int):
    def mistakes(value: object) -> list[str]:
        return mistakes_with(job=f"job: {{type: glue, config: {{jobName: etl}}, {key}: {value}}}\n")

    assert mistakes(lowest) == mistakes(highest) == []
    assert mistakes(lowest - 1) == [f"job.{key}: must be {lowest} or more, not {lowest - 1}; raise it"]
    assert mistakes(highest + 1) == [f"job.{key}: must be {highest} or less, not {highest + 1}; lower it"]
    assert [mistake.split(",")[0] for mistake in mistakes('"1"')] == [f"job.{key}: must be a whole number"]
    assert [mistake.split(",")[0] for mistake in mistakes("true")] == [f"job.{key}: must be a whole number"]


@pytest.mark.parametrize(
    ("section", "path", "fits", "breaks"),
    [
        (
            "schedule: {{evaluation: {{interval: {0}}}}}",
            "schedule.evaluation.interval",
            ["1m", "60s"],
            ["59s", "31d"],
        ),
        (
            "schedule: {{evaluation: {{window: {0}}}}}",
            "schedule.evaluation.window",
            ["1s", "30d"],
            ["0s", "31d"],
        ),
        (
            "sla: {{maxDuration: {0}}}\nschedule: {{trigger: {{key: a, check: exists}}}}",
            "sla.maxDuration",
            ["24h", "1d"],
            ["25h"],
        ),
        ("postRun: {{sensorTimeout: {0}}}", "postRun.sensorTimeout", ["2h"], ["0s"]),
    ],
)
def test_a_duration_has_its_bounds(section: str, path: str, fits: list[str], breaks: list[str]):
    for text in fits:
        assert mistakes_with(section.format(text)) == []
    for text in breaks:
        assert [mistake.split(" between")[0] for mistake in mistakes_with(section.format(text))] == [
            f"{path}: must be"
        ]


@pytest.mark.parametrize(
    "text", ["3600", "1.5h", "5 m", "1m1h", "h", '""', "-5m", "1w", "1h30", "[1h]", "9999999999d", '"5m\\n"']
)
def test_what_is_no_duration_is_told_how_to_write_one(text: str):
    mistakes = mistakes_with(f"postRun: {{sensorTimeout: {text}}}")

    assert mistakes
    assert mistakes[0].startswith(
        "postRun.sensorTimeout: must be a duration such as 90s, 5m, 1h30m or 2d, not"
    )


@pytest.mark.parametrize("text", ["a", "A.b_c-9", "x" * 128])
def test_an_id_may_have_what_a_key_may_have(text: str):
    assert mistakes_in(f"pipeline: {{id: {text}}}\n{JOB}") == []


@pytest.mark.parametrize("text", ['""', "a b", "x" * 129, "a/b", "ü", "a#b", '"a\\n"'])
def test_an_id_may_have_nothing_else(text: str):
    assert [mistake[:21] for mistake in mistakes_in(f"pipeline: {{id: {text}}}\n{JOB}")] == [
        "pipeline.id: may hold"
    ]


@pytest.mark.parametrize("value", ["123", "1e5", "true", "1.0"])
def test_a_text_that_looks_like_something_else_is_to_be_quoted(value: str):
    mistakes = mistakes_in(f"pipeline: {{id: {value}}}\n{JOB}")

    assert [mistake.rpartition("; ")[2] for mistake in mistakes] == ["put it in quotes"]


def test_what_must_be_there_is_missed():
    assert mistakes_in("schedule: {}") == ["pipeline: is required; add it", "job: is required; add it"]
    assert mistakes_in(PIPELINE + "job: {config: {}}") == ["job.type: is required; add it"]


def test_an_invalid_file_is_known_by_its_id_if_that_is_readable():
    with pytest.raises(PipelineInvalid) as caught:
        read_pipeline("pipeline: {id: gold-revenue, ownr: x}", "p.yaml")

    assert caught.value.pipeline_id == "gold-revenue"

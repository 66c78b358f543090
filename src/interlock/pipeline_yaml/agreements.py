"""What the keys of a file owe each other: mistakes that no single key has, and warnings.

Mistakes are looked for in the plain values, so that a file with other mistakes still shows these.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from interlock.domain.pipeline import Match, Pipeline, Validation
from interlock.domain.schedule import Period, cron_form
from interlock.pipeline_yaml.cron import has_summer_time
from interlock.pipeline_yaml.job_config import secrets_in_clear
from interlock.pipeline_yaml.mistake import YamlPath

MOST_SENSORS = 100  # so that one TransactGetItems sees them all at one instant
MOST_RULES = 300  # so that the row of a run, 400 KB at most, has room for the reason of each

_Finding = tuple[YamlPath, str]


def look(data: Any, *path: str) -> Any:
    """The value at `path`, or None when something on the way is missing or no mapping."""
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def disagreements(data: Any) -> Iterator[_Finding]:
    """Mistakes between the keys of a file."""
    yield from _of_schedule(data)
    yield from _of_sla(data)
    if look(data, "dryRun") is True and look(data, "schedule", "trigger") is None:
        yield ("dryRun",), "needs schedule.trigger; add the sensor write that would start a run"
    if look(data, "exclusions") is not None and look(data, "schedule", "exclude") is not None:
        yield ("exclusions",), "is the same as schedule.exclude; keep one of the two"
    yield from _too_many(data)


def _too_many(data: Any) -> Iterator[_Finding]:
    parts = (("schedule", "trigger"), ("validation", "rules"), ("postRun", "rules"))
    keys = [key for part in parts for key in _sensor_keys(look(data, *part))]
    sensors = len(set(keys))
    if sensors > MOST_SENSORS:
        yield (
            ("validation", "rules"),
            f"name {sensors} sensors, {MOST_SENSORS} is the most; split the pipeline",
        )
    elif len(keys) > MOST_RULES:
        yield ("validation", "rules"), f"are {len(keys)}, {MOST_RULES} is the most; split the pipeline"


def _of_schedule(data: Any) -> Iterator[_Finding]:
    schedule = look(data, "schedule")
    cron, trigger, include = (look(schedule, key) for key in ("cron", "trigger", "include"))
    if look(schedule, "start") == "all" and (cron is None or trigger is None):
        missing = " and ".join(key for key, value in (("cron", cron), ("trigger", trigger)) if value is None)
        yield (
            ("schedule", "start"),
            f'"all" needs both schedule.cron and schedule.trigger; add {missing} or remove start',
        )
    if include is not None and cron is not None:
        yield ("schedule", "include"), "does not go together with schedule.cron; keep one of the two"
    if isinstance(include, dict) and not include.get("dates") and include.get("calendar") is None:
        yield ("schedule", "include"), "names no date, so nothing could run; add dates or a calendar"
    if look(schedule, "time") is not None and include is None:
        yield (
            ("schedule", "time"),
            "needs schedule.include; add the dates, or write the time as schedule.cron",
        )
    deadlines = (look(trigger, "deadline"), look(data, "sla", "deadline"))
    if look(schedule, "time") is not None and include is not None and any(map(_is_minute, deadlines)):
        yield (
            ("schedule", "time"),
            'is for a day, but a deadline of the form ":MM" promises each hour; remove one of the two',
        )
    yield from _minute_of_daily(cron, look(trigger, "deadline"), ("schedule", "trigger", "deadline"))


def _of_sla(data: Any) -> Iterator[_Finding]:
    sla = look(data, "sla")
    deadline = look(sla, "deadline")
    if look(sla, "maxDuration") is not None and look(data, "schedule", "trigger") is None:
        yield ("sla", "maxDuration"), "needs schedule.trigger; add one, or use sla.deadline"
    if look(sla, "dayOffset") is not None and (deadline is None or _is_minute(deadline)):
        yield ("sla", "dayOffset"), 'needs a deadline of the form "HH:MM"; add one or remove dayOffset'
    yield from _minute_of_daily(look(data, "schedule", "cron"), deadline, ("sla", "deadline"))


def _is_minute(deadline: Any) -> bool:
    return isinstance(deadline, str) and deadline.startswith(":")


def _minute_of_daily(cron: Any, deadline: Any, path: YamlPath) -> Iterator[_Finding]:
    if not _is_minute(deadline) or not isinstance(cron, str):
        return
    minute_and_hour = cron.split()[:2]
    if all(part.isdecimal() for part in minute_and_hour):
        yield path, 'is for each hour, but the cron fires once a day at most; write a time such as "07:30"'


def _sensor_keys(rules: Any) -> Iterator[str]:
    if isinstance(rules, list):
        for rule in rules:
            yield from _sensor_keys(rule)
    elif isinstance(rules, dict):
        if isinstance(rules.get("key"), str):
            yield rules["key"]
        if isinstance(rules.get("pipeline"), str):
            yield f"{rules['pipeline']}#{rules.get('date', 'same')}"  # no sensor's: those hold no `#`
        for group in ("all", "any", "of", "not"):
            yield from _sensor_keys(rules.get(group))


def empty_values(data: Any, path: YamlPath = ()) -> Iterator[_Finding]:
    """Keys without a value, where nothing says that this means the default. `job.config` may hold null."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        here = (*path, key)
        if value is None:
            yield here, "has no value; write one or remove it"
        elif here != ("job", "config"):
            yield from empty_values(value, here)


def warnings(pipeline: Pipeline) -> Iterator[_Finding]:
    """What is allowed, and likely not meant."""
    schedule, sla, post_run = pipeline.schedule, pipeline.sla, pipeline.post_run
    if schedule.cron and cron_form(pipeline) is not Period.DAILY and has_summer_time(schedule.timezone):
        yield (
            ("schedule", "timezone"),
            f"{schedule.timezone} changes its clocks, so no run covers one hour a year; UTC avoids that",
        )
    if not (schedule.cron or schedule.trigger or schedule.include):
        yield ("schedule",), "only a rerun request can start this pipeline; add a cron or a trigger"
    exclude = schedule.exclude
    if exclude and len({*exclude.days, *((5, 6) if exclude.weekends else ())}) == 7:
        yield ("schedule", "exclude"), "excludes every day, so no run will start; leave one"
    if pipeline.validation == Validation(Match.ANY):
        yield ("validation", "rules"), "ANY of nothing never holds, so no run will start; add rules"
    if sla and sla.deadline is None and sla.max_duration is None:
        yield ("sla",), "promises nothing; add deadline or maxDuration"
    if sla and sla.max_duration and sla.expected_duration and sla.expected_duration >= sla.max_duration:
        yield (
            ("sla", "expectedDuration"),
            "is not below maxDuration, so the warning would come at once; lower it",
        )
    if post_run and not post_run.rules:
        yield ("postRun",), "watches nothing; add rules"
    for path, text in secrets_in_clear(pipeline.job.config):
        yield ("job", "config", *path), text

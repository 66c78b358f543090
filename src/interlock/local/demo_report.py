"""What the demo shows at its end: Slack's threads, what the jobs computed, the states each run went through, the acts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise

from interlock.domain.pipeline import Pipeline
from interlock.domain.rule_check import compile_rule, compile_rules
from interlock.domain.sensor_value import duration_text
from interlock.local.demo_checks import Act
from interlock.local.demo_flights import Cancelled, Row, cancelled_by
from interlock.local.demo_record import Record, Transition
from interlock.local.demo_telling import table
from interlock.local.slack_endpoint import SlackMessage, render_thread

_BAR = 20  # characters for all of an hour's departures


def slack_lines(threads: Iterable[Sequence[SlackMessage]]) -> list[str]:
    """Each thread as the person on call reads it."""
    lines: list[str] = []
    for number, thread in enumerate(threads, 1):
        lines += ["", f"-- thread {number}", *render_thread(thread).splitlines()]
    return lines[1:]


def cancellation_lines(days: Mapping[str, Sequence[Row]]) -> list[str]:
    """The departures job's result, the days side by side: each airport, then each hour. Keyed by what a day is called."""
    airports = {day: cancelled_by("airport", rows) for day, rows in days.items()}
    hours = {day: cancelled_by("hour", rows) for day, rows in days.items()}
    by_airport = [["cancelled", *days], *_rows(airports, _share)]
    by_hour = [["hour", *days], *_rows(hours, _bar)]
    widths = [9, *(36 for _ in days)]
    return [*table(by_airport, widths), "", *table(by_hour, widths)]


def _rows(days: Mapping[str, Mapping[str, Cancelled]], shown: Callable[[Cancelled], str]) -> list[list[str]]:
    names = sorted({name for counted in days.values() for name in counted})
    return [
        [name, *(shown(counted[name]) if name in counted else "" for counted in days.values())]
        for name in names
    ]


def _share(counted: Cancelled) -> str:
    return f"{counted.cancelled} of {counted.departures} ({counted.share:.0%})"


def _bar(counted: Cancelled) -> str:
    return f"{'#' * round(_BAR * counted.share):{_BAR}} {counted.cancelled} of {counted.departures}"


def weather_lines(rows: Iterable[Row]) -> list[str]:
    """The weather job's result."""
    return [
        f"{row['airport']}: wind up to {float(row['strongest_wind_mph']):.0f} mph, sight down to"
        f" {row['lowest_visibility_miles']} miles, {row['precipitation_inches']} inches of rain and melted snow"
        for row in rows
    ]


def digest_lines(rows: Iterable[Row]) -> list[str]:
    """The digest job's result."""
    return [
        f"{row['day']}: {row['cancelled']} of {row['departures']} departures cancelled ({row['cancelled_percent']}%)"
        for row in rows
    ]


def transition_lines(records: Mapping[str, Record]) -> list[str]:
    """For each run, the states it went through and how long it stayed in them."""
    lines = []
    for name, record in records.items():
        attempts = record.run.attempt if record.run else 0
        plural = "" if attempts == 1 else "s"
        lines.append(f"{name}: {len(record.transitions)} transitions, {attempts} attempt{plural}")
        lines.append("  " + " > ".join(_stays(record.transitions)))
    return lines


def _stays(transitions: Sequence[Transition]) -> list[str]:
    if not transitions:
        return []
    stays = []
    for here, following in pairwise(transitions):
        seconds = (following.at - here.at).total_seconds()
        again = f" (tried {here.tries} times)" if here.tries > 1 else ""
        stays.append(f"{here.state} {seconds:.1f} s{again}" if here.tries or seconds >= 1 else here.state)
    return [*stays, transitions[-1].state]


def act_lines(acts: Sequence[Act]) -> list[str]:
    """The table of what happened."""
    rows = [["", "act", "what happened", "measured"]]
    for number, act in enumerate(acts, 1):
        rows.append([str(number), act.title, "NOT AS TOLD" if act.broken else act.happened, act.measured])
    return table(rows, [2, 26, 42, 24])


def pipeline_lines(pipelines: Iterable[Pipeline]) -> list[str]:
    """What each waits for and for how long, as the control table has it."""
    lines = []
    for pipeline in pipelines:
        trigger = pipeline.schedule.trigger
        rules = ", ".join(rule.text for rule in compile_rules(pipeline.validation).rules)
        window = duration_text(pipeline.schedule.evaluation.window)
        lines.append(f"{pipeline.id}: opened by {compile_rule(trigger.rule).text if trigger else 'cron'}")
        lines.append(f"  waits up to {window} for {rules}" if rules else "  waits for nothing more")
    return lines


def broken_lines(acts: Sequence[Act]) -> list[str]:
    """What did not happen, and what was seen instead."""
    return [
        f"Act {number}: expected that {claim.said}; seen instead: {claim.seen}"
        for number, act in enumerate(acts, 1)
        for claim in act.broken
    ]

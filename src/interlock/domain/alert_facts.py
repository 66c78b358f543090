"""The facts below an alert: what its event's detail holds beyond what the alert has said already."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from interlock.domain.event import Event
from interlock.domain.plain_text import clock, duration, one_line, parse_instant, shown

MOST_FACTS = 12
_FIRST = (
    "error",
    "category",
    "jobType",
    "jobId",
    "runId",
    "windowEndsAt",
    "recordsProcessed",
    "durationSeconds",
)
_TOLD_ELSEWHERE = frozenset(
    (
        *("unmet", "rules", "explanation", "mistakes", "mistakeCount"),  # the reasons
        *("owner", "runbook", "dryRun", "retryAt", "retriesLeft", "recovered"),
        *("jobMayStillRun", "startUnknown"),  # the next step
        # The title and the message are made of these.
        *(
            "kind",
            "status",
            "what",
            "sensor",
            "field",
            "baseline",
            "value",
            "change",
            "changePercent",
            "changes",
        ),
    )
)


def facts_of(event: Event) -> list[tuple[str, str]]:
    """Names and values as words, the weightiest first; none that stands in the event's message word for word."""
    facts = list(_facts(event))
    if len(facts) > MOST_FACTS:
        return [*facts[:MOST_FACTS], ("and", f"{len(facts) - MOST_FACTS} more facts in the event")]
    return facts


def _facts(event: Event) -> Iterator[tuple[str, str]]:
    detail = event.detail
    others = sorted(name for name in detail if name not in _TOLD_ELSEWHERE and name not in _FIRST)
    said = one_line(event.message, 4000)
    for name in (*(name for name in _FIRST if name in detail), *others):
        value = detail[name]
        if _is_nothing(name, value):
            continue
        told = _fact(name, value, event)
        # A number may stand in the message by chance; words and times do not.
        if isinstance(value, (int, float)) or told not in said:
            yield _words(name), told


def _is_nothing(name: str, value: Any) -> bool:
    """Empty, switched off, or late by nothing: no line is lost with it. A job's 0 records are something."""
    return value is None or value is False or value == "" or (name == "lateBySeconds" and value == 0)


def _fact(name: str, value: Any, event: Event) -> str:
    if name.endswith("Seconds") and isinstance(value, (int, float)) and 0 <= value < 10**9:
        return duration(timedelta(seconds=value))
    if isinstance(value, (list, tuple)) and all(isinstance(part, str) for part in value):
        return one_line(", ".join(part[:300] for part in value[:20]), 300)
    at = parse_instant(value) if name.endswith("At") else None
    return clock(at, event.at) if at else shown(value, 300)


def _words(name: str) -> str:
    """`recordsProcessed` reads `records processed`."""
    words = "".join(
        f" {letter.lower()}" if letter.isupper() else letter for letter in name.removesuffix("Seconds")
    )
    return one_line(words, 40)

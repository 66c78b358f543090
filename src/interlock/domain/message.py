"""What an alert says: what happened to which run, why, what comes next, whom to ask. Channels lay it out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from interlock.domain.alert_facts import facts_of
from interlock.domain.alert_wording import DRY_RUN_NEXT_STEP, heading, next_step
from interlock.domain.event import Event, EventType, Severity
from interlock.domain.plain_text import clock, duration, instant, one_line, parse_instant, shown

MOST_REASONS = 10


@dataclass(frozen=True, slots=True)
class Alert:
    """Plain text, one line each and bounded; a channel still escapes it the way its own markup wants."""

    event_id: str
    type: EventType
    severity: Severity
    pipeline_id: str | None
    date: str | None
    mark: str  # tells how grave it is at a glance
    title: str
    message: str  # the event's own words
    reasons: tuple[str, ...]  # rules that did not hold, or mistakes of a file
    next_step: str  # empty when there is nothing to say
    facts: tuple[tuple[str, str], ...]  # name, value
    owner: str | None
    runbook: str | None  # an address, or whatever the config says
    origin: str  # which event, to look it up

    @property
    def text(self) -> str:
        """Everything, without markup: for terminals, notifications and screen readers."""
        lines = [f"{self.mark} {self.title}", self.message, *(f"- {reason}" for reason in self.reasons)]
        lines += [f"Next: {self.next_step}"] if self.next_step else []
        lines += [f"{name}: {value}" for name, value in self.facts]
        lines += [f"owner: {self.owner}"] if self.owner else []
        lines += [f"runbook: {self.runbook}"] if self.runbook else []
        return "\n".join(line for line in (*lines, self.origin) if line)


def is_alert(event: Event) -> bool:
    """Warnings and worse, and the completion that ends a trouble that was told."""
    if event.type is EventType.JOB_COMPLETED:
        return event.detail.get("recovered") is True
    return event.severity is not Severity.INFO


def thread_of(event: Event) -> str:
    """One thread for each run; an event without a run has a thread of its own."""
    if event.pipeline_id and event.schedule_id and event.date:
        return f"{event.schedule_id}#{event.date}"
    return f"event#{event.event_id}"


def alert_of(event: Event) -> Alert:
    """The alert that tells of this event, whatever its detail holds."""
    return Alert(
        event_id=event.event_id,
        type=event.type,
        severity=event.severity,
        pipeline_id=event.pipeline_id,
        date=event.date,
        mark=_mark(event),
        title=one_line(_title(event), 150),
        message=one_line(event.message, 1000),
        reasons=tuple(_bounded([*_missing(event), *_mistakes(event)], MOST_REASONS)),
        next_step=_next_step(event),
        facts=tuple(facts_of(event)),
        owner=_text_or_none(event.detail.get("owner"), 200),
        runbook=_text_or_none(event.detail.get("runbook"), 500),
        origin=f"{event.type} · {instant(event.at)} · event {one_line(event.event_id, 80)}",
    )


def _mark(event: Event) -> str:
    if event.type is EventType.JOB_COMPLETED:
        return "🟢"
    return "🔴" if event.severity is Severity.CRITICAL else "🟠"


def _title(event: Event) -> str:
    attempt = f"attempt {event.attempt}" if event.attempt is not None else None
    # An id has at most 128 characters and headings are short: the date stays in sight.
    parts = (_text_or_none(event.pipeline_id, 128), _text_or_none(event.date, 40), attempt)
    subject = ", ".join(part for part in parts if part)
    return f"{heading(event.type)}: {subject}" if subject else heading(event.type)


def _missing(event: Event) -> Iterator[str]:
    """What would have to change says what is missing too: the verdicts speak where nobody put it into words."""
    lines = _as_list(event.detail.get("explanation"))
    if lines:
        yield from (shown(line, 300) for line in lines)
    else:
        yield from _unmet(event)


def _unmet(event: Event) -> Iterator[str]:
    for item in _as_list(event.detail.get("unmet")):
        if isinstance(item, Mapping):
            since = parse_instant(item.get("since"))
            stood = f", since {clock(since, event.at)} ({duration(event.at - since)})" if since else ""
            yield _unmet_rule(item) + stood
        else:
            yield shown(item, 300)


def _unmet_rule(verdict: Mapping[str, Any]) -> str:
    """The reason is a sentence that mostly names rule and values already; what it lacks is added."""
    line = shown(verdict.get("reason") or "does not hold", 300)
    rule, wanted = verdict.get("rule"), verdict.get("wanted")
    if rule is not None and (wanted is None or shown(wanted, 100) not in line):
        line = f"{shown(rule)}: {line}"
    values = (
        (name, shown(verdict[name], 100)) for name in ("seen", "wanted") if verdict.get(name) is not None
    )
    missing = [f"{name} {value}" for name, value in values if value not in line]
    return f"{line} ({', '.join(missing)})" if missing else line


def _mistakes(event: Event) -> Iterator[str]:
    mistakes = [shown(mistake, 300) for mistake in _as_list(event.detail.get("mistakes"))]
    # The message ends with the first: alone, it need not be read twice.
    if len(mistakes) > 1 or not event.message.endswith(tuple(mistakes)):
        yield from mistakes


def _next_step(event: Event) -> str:
    retry_at = parse_instant(event.detail.get("retryAt"))
    if event.detail.get("dryRun") is True:
        return DRY_RUN_NEXT_STEP
    if retry_at is None:
        return one_line(next_step(event), 600)
    left = event.detail.get("retriesLeft")
    budget = "" if left is None else f" (retries left: {shown(left, 20)})"
    wait = duration(retry_at - event.at)
    return f"Retry at {clock(retry_at, event.at)}, {wait} after this, if the rules hold{budget}."


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _bounded(lines: list[str], most: int) -> list[str]:
    return lines if len(lines) <= most else [*lines[:most], f"and {len(lines) - most} more in the event"]


def _text_or_none(value: Any, longest: int) -> str | None:
    return None if value is None else shown(value, longest) or None

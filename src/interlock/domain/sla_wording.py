"""What an SLA's verdict announces, in words: by when the run had to be done, how it stands, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from interlock.domain.announcement import about, first_reasons, instant_text, reasons
from interlock.domain.event import Announcement, EventType
from interlock.domain.missing import missing_lines
from interlock.domain.pipeline import Pipeline
from interlock.domain.plain_text import clock, duration
from interlock.domain.promise import Promise, PromiseKind
from interlock.domain.readiness import RuleVerdict
from interlock.domain.run import Run, RunStatus
from interlock.domain.sla import SlaTimes, succeeded_at

_TYPES = {
    PromiseKind.SLA: (EventType.SLA_WARNING, EventType.SLA_BREACH),
    PromiseKind.RELATIVE_SLA: (EventType.RELATIVE_SLA_WARNING, EventType.RELATIVE_SLA_BREACH),
}


def sla_met(
    promise: Promise, times: SlaTimes, run: Run | None, pipeline: Pipeline, now: datetime
) -> Announcement:
    done_at = succeeded_at(promise, run) or now
    early = duration(times.deadline - done_at)
    message = f"done at {clock(done_at, now)}, {early} before {_deadline(times, pipeline, now)}"
    detail = _detail(promise, times, run, pipeline) | {"succeededAt": instant_text(done_at)}
    return about(EventType.SLA_MET, message, now, run.attempt if run else None, detail, pipeline)


def sla_warning_given(
    promise: Promise,
    times: SlaTimes,
    run: Run | None,
    unmet: Sequence[RuleVerdict],
    pipeline: Pipeline,
    now: datetime,
) -> Announcement:
    """`unmet` are the rules that keep the run from starting, the trigger's included while there is none."""
    left = duration(times.deadline - now)
    message = f"{_named(pipeline, promise)} is at risk, {left} left until {_deadline(times, pipeline, now)}"
    return _alert(_TYPES[promise.kind][0], message, promise, times, run, unmet, pipeline, now)


def sla_breached(
    promise: Promise,
    times: SlaTimes,
    run: Run | None,
    unmet: Sequence[RuleVerdict],
    pipeline: Pipeline,
    now: datetime,
) -> Announcement:
    """`unmet` as for the warning."""
    late_by = (succeeded_at(promise, run) or now) - times.deadline
    message = f"{_named(pipeline, promise)} is breached: not done by {_deadline(times, pipeline, now)}"
    told = _alert(_TYPES[promise.kind][1], message, promise, times, run, unmet, pipeline, now)
    return replace(told, detail={**told.detail, "lateBySeconds": max(0, int(late_by.total_seconds()))})


def _alert(
    event_type: EventType,
    message: str,
    promise: Promise,
    times: SlaTimes,
    run: Run | None,
    unmet: Sequence[RuleVerdict],
    pipeline: Pipeline,
    now: datetime,
) -> Announcement:
    detail = _detail(promise, times, run, pipeline)
    detail |= {"unmet": reasons(unmet)} if unmet else {}
    explanation = missing_lines(pipeline, promise.key.date, unmet, now)
    detail |= {"explanation": explanation} if explanation else {}
    said = f"{message}; {_standing(promise, times, run, unmet, now)}"
    return about(event_type, said, now, run.attempt if run else None, detail, pipeline)


def _detail(promise: Promise, times: SlaTimes, run: Run | None, pipeline: Pipeline) -> dict[str, Any]:
    absolute = promise.kind is PromiseKind.SLA
    detail: dict[str, Any] = {
        "kind": "absolute" if absolute else "relative",
        "deadlineAt": instant_text(times.deadline),
        "critical": pipeline.sla is not None and pipeline.sla.critical,
        "status": str(run.status) if run is not None else "NONE",
    }
    return detail if promise.since is None else detail | {"clockBeganAt": instant_text(promise.since)}


def _named(pipeline: Pipeline, promise: Promise) -> str:
    critical = "the critical " if pipeline.sla is not None and pipeline.sla.critical else "the "
    if promise.kind is PromiseKind.SLA or pipeline.sla is None or pipeline.sla.max_duration is None:
        return f"{critical}SLA"
    return f"{critical}SLA of {duration(pipeline.sla.max_duration)}"


def _deadline(times: SlaTimes, pipeline: Pipeline, now: datetime) -> str:
    """In UTC, as alerts have it, and as the config's own clock shows it."""
    zone = (pipeline.sla and pipeline.sla.timezone) or pipeline.schedule.timezone
    said = clock(times.deadline, now)
    if zone == "UTC":
        return said
    return f"{said} ({times.deadline.astimezone(ZoneInfo(zone)):%H:%M} {zone})"


def _standing(
    promise: Promise, times: SlaTimes, run: Run | None, unmet: Sequence[RuleVerdict], now: datetime
) -> str:
    """How the run stands, in words."""
    missing = f": {first_reasons(unmet)}" if unmet else ""
    if run is None:
        return f"no run was opened{missing}"
    if run.key != promise.key:
        own = replace(promise, key=run.key)
        return (
            f"of its hours {run.key.date[11:]} is furthest behind: {_standing(own, times, run, unmet, now)}"
        )
    done_at = succeeded_at(promise, run)
    if done_at is not None:
        return f"the run was done at {clock(done_at, now)}, {duration(done_at - times.deadline)} too late"
    match run.status:
        case RunStatus.WAITING:
            return _waiting(run, missing, now)
        case RunStatus.RUNNING:
            began = f" since {clock(run.started_at, now)}" if run.started_at else ""
            return f"its job runs{began} (attempt {run.attempt})"
        case RunStatus.EXPIRED:
            return f"its window closed at {clock(run.window_ends_at, now)}{missing}"
        case RunStatus.CANCELLED:
            return f"the run was cancelled at {clock(run.updated_at, now)}"
        case _:
            error = run.outcome.error if run.outcome is not None else None
            return f"the run failed at {clock(run.updated_at, now)}" + (f": {error}" if error else "")


def _waiting(run: Run, missing: str, now: datetime) -> str:
    if run.retry_at is not None and run.retry_at > now:
        return f"attempt {run.attempt} begins at {clock(run.retry_at, now)}{missing}"
    if run.refused_since is not None:
        since = clock(run.refused_since, now)
        return f"its job service refuses the start since {since}: {run.refusal or 'no reason given'}"
    if run.pools and run.slots_at is None and not missing:
        return f"its rules hold, and the run waits for a slot of {run.pools[-1]}"
    return f"the run waits{missing}"

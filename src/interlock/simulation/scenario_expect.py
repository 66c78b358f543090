"""Reads what is expected: the `expect` section of a scenario."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, TypeVar

from interlock.domain.event import EventType, Severity
from interlock.domain.run import RunStatus
from interlock.pipeline_yaml.mistake import closest, shown
from interlock.simulation.place import Place
from interlock.simulation.scenario import (
    ONE_SECOND,
    AlertPattern,
    Around,
    Bound,
    EventPattern,
    Expect,
    LastEvent,
    ReasonPattern,
    RunPattern,
    StartedPattern,
)

COSTS = (
    "transitions",
    "lambda_invocations",
    "dynamodb_reads",
    "dynamodb_writes",
    "dynamodb_read_units",
    "dynamodb_write_units",
    "events",
)
_SECTIONS = (
    "events",
    "never",
    "count",
    "jobs",
    "runs",
    "alerts",
    "alerts_never",
    "alerts_count",
    "threads",
    "cancelled",
    "running",
    "reasons",
    "last_event",
    "started",
    "cost",
    "promises",
    "harmless",
)
_SCHEDULES = ("cron", "stream")
_EVENT = (
    *("type", "pipeline", "schedule", "date", "attempt", "severity"),
    *("message", "contains", "detail", "kind", "at", "within"),
)
_ALERT = ("type", "pipeline", "contains", "at", "within")
_STATUSES = (*(str(status) for status in RunStatus), "NONE")

Read = TypeVar("Read")


def read_expect(place: Place, start: datetime, pipelines: Collection[str]) -> Expect:
    """Everything that must be true at the end; `pipelines` are those that the scenario tells of."""
    sections = place.fields(_SECTIONS)

    def many(name: str, read: Callable[[Place, datetime], Read]) -> tuple[Read, ...]:
        return tuple(read(item, start) for item in sections[name].items()) if name in sections else ()

    def counts(name: str, known: tuple[str, ...] | None = None) -> dict[str, Bound]:
        return _counts(sections[name], known) if name in sections else {}

    types = tuple(str(member) for member in EventType)
    return Expect(
        events=many("events", _event),
        never=many("never", _event),
        count={EventType(name): bound for name, bound in counts("count", types).items()},
        jobs=counts("jobs"),
        runs=many("runs", _run),
        alerts=many("alerts", _alert),
        alerts_never=many("alerts_never", _alert),
        alerts_count=counts("alerts_count", (*types, "total")),
        threads=counts("threads"),
        cancelled=counts("cancelled"),
        running=counts("running"),
        reasons=many("reasons", _reason),
        last_event=_last_events(sections["last_event"]) if "last_event" in sections else (),
        started=many("started", _started),
        cost=counts("cost", COSTS),
        promises="promises" in sections and sections["promises"].one_of(("kept",)) == "kept",
        harmless=_harmless(sections["harmless"], pipelines) if "harmless" in sections else None,
    )


def _harmless(place: Place, pipelines: Collection[str]) -> str:
    written = place.text()
    if written and written not in pipelines:
        near = closest(written, pipelines)
        advice = f"did you mean {near}?" if near else "name one of its configs"
        place.wrong(f"{shown(written)} is no pipeline of this scenario; {advice}")
    return written


def _counts(place: Place, known: tuple[str, ...] | None) -> dict[str, Bound]:
    if known is not None:
        return {name: value.bound() for name, value in place.fields(known).items()}
    return {name: value.bound() for name, value in place.entries()}


def _event(place: Place, start: datetime) -> EventPattern:
    if not place.is_mapping():
        return EventPattern(type=place.choice(EventType))
    fields = place.fields(_EVENT)
    if not fields:
        place.wrong("names nothing to look for; write a type at least")
    return EventPattern(
        type=fields["type"].choice(EventType) if "type" in fields else None,
        pipeline_id=_text(fields, "pipeline"),
        schedule_id=_schedule(fields),
        date=_text(fields, "date"),
        attempt=fields["attempt"].whole(1, 999_999) if "attempt" in fields else None,
        severity=fields["severity"].choice(Severity) if "severity" in fields else None,
        message=_text(fields, "message"),
        contains=_text(fields, "contains"),
        detail=_mapping(fields, "detail") | ({"kind": fields["kind"].text()} if "kind" in fields else {}),
        around=_around(fields, start),
    )


def _alert(place: Place, start: datetime) -> AlertPattern:
    if not place.is_mapping():
        return AlertPattern(type=place.choice(EventType))
    fields = place.fields(_ALERT)
    if not fields:
        place.wrong("names nothing to look for; write a type or contains")
    return AlertPattern(
        type=fields["type"].choice(EventType) if "type" in fields else None,
        pipeline_id=_text(fields, "pipeline"),
        contains=_text(fields, "contains"),
        around=_around(fields, start),
    )


def _run(place: Place, _: datetime) -> RunPattern:
    fields = place.fields(("pipeline", "date", "schedule", "status", "attempts"), ("pipeline", "date"))
    return RunPattern(
        pipeline_id=_text(fields, "pipeline") or "",
        date=_text(fields, "date") or "",
        schedule_id=_schedule(fields),
        status=fields["status"].one_of(_STATUSES) if "status" in fields else None,
        attempts=fields["attempts"].bound() if "attempts" in fields else None,
    )


def _reason(place: Place, _: datetime) -> ReasonPattern:
    required = ("pipeline", "date", "rule", "contains")
    fields = place.fields((*required, "schedule"), required)
    pipeline, date, rule, contains = (_text(fields, name) or "" for name in required)
    return ReasonPattern(pipeline, date, rule, contains, _schedule(fields))


def _last_events(place: Place) -> tuple[LastEvent, ...]:
    places = place.items() if place.is_list() else (place,)
    return tuple(_last_event(item.fields(("pipeline", "type"), ("pipeline", "type"))) for item in places)


def _last_event(fields: Mapping[str, Place]) -> LastEvent:
    wanted = fields["type"].choice(EventType) if "type" in fields else EventType.RUN_OPENED
    return LastEvent(_text(fields, "pipeline") or "", wanted)


def _started(place: Place, start: datetime) -> StartedPattern:
    fields = place.fields(("pipeline", "at", "within", "config"), ("pipeline",))
    return StartedPattern(_text(fields, "pipeline") or "", _around(fields, start), _mapping(fields, "config"))


def _around(fields: Mapping[str, Place], start: datetime) -> Around | None:
    if "at" not in fields:
        if "within" in fields:
            fields["within"].wrong("has nothing to be within of; add at")
        return None
    within = fields["within"].duration() if "within" in fields else ONE_SECOND
    return Around(fields["at"].instant(start), within)


def _text(fields: Mapping[str, Place], name: str) -> str | None:
    return fields[name].text() if name in fields else None


def _schedule(fields: Mapping[str, Place]) -> str | None:
    return fields["schedule"].one_of(_SCHEDULES) if "schedule" in fields else None


def _mapping(fields: Mapping[str, Place], name: str) -> dict[str, Any]:
    value = fields[name].value() if name in fields else {}
    if isinstance(value, dict):
        return value
    fields[name].wrong("is no mapping; write field: value")
    return {}

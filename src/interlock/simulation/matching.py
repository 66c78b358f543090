"""Does an event, a message or a started job match what a scenario names? Only what is named counts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from interlock.domain.event import Event
from interlock.simulation.history import Posted, RemoteJob
from interlock.simulation.scenario import AlertPattern, EventPattern, StartedPattern

_INDEX = re.compile(r"\[(\d{1,6})\]")
MISSING = object()


def event_matches(pattern: EventPattern, event: Event) -> bool:
    """Whether the event is one that the pattern means."""
    fields = (
        (pattern.type, event.type),
        (pattern.pipeline_id, event.pipeline_id),
        (pattern.schedule_id, event.schedule_id),
        (pattern.date, event.date),
        (pattern.attempt, event.attempt),
        (pattern.severity, event.severity),
        (pattern.message, event.message),
    )
    return (
        all(wanted is None or wanted == seen for wanted, seen in fields)
        and (pattern.around is None or pattern.around.holds(event.at))
        and (pattern.contains is None or pattern.contains in f"{event.message}\n{event.detail}")
        and all(same(wanted, at_path(event.detail, path)) for path, wanted in pattern.detail.items())
    )


def alert_matches(pattern: AlertPattern, posted: Posted) -> bool:
    """Whether the message is one that the pattern means."""
    return (
        pattern.type in (None, posted.type)
        and pattern.pipeline_id in (None, posted.pipeline_id)
        and (pattern.contains is None or pattern.contains in posted.text)
        and (pattern.around is None or pattern.around.holds(posted.at))
    )


def start_matches(pattern: StartedPattern, job: RemoteJob) -> bool:
    """Whether the job was started so."""
    return (
        pattern.pipeline_id == job.pipeline_id
        and (pattern.around is None or pattern.around.holds(job.started_at))
        and all(same(wanted, at_path(job.config, path)) for path, wanted in pattern.config.items())
    )


def at_path(value: Any, path: str) -> Any:
    """What stands at `a.b[0].c`; a key may hold dots itself. `MISSING` when nothing does."""
    return _at(value, _INDEX.sub(r".\1", path).split("."))


def _at(value: Any, parts: Sequence[str]) -> Any:
    if not parts:
        return value
    if isinstance(value, (list, tuple)):
        index = int(parts[0]) if parts[0].isdigit() else len(value)
        return _at(value[index], parts[1:]) if index < len(value) else MISSING
    if isinstance(value, Mapping):
        for length in range(len(parts), 0, -1):
            key = ".".join(parts[:length])
            if key in value:
                return _at(value[key], parts[length:])
    return MISSING


def same(wanted: Any, seen: Any) -> bool:
    """Equal as people mean it: a mapping may hold more, and 7 is "7", for a job is told everything as text."""
    if isinstance(wanted, Mapping):
        return isinstance(seen, Mapping) and all(
            same(item, seen.get(key, MISSING)) for key, item in wanted.items()
        )
    if isinstance(wanted, (list, tuple)):
        alike = isinstance(seen, (list, tuple)) and len(wanted) == len(seen)
        return alike and all(map(same, wanted, seen))
    if isinstance(wanted, bool) or isinstance(seen, bool):
        return _text(wanted) == _text(seen)
    return bool(wanted == seen) or (seen is not MISSING and _text(wanted) == _text(seen))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

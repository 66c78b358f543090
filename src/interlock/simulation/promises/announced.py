"""What the rows announced: each change of ours that says something, with the ids that its events must have everywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from interlock.aws.run_item import parse_instant_text
from interlock.aws.table import Item
from interlock.simulation.promises.facts import Broken, Facts, clock
from interlock.simulation.witness import Change

# DESIGN section 6; written down a second time on purpose.
_CRITICAL = [
    "SLA_BREACH",
    "RELATIVE_SLA_BREACH",
    "RETRY_EXHAUSTED",
    "SCHEDULE_MISSED",
    "IRREGULAR_SCHEDULE_MISSED",
    "INFRA_FAILURE",
    "SFN_TIMEOUT",
    "POST_RUN_FAILED",
    "WATCHDOG_DEGRADED",
    "INFRA_ALARM",
]
_WARNING = [
    "SLA_WARNING",
    "RELATIVE_SLA_WARNING",
    "JOB_FAILED",
    "JOB_TIMEOUT",
    "JOB_POLL_EXHAUSTED",
    "VALIDATION_EXHAUSTED",
    "SENSOR_DEADLINE_EXPIRED",
    "POST_RUN_DRIFT",
    "POST_RUN_SENSOR_MISSING",
    "BASELINE_CAPTURE_FAILED",
    "LATE_DATA_ARRIVAL",
    "RERUN_REJECTED",
    "TRIGGER_RECOVERED",
    "CONFIG_INVALID",
    "SENSOR_INVALID",
]

PEOPLE_ARE_TOLD = frozenset((*_CRITICAL, *_WARNING))
RunName = tuple[str, str, str]  # pipeline, schedule, date


@dataclass(frozen=True, slots=True, eq=False)
class Announced:
    """One event as a row's change says it."""

    id: str
    change: Change
    type: str
    pipeline_id: str | None
    schedule_id: str | None
    date: str | None
    attempt: int | None
    message: str
    at: datetime
    detail: Mapping[str, Any]

    @property
    def severity(self) -> str:
        return "critical" if self.type in _CRITICAL else "warning" if self.type in _WARNING else "info"

    @property
    def is_trouble(self) -> bool:
        """People are told of it, whatever else is known."""
        return self.severity != "info"

    @property
    def reaches_people(self) -> bool:
        """Trouble, and the completion that ends one."""
        return self.is_trouble or (self.type == "JOB_COMPLETED" and self.detail.get("recovered") is True)

    @property
    def run(self) -> RunName | None:
        if self.pipeline_id is None or self.schedule_id is None or self.date is None:
            return None
        return self.pipeline_id, self.schedule_id, self.date

    @property
    def is_ours(self) -> bool:
        """What somebody else writes into a row of ours need not be told."""
        return self.change.by is not None

    def __str__(self) -> str:
        subject = " ".join(str(part) for part in (*(self.run or (self.pipeline_id,)), self.attempt) if part)
        return f"{self.type} of {subject or 'nobody'}, {clock(self.at)}"


def announced(facts: Facts) -> Iterator[Announced]:
    """In the order of the writes. What an outsider has made unreadable announces nothing."""
    for change in facts.witness.changes:
        if change.new and change.new.get("events") and _version(change.old) != _version(change.new):
            with suppress(KeyError, TypeError, ValueError, AttributeError, ArithmeticError):
                yield from list(_events_of(change, change.new))


def announcements_have_a_version(facts: Facts) -> Iterator[Broken]:
    """Who changes what a row says also counts up its version: nobody would hear of it."""
    for change in facts.witness.changes:
        if change.by is None or not change.new or not change.new.get("events"):
            continue
        old = change.old or {}
        if old.get("events") != change.new["events"] and _version(old) == _version(change.new):
            yield Broken(
                "announced-with-a-version",
                f"{change.key[0]} {change.key[1]}",
                f"announces {[event.get('type') for event in change.new['events']]} at {clock(change.at)} "
                f"with version {_version(change.new)}, which it had before",
            )


def _version(item: Item | None) -> Any:
    return (item or {}).get("version")


def _events_of(change: Change, row: Item) -> Iterator[Announced]:
    pipeline_id, schedule_id, date = _about(change, row)
    created_at, version = parse_instant_text(row["createdAt"]), int(row["version"])
    for index, event in enumerate(row["events"]):
        parts = (*change.key, created_at.isoformat(), str(version), str(index))
        attempt = event.get("attempt")
        yield Announced(
            id=hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32],
            change=change,
            type=str(event["type"]),
            pipeline_id=pipeline_id,
            schedule_id=schedule_id,
            date=date,
            attempt=None if attempt is None else int(attempt),
            message=event["message"],
            at=parse_instant_text(event["at"]),
            detail=event.get("detail") or {},
        )


def _about(change: Change, row: Item) -> tuple[str | None, str | None, str | None]:
    """Which run, as far as the row tells of one. `-` is nobody's pipeline."""
    partition, _, pipeline_id = change.key[0].partition("#")
    if partition != "PIPELINE" or pipeline_id == "-":
        pipeline_id = ""
    schedule_id, date = row.get("scheduleId"), row.get("date")
    kind, _, rest = change.key[1].partition("#")
    if kind == "RUN":
        schedule_id, _, date = rest.partition("#")
    return row.get("pipelineId") or pipeline_id or None, schedule_id, date

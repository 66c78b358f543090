"""What is said of something that should have happened and did not, and of what the watchdog put right."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from interlock.domain.announcement import about, instant_text
from interlock.domain.event import Announcement, EventType
from interlock.domain.missing import missing_lines
from interlock.domain.pipeline import Pipeline
from interlock.domain.plain_text import clock
from interlock.domain.readiness import RuleVerdict
from interlock.domain.run import Run

_MOST_PARTS = 20


def schedule_missed(pipeline: Pipeline, date: str, fire: datetime, at: datetime) -> Announcement:
    said = (
        f"cron {pipeline.schedule.cron} should have fired at {clock(fire, at)} and started nothing; "
        "the window of that run is over"
    )
    detail = {"cron": pipeline.schedule.cron or "", "expectedAt": instant_text(fire)}
    detail |= _explained(pipeline, date, None, at)
    return about(EventType.SCHEDULE_MISSED, said, at, None, detail, pipeline)


def irregular_schedule_missed(
    pipeline: Pipeline, date: str, deadline: datetime, trigger: RuleVerdict | None, at: datetime
) -> Announcement:
    """`trigger`: how it stands at that time, if there is one."""
    said = f"{date} is an included date, and no run was started by {clock(deadline, at)}"
    detail = {"expectedAt": instant_text(deadline)} | _explained(pipeline, date, trigger, at)
    return about(EventType.IRREGULAR_SCHEDULE_MISSED, said, at, None, detail, pipeline)


def sensor_deadline_expired(
    pipeline: Pipeline,
    date: str,
    deadline: datetime,
    reason: str,
    trigger: RuleVerdict | None,
    at: datetime,
) -> Announcement:
    """`reason` and `trigger`: what its sensor reads at that time."""
    said = f"the trigger of {date} was not met by {clock(deadline, at)}: {reason}"
    detail = {"deadlineAt": instant_text(deadline), "reason": reason[:1000]}
    detail |= _explained(pipeline, date, trigger, at)
    return about(EventType.SENSOR_DEADLINE_EXPIRED, said, at, None, detail, pipeline)


def _explained(pipeline: Pipeline, date: str, trigger: RuleVerdict | None, at: datetime) -> dict[str, Any]:
    """What is missing, and how the date is run all the same."""
    missing = missing_lines(pipeline, date, [trigger] if trigger is not None else [], at)
    return {"explanation": [*missing, f"to run it all the same: interlock rerun {pipeline.id} {date}"]}


def fire_recovered(pipeline: Pipeline, fire: datetime, at: datetime) -> Announcement:
    said = f"cron {pipeline.schedule.cron} should have fired at {clock(fire, at)}; started by the watchdog"
    detail = {"what": "cron", "expectedAt": instant_text(fire)}
    return about(EventType.TRIGGER_RECOVERED, said, at, 1, detail, pipeline)


def trigger_recovered(pipeline: Pipeline, reason: str, at: datetime) -> Announcement:
    said = f"the trigger is met and nothing had started: {reason}; started by the watchdog"
    return about(
        EventType.TRIGGER_RECOVERED, said, at, 1, {"what": "trigger", "reason": reason[:1000]}, pipeline
    )


def watchdog_degraded(failed: Mapping[str, str], at: datetime) -> Announcement:
    """`failed`: the parts that began to fail, and why."""
    parts = sorted(failed)
    shown = "; ".join(f"{part}: {failed[part]}" for part in parts[:_MOST_PARTS])
    detail = {"parts": parts[:_MOST_PARTS], "errors": [failed[part][:500] for part in parts[:_MOST_PARTS]]}
    return about(
        EventType.WATCHDOG_DEGRADED, f"part of the watchdog's work fails: {shown}", at, None, detail, None
    )


def workflow_gone(
    run: Run, pipeline: Pipeline | None, why: str, at: datetime, *, start_unknown: bool = False
) -> Announcement:
    """`start_unknown`: nobody can say whether its job was started."""
    said = f"the run was {run.status} and its workflow is gone: {why}"
    detail: dict[str, Any] = {
        "execution": run.execution_name,
        "status": str(run.status),
        "why": why[:1000],
    }
    detail |= {"startUnknown": True} if start_unknown else {}
    return about(EventType.SFN_TIMEOUT, said, at, run.attempt, detail, pipeline)

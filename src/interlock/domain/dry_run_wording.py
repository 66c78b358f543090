"""What a dry run announces, in words: what Interlock would have done, had it been allowed to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from interlock.domain.announcement import instant_text, reasons
from interlock.domain.event import Announcement, EventType
from interlock.domain.job_record import JobRecord
from interlock.domain.pipeline import Pipeline
from interlock.domain.plain_text import duration
from interlock.domain.readiness import Readiness
from interlock.domain.retry import RetryDecision, category_of
from interlock.domain.run import Run
from interlock.domain.sla_projection import Margin, Projection


def would_trigger(run: Run, pipeline: Pipeline, readiness: Readiness, at: datetime) -> Announcement:
    said = "the rules hold" if readiness.verdicts else "there are no rules to wait for"
    detail = {
        "jobType": str(pipeline.job.type),
        "rules": reasons(readiness.verdicts),
        "waitedSeconds": _seconds(at - run.created_at),
    }
    message = f"dry run: {said}, so the {pipeline.job.type} job would start now"
    return Announcement(EventType.DRY_RUN_WOULD_TRIGGER, message, at, run.attempt, detail)


def sla_projection(run: Run, projection: Projection, at: datetime) -> Announcement:
    detail: dict[str, Any] = {
        "expectedDurationSeconds": _seconds(projection.expected),
        "wouldFinishAt": instant_text(projection.finishes_at),
        "met": projection.met,
    }
    for margin in projection.margins:
        detail[f"{margin.kind}DeadlineAt"] = instant_text(margin.deadline)
        detail[f"{margin.kind}MarginSeconds"] = _seconds(margin.left)
    told = " and ".join(_margin(margin) for margin in projection.margins)
    verdict = "would be met" if projection.met else "would be breached"
    message = f"dry run: the SLA {verdict}: it would finish {told}"
    return Announcement(EventType.DRY_RUN_SLA_PROJECTION, message, at, run.attempt, detail)


def _margin(margin: Margin) -> str:
    if not margin.left:
        return f"exactly at its {margin.kind} deadline, which is too late"
    when = "before" if margin.left > timedelta(0) else "after"
    return f"{duration(abs(margin.left))} {when} its {margin.kind} deadline"


def completed(run: Run, at: datetime) -> Announcement:
    """`run` is the one that would have been triggered, at its `started_at`."""
    waited = (run.started_at or at) - run.created_at
    detail = {
        "wouldHaveStartedAt": instant_text(run.started_at or at),
        "openedAt": instant_text(run.created_at),
        "waitedSeconds": _seconds(waited),
    }
    message = (
        f"dry run: it waited {duration(waited)} for its rules; late data and drift are watched from now on"
    )
    return Announcement(EventType.DRY_RUN_COMPLETED, message, at, run.attempt, detail)


def would_rerun(attempt: int | None, decision: str, detail: Mapping[str, Any], at: datetime) -> Announcement:
    """`detail` says who or what asks: `source`, `reason` ..."""
    why = detail.get("reason") or detail.get("source") or "requested"
    message = f"dry run: it would run again ({decision}): {why}"
    return Announcement(
        EventType.DRY_RUN_WOULD_RERUN, message[:500], at, attempt, {**detail, "decision": decision}
    )


def rerun_rejected(attempt: int | None, why: str, detail: Mapping[str, Any], at: datetime) -> Announcement:
    message = f"dry run: it would not run again: {why}"
    return Announcement(EventType.DRY_RUN_RERUN_REJECTED, message[:500], at, attempt, {**detail, "why": why})


def would_retry(run: Run, record: JobRecord, decision: RetryDecision, at: datetime) -> Announcement:
    detail = _outside(record, decision)
    detail |= {"wouldRetryAt": instant_text(decision.retry_at)} if decision.retry_at else {}
    message = f"dry run: the job failed outside{_because(record)}; it would be tried again: {decision.reason}"
    return Announcement(EventType.DRY_RUN_WOULD_RETRY, message[:2000], at, run.attempt, detail)


def retry_exhausted(run: Run, record: JobRecord, decision: RetryDecision, at: datetime) -> Announcement:
    message = (
        f"dry run: the job failed outside{_because(record)}; no attempt would be left: {decision.reason}"
    )
    detail = _outside(record, decision)
    return Announcement(EventType.DRY_RUN_RETRY_EXHAUSTED, message[:2000], at, run.attempt, detail)


def _outside(record: JobRecord, decision: RetryDecision) -> dict[str, Any]:
    detail: dict[str, Any] = {
        "category": str(category_of(record.outcome)),
        "retry": decision.reason,
        "outsideAttempt": record.attempt,
    }
    detail |= {"outsideRunId": record.run_id} if record.run_id else {}
    return detail | ({"error": record.outcome.error} if record.outcome.error else {})


def _because(record: JobRecord) -> str:
    return f": {record.outcome.error}" if record.outcome.error else ""


def _seconds(length: timedelta) -> int:
    return int(length.total_seconds())

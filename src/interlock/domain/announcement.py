"""What each change announces, in words: one function for each event, so that the wording has one place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from interlock.domain.calendar import Calendar
from interlock.domain.event import Announcement, EventType, Severity, severity_of
from interlock.domain.pipeline import Pipeline
from interlock.domain.readiness import Readiness, RuleVerdict
from interlock.domain.run import JobEnd, Outcome, Run

if TYPE_CHECKING:
    from interlock.domain.alarm import Alarm
    from interlock.domain.retry import JobLeft, RetryDecision

_MOST_REASONS = 20
_LONGEST_SOURCE = 100


def run_opened(run: Run, why: str) -> Announcement:
    detail: dict[str, Any] = {
        "openedBy": run.opened_by,
        "windowEndsAt": instant_text(run.window_ends_at),
    }
    detail |= {"dryRun": True} if run.dry_run else {}
    return Announcement(EventType.RUN_OPENED, f"opened: {why}", run.created_at, run.attempt, detail)


def validation_passed(run: Run, readiness: Readiness, at: datetime) -> Announcement:
    message = "the rules hold" if readiness.verdicts else "no rules to wait for"
    if not readiness.ready:
        message = "the rules held when an earlier try started the job"
    return Announcement(
        EventType.VALIDATION_PASSED, message, at, run.attempt, {"rules": reasons(readiness.verdicts)}
    )


def validation_exhausted(
    run: Run, pipeline: Pipeline, unmet: Sequence[RuleVerdict], at: datetime
) -> Announcement:
    observed = "dry run: " if run.dry_run else ""
    message = f"{observed}the window closed and the rules do not hold: {first_reasons(unmet)}"
    from interlock.domain.missing import missing_lines  # most runs do not expire

    explanation = missing_lines(pipeline, run.key.date, unmet, at)
    detail = {
        "unmet": reasons(unmet),
        "explanation": explanation,
        "windowEndsAt": instant_text(run.window_ends_at),
    }
    detail |= {"dryRun": True} if run.dry_run else {}
    return about(EventType.VALIDATION_EXHAUSTED, message, at, run.attempt, detail, pipeline)


def job_triggered(run: Run, at: datetime, job_type: str, remote_id: str | None) -> Announcement:
    detail = {"jobType": job_type, "runId": run.run_id} | ({"jobId": remote_id} if remote_id else {})
    return Announcement(EventType.JOB_TRIGGERED, f"{job_type} job started", at, run.attempt, detail)


def job_completed(run: Run, pipeline: Pipeline | None, outcome: Outcome, at: datetime) -> Announcement:
    detail = dict(outcome.report) | {"recovered": run.alerted}
    message = "job succeeded" if run.attempt == 1 else f"job succeeded at attempt {run.attempt}"
    return about(EventType.JOB_COMPLETED, message, at, run.attempt, detail, pipeline)


def job_ended_badly(
    run: Run,
    pipeline: Pipeline | None,
    outcome: Outcome,
    decision: RetryDecision,
    at: datetime,
    left: JobLeft | None,
) -> list[Announcement]:
    """The one end of the attempt, the poll window before it where that is the cause, and what follows from it."""
    from interlock.domain.retry import category_of  # the stream router tells of no such end

    detail: dict[str, Any] = {"category": str(category_of(outcome)), "retry": decision.reason} | dict(
        outcome.report
    )
    detail |= {"error": outcome.error} if outcome.error else {}
    detail |= {"jobType": run.job_type} if run.job_type else {}
    detail |= {"jobId": run.remote_id} if run.remote_id else {}
    detail |= {"runId": run.run_id} if replace(run, outcome=outcome).is_known_by_its_run_id else {}
    detail |= _of_the_job_left(left)
    detail |= {"startUnknown": True} if outcome.start_unknown else {}
    detail |= {"retryAt": instant_text(decision.retry_at)} if decision.retry_at else {}
    end = EventType.JOB_TIMEOUT if outcome.end is JobEnd.TIMEOUT else EventType.JOB_FAILED
    verb = "timed out" if end is EventType.JOB_TIMEOUT else "failed"
    message = f"attempt {run.attempt} {verb}" + (f": {outcome.error}" if outcome.error else "")
    events = [about(end, message, at, run.attempt, detail, pipeline)]
    if outcome.exhausted:
        said = "nobody reported the job's end within jobPollWindowSeconds" + (f"; {left}" if left else "")
        events.insert(0, about(EventType.JOB_POLL_EXHAUSTED, said, at, run.attempt, detail, pipeline))
    if decision.again:
        said = f"attempt {run.attempt + 1} follows: {decision.reason}"
        events.append(Announcement(EventType.JOB_RETRIED, said, at, run.attempt + 1, detail))
    elif decision.budget_used_up:
        said = f"no attempt is left: {decision.reason}" + (
            f"; last error: {outcome.error}" if outcome.error else ""
        )
        events.append(about(EventType.RETRY_EXHAUSTED, said, at, run.attempt, detail, pipeline))
    return events


def _of_the_job_left(left: JobLeft | None) -> dict[str, Any]:
    if left is None:
        return {}
    return {"remoteJob": left.words} | ({"jobMayStillRun": True} if left.may_live else {})


def infra_failure(
    run: Run,
    pipeline: Pipeline | None,
    what: str,
    error: str,
    at: datetime,
    left: JobLeft | None = None,
) -> Announcement:
    """`left`: of a job that no attempt is judged by."""
    detail = {"error": error[:1000]} | _of_the_job_left(left)
    return about(EventType.INFRA_FAILURE, what, at, run.attempt, detail, pipeline)


def pipeline_excluded(pipeline: Pipeline, reason: str, at: datetime) -> Announcement:
    return about(EventType.PIPELINE_EXCLUDED, f"no run: {reason}", at, None, {"reason": reason}, pipeline)


def input_invalid(what: str, problem: str, at: datetime, pipeline: Pipeline | None) -> Announcement:
    """Something from outside that cannot be read: a sensor, a job record, a row."""
    detail = {"input": what[:300], "problem": problem[:1000]}
    return about(
        EventType.SENSOR_INVALID, f"{what[:300]} was ignored: {problem[:1000]}", at, None, detail, pipeline
    )


def config_loaded(source: str, at: datetime, warnings: Iterable[str]) -> Announcement:
    detail: dict[str, Any] = {"source": source}
    told = [warning[:300] for warning in warnings][:_MOST_REASONS]
    detail |= {"warnings": told} if told else {}
    return Announcement(EventType.CONFIG_LOADED, f"config loaded from {source}", at, None, detail)


def calendar_loaded(source: str, calendar: Calendar, at: datetime, warnings: Iterable[str]) -> Announcement:
    loaded = config_loaded(source, at, warnings)
    what = {"calendar": calendar.name, "dates": len(calendar.dates), "days": len(calendar.days)}
    message = f"calendar {calendar.name} loaded from {source}"
    return replace(loaded, message=message, detail={**loaded.detail, **what})


def config_invalid(source: str, mistakes: Sequence[str], last_good: bool, at: datetime) -> Announcement:
    # What is wrong must be seen beside the longest of names.
    name = source if len(source) <= _LONGEST_SOURCE else f"…{source[-_LONGEST_SOURCE:]}"
    shown = [mistake.replace(source, name, 1)[:300] for mistake in mistakes[:_MOST_REASONS]]
    count = f"{len(mistakes)} mistake{'s' if len(mistakes) != 1 else ''}"
    kept = "; the last good config stays in force" if last_good else ""
    detail = {"source": source, "mistakes": shown, "mistakeCount": len(mistakes)}
    return Announcement(EventType.CONFIG_INVALID, f"{name} has {count}{kept}: {shown[0]}", at, None, detail)


def rerun_accepted(run: Run, detail: Mapping[str, Any], at: datetime) -> Announcement:
    said = f"run again: {detail.get('reason') or 'requested'}"
    return Announcement(EventType.RERUN_ACCEPTED, said[:500], at, run.attempt, detail)


def rerun_rejected(
    pipeline: Pipeline | None, attempt: int | None, why: str, detail: Mapping[str, Any], at: datetime
) -> Announcement:
    return about(
        EventType.RERUN_REJECTED, f"not run again: {why}", at, attempt, {**detail, "why": why}, pipeline
    )


def infra_alarm(alarm: Alarm) -> Announcement:
    detail = {"alarmName": alarm.name, "reason": alarm.reason}
    detail |= {"description": alarm.description} if alarm.description else {}
    detail |= {"previousState": alarm.previous_state} if alarm.previous_state else {}
    message = f"{alarm.name} went off: {alarm.description or alarm.reason}"
    return Announcement(EventType.INFRA_ALARM, message, alarm.since, None, detail)


def about(
    event_type: EventType,
    message: str,
    at: datetime,
    attempt: int | None,
    detail: Mapping[str, Any],
    pipeline: Pipeline | None,
) -> Announcement:
    """An announcement that names the pipeline's owner and runbook where somebody is woken by it."""
    whole = dict(detail)
    # Who is woken needs to know whose it is and where the instructions are.
    if pipeline is not None and (severity_of(event_type) is not Severity.INFO or detail.get("recovered")):
        whole |= {"owner": pipeline.owner} if pipeline.owner else {}
        whole |= {"runbook": pipeline.runbook} if pipeline.runbook else {}
    return Announcement(event_type, message[:2000], at, attempt, whole)


def reasons(verdicts: Sequence[RuleVerdict]) -> list[dict[str, Any]]:
    """The verdicts as a detail carries them, the first 20."""
    return [
        {
            "rule": verdict.rule,
            "reason": verdict.reason,
            "seen": verdict.seen,
            "wanted": verdict.wanted,
            "since": verdict.since and instant_text(verdict.since),
        }
        for verdict in verdicts[:_MOST_REASONS]
    ]


def first_reasons(verdicts: Sequence[RuleVerdict]) -> str:
    """The first three; that a sensor was never reported is one reason, however many rules read it."""
    different = list(dict.fromkeys(verdict.reason for verdict in verdicts))
    return "; ".join(different[:3]) + (f"; and {len(different) - 3} more" if len(different) > 3 else "")


def instant_text(at: datetime) -> str:
    """An instant as a detail carries it."""
    precision = "milliseconds" if at.microsecond else "seconds"
    return at.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")

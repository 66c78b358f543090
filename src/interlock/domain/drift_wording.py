"""What the watch after a success announces, in words: late data, drift, post-run rules, what follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from interlock.domain import announcement, dry_run_wording
from interlock.domain.announcement import about, first_reasons, instant_text, reasons
from interlock.domain.drift import Drift
from interlock.domain.event import Announcement, EventType
from interlock.domain.late_data import Difference
from interlock.domain.pipeline import Pipeline
from interlock.domain.post_run import PASSED, PostRunVerdict
from interlock.domain.rerun import RerunDecision
from interlock.domain.run import Run
from interlock.domain.sensor_value import duration_text, json_safe, kept_shown, number_text

_MOST_NAMED = 20


def baseline_captured(run: Run, sensors: int, fields: int, at: datetime) -> Announcement:
    fields_said = (
        f"{fields} field{'s' if fields != 1 else ''} of {sensors} sensor{'s' if sensors != 1 else ''}"
    )
    return Announcement(
        EventType.POST_RUN_BASELINE_CAPTURED,
        f"kept what was read: {fields_said}; another value from now on is late data, or drift",
        at,
        run.attempt,
        {"sensors": sensors, "fields": fields},
    )


def baseline_capture_failed(run: Run, pipeline: Pipeline, error: str, at: datetime) -> Announcement:
    message = f"what the sensors read at success could not be kept: {error}"
    return about(
        EventType.BASELINE_CAPTURE_FAILED, message, at, run.attempt, {"error": error[:1000]}, pipeline
    )


def late_data(
    run: Run, pipeline: Pipeline, found: Sequence[Difference], at: datetime, *, dry_run: bool
) -> Announcement:
    first, lines = found[0], [_difference(one) for one in found[:_MOST_NAMED]]
    detail = {
        "sensor": first.sensor,
        "field": first.field,
        "baseline": first.before,
        "value": first.value,
        "changes": lines,
    }
    more = f"; and {len(found) - 3} more" if len(found) > 3 else ""
    message = f"after the run succeeded {'; '.join(lines[:3])}{more}"
    if dry_run:
        return Announcement(
            EventType.DRY_RUN_LATE_DATA, f"dry run: {message}"[:2000], at, run.attempt, detail
        )
    return about(EventType.LATE_DATA_ARRIVAL, message, at, run.attempt, detail, pipeline)


def _difference(one: Difference) -> str:
    before = "had no value" if one.before is None else f"was {kept_shown(one.before)}"
    now = kept_shown(one.value)
    return f"{one.sensor}.{one.field} {before} and is {'another' if before == f'was {now}' else now}"


def drift_found(run: Run, pipeline: Pipeline, drift: Drift, at: datetime, *, dry_run: bool) -> Announcement:
    message, detail = f"since the run succeeded {_moved(drift)}", _drift_detail(drift)
    if dry_run:
        return Announcement(EventType.DRY_RUN_DRIFT, f"dry run: {message}"[:2000], at, run.attempt, detail)
    return about(EventType.POST_RUN_DRIFT, message, at, run.attempt, detail, pipeline)


def drift_in_flight(run: Run, drift: Drift, at: datetime) -> Announcement:
    message = f"while the job runs {_moved(drift)}"
    return Announcement(
        EventType.POST_RUN_DRIFT_INFLIGHT, message[:2000], at, run.attempt, _drift_detail(drift)
    )


def _moved(drift: Drift) -> str:
    by = number_text(abs(drift.change)) + (f" ({abs(drift.percent)}%)" if drift.percent is not None else "")
    return (
        f"{drift.sensor}.{drift.field} {'fell' if drift.change < 0 else 'rose'} by {by},"
        f" from {number_text(drift.baseline)} to {number_text(drift.value)}, more than {drift.threshold}"
    )


def _drift_detail(drift: Drift) -> dict[str, Any]:
    detail: dict[str, Any] = {
        "sensor": drift.sensor,
        "field": drift.field,
        "baseline": json_safe(drift.baseline),
        "value": json_safe(drift.value),
        "change": json_safe(drift.change),
        "threshold": drift.threshold,
    }
    return detail | ({"changePercent": drift.percent} if drift.percent is not None else {})


def rerun_follows(
    run: Run, source: str, reason: str, decision: str, at: datetime, *, dry_run: bool
) -> Announcement:
    """`run` is the one that succeeded; the rerun is its next attempt."""
    detail = _asked(source, reason)
    if dry_run:
        return dry_run_wording.would_rerun(run.attempt, decision, detail, at)
    accepted = announcement.rerun_accepted(run, detail | {"decision": decision}, at)
    return Announcement(accepted.type, accepted.message, at, run.attempt + 1, accepted.detail)


def no_rerun(
    run: Run,
    pipeline: Pipeline,
    source: str,
    reason: str,
    decision: RerunDecision,
    at: datetime,
    *,
    dry_run: bool,
) -> Announcement:
    detail, why = _asked(source, reason), decision.reason
    if dry_run:
        return dry_run_wording.rerun_rejected(run.attempt, why, detail, at)
    explained = {"explanation": [decision.way_out]} if decision.way_out else {}
    return announcement.rerun_rejected(pipeline, run.attempt, why, detail | explained, at)


def _asked(source: str, reason: str) -> dict[str, Any]:
    return {"source": source, "reason": reason[:300], "requestedBy": "interlock", "force": False}


def post_run_judged(run: Run, pipeline: Pipeline, judged: PostRunVerdict, at: datetime) -> Announcement:
    detail = {"rules": reasons(judged.verdicts)}
    if judged.verdict == PASSED:
        return Announcement(EventType.POST_RUN_PASSED, "the post-run rules hold", at, run.attempt, detail)
    message = f"the post-run rules do not hold: {first_reasons(judged.verdicts)}"
    return about(EventType.POST_RUN_FAILED, message, at, run.attempt, detail, pipeline)


def post_run_sensor_missing(
    run: Run, pipeline: Pipeline, missing: Sequence[str], waited: timedelta, at: datetime
) -> Announcement:
    named = ", ".join(missing[:_MOST_NAMED]) + (
        f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
    )
    detail = {
        "sensors": list(missing),
        "sensorTimeout": duration_text(waited),
        "succeededAt": instant_text(run.succeeded_at or at),
    }
    message = f"nothing wrote {named} within {duration_text(waited)} of the success"
    return about(EventType.POST_RUN_SENSOR_MISSING, message, at, run.attempt, detail, pipeline)

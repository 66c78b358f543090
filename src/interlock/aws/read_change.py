"""A stream record of the control or joblog table as what it means; `BadInput` when it cannot be read."""

from __future__ import annotations

import hashlib

from interlock.aws import keys
from interlock.aws.job_log import read_job_record
from interlock.aws.outbox import events_of
from interlock.aws.run_item import plain
from interlock.domain.bad_input import BadInput
from interlock.domain.change import Change, ChangeKind
from interlock.domain.routing import (
    Announced,
    ConfigRemoved,
    Fact,
    JobReported,
    RerunRequested,
    SensorWritten,
)
from interlock.domain.schedule import period_of

_ANNOUNCING = frozenset(
    (keys.RowKind.RUN, keys.RowKind.NOTICE, keys.RowKind.CONFIG, keys.RowKind.CONFIG_FILE)
)
_TRUE = frozenset(("true", "1", "yes"))


def read_change(change: Change) -> Fact | None:
    """None for a change that concerns nobody: no config is read for it."""
    parsed = keys.parse_key(change.partition_key, change.sort_key)
    if parsed is None:
        return None
    removed = change.kind is ChangeKind.REMOVE or change.new is None
    if parsed.kind is keys.RowKind.SENSOR:
        return SensorWritten(parsed.pipeline_id, parsed.rest, None if removed else change.new, change.at)
    if removed:
        # Deleting a rerun request or a job record asks for nothing.
        return ConfigRemoved(parsed.pipeline_id) if parsed.kind is keys.RowKind.CONFIG else None
    if parsed.kind in _ANNOUNCING:
        events = events_of(change)
        return Announced(tuple(events)) if events else None
    if parsed.kind is keys.RowKind.JOB and change.new is not None:
        return JobReported(read_job_record(change.new))
    if parsed.kind is keys.RowKind.RERUN_REQUEST:
        return _rerun_request(change)
    return None


def _rerun_request(change: Change) -> RerunRequested:
    attributes = plain(change.new or {})
    key = keys.parse_run_key(change.partition_key, change.sort_key)
    try:
        period_of(key.date)
    except ValueError as error:
        raise BadInput(f"{change.sort_key[:200]!r}: {error}") from error
    identity = f"{change.sequence_number}\0{change.at.isoformat()}"
    force = attributes.get("force")
    return RerunRequested(
        key=key,
        request_id=hashlib.sha256(identity.encode()).hexdigest()[:16],
        attributes=change.new or {},
        reason=str(attributes.get("reason") or "")[:300],
        requested_by=str(attributes.get("requestedBy") or "")[:100],
        force=force if isinstance(force, bool) else str(force).strip().lower() in _TRUE,
    )

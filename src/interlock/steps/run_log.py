"""The fields that every log line about a run carries."""

from __future__ import annotations

from typing import Any

from interlock.domain.run import Run, RunKey


def fields(run: Run | RunKey, **more: Any) -> dict[str, Any]:
    """For `extra=`: pipeline, schedule, date, attempt and status as fields of their own."""
    key = run if isinstance(run, RunKey) else run.key
    known: dict[str, Any] = {"pipeline": key.pipeline_id, "schedule": key.schedule_id, "date": key.date}
    if isinstance(run, Run):
        known |= {"attempt": run.attempt, "run_status": str(run.status)}
    return known | more

"""Targets that cannot be asked whether they have been started: one start whose answer was lost is never followed by another.

Unless the user says `idempotent: true`: then the target takes one start twice, and the start is tried again.
"""

from __future__ import annotations

from interlock.ports import JobRequest, TriggerError


def found_nowhere(request: JobRequest, target: str) -> None:
    """`find` of a target that cannot be asked."""
    if not request.idempotent:
        raise answer_lost(request, target, "an earlier try was cut off before its answer came")


def answer_lost(request: JobRequest, target: str, why: str) -> TriggerError:
    """The error for a call that may have started the job."""
    advice = (
        "" if request.idempotent else f"; check whether run {request.run_id} took place, then ask for a rerun"
    )
    return TriggerError(
        f"unknown outcome: {target}: {why}{advice}", permanent=not request.idempotent, unknown_outcome=True
    )

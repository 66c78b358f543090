"""May this date be run again? Decided from the run as it stands, the budget, and what its sensors say now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from interlock.domain.late_data import value_mark
from interlock.domain.pipeline import Job
from interlock.domain.plain_text import budget_spent, clock
from interlock.domain.readiness import Readiness
from interlock.domain.rule_check import CLOCK_TOLERANCE
from interlock.domain.run import Run, RunStatus
from interlock.domain.sensor import Reading, Unseen
from interlock.domain.upstream_outcome import RunSeen, succeeded_after


@dataclass(frozen=True, slots=True)
class RerunDecision:
    """Accepted, or the reason why not."""

    accepted: bool
    reason: str
    way_out: str = ""  # of a refusal: what would have to change


_INCLUDE_IT = "change schedule.exclude or schedule.include, and ask again"


def decide_rerun(
    run: Run | None,
    job: Job,
    excluded: str | None,
    readings: Mapping[str, Reading | Unseen],
    readiness: Readiness,
    upstreams: Iterable[RunSeen] = (),
    *,
    force: bool,
    now: datetime,
) -> RerunDecision:
    """`run` is None for a date that never ran: it uses no budget. `force` skips the freshness check alone.

    `upstreams` are the runs of other pipelines that its rules read.
    """
    if excluded is not None:
        return RerunDecision(False, excluded, _INCLUDE_IT)
    if run is None:
        return RerunDecision(True, "this date has not run before")
    if run.status in (RunStatus.WAITING, RunStatus.RUNNING):
        return RerunDecision(False, f"a run of this date is {run.status}", "ask again once it has ended")
    if run.manual_reruns >= job.max_manual_reruns:
        used = budget_spent("maxManualReruns", job.max_manual_reruns)
        return RerunDecision(False, used, "raise job.maxManualReruns, and ask again")
    unchanged = not (
        _changed_since(run, readings, readiness, now) or succeeded_after(upstreams, _succeeded_at(run))
    )
    if run.status is RunStatus.SUCCEEDED and not force and unchanged:
        at = clock(_succeeded_at(run), now)
        return RerunDecision(
            False,
            f"no sensor of its rules was updated since it succeeded at {at}; --force (force: true) reruns anyway",
            "ask again once one of them is written, or with --force (force: true)",
        )
    return RerunDecision(True, f"rerun {run.manual_reruns + 1} of {job.max_manual_reruns}")


def _changed_since(
    run: Run, readings: Mapping[str, Reading | Unseen], readiness: Readiness, now: datetime
) -> bool:
    """By `updatedAt` where a reading has one that can be, else by the values that the rules read when it started."""
    for key, reading in readings.items():
        if isinstance(reading, Unseen):
            continue
        if reading.updated_at is not None and reading.updated_at <= now + CLOCK_TOLERANCE:
            if reading.updated_at > _succeeded_at(run):
                return True
        elif _reads_otherwise(readiness.seen.get(key, {}), run.seen.get(key)):
            return True
    return False


def _reads_otherwise(fields: Mapping[str, Any], before: Mapping[str, Any] | None) -> bool:
    """A sensor that was not there, or a field with another value, in whichever form it is written."""
    if before is None:
        return True
    return any(value_mark(value) != value_mark(before.get(name)) for name, value in fields.items())


def _succeeded_at(run: Run) -> datetime:
    # Rows of an earlier version do not tell it apart.
    return run.succeeded_at or run.updated_at


def decide_own_rerun(
    run: Run, job: Job, excluded: str | None, overwritten: str | None = None
) -> RerunDecision:
    """After late data or drift: both use one budget, counted in the run, whatever the reason says.

    `overwritten`: why a rerun would not see the data any more. It would wait in vain, and a good date expire.
    """
    if excluded is not None:
        return RerunDecision(False, excluded, _INCLUDE_IT)
    if overwritten is not None:
        return RerunDecision(False, overwritten, "write it once more for this date, and ask for a rerun")
    if run.drift_reruns >= job.max_drift_reruns:
        used = budget_spent("maxDriftReruns", job.max_drift_reruns)
        return RerunDecision(False, used, "ask for a rerun, or raise job.maxDriftReruns for the next change")
    return RerunDecision(
        True, f"rerun {run.drift_reruns + 1} of {job.max_drift_reruns} by late data or drift"
    )


def rerun_number(run: Run) -> int:
    """Counts a date's reruns of every source: unique in its log."""
    return run.manual_reruns + run.drift_reruns

"""What do the rows of the runs that a rule waits for say together?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.domain.pipeline import UpstreamRule
from interlock.domain.run import RunKey, RunStatus
from interlock.domain.upstream import UpstreamOutcome
from interlock.domain.upstream_runs import Awaited


@dataclass(frozen=True, slots=True)
class RunSeen:
    """A run of another pipeline, as a snapshot shows it."""

    status: RunStatus | None  # None: its row cannot be read
    moved_at: datetime
    dry_run: bool = False  # its job was never started: it has not succeeded, whatever its row says


def outcome_of(
    rule: UpstreamRule,
    run_date: str,
    awaited: Sequence[Awaited],
    seen: Mapping[RunKey, RunSeen],
    *,
    known: bool,
) -> UpstreamOutcome:
    """What the rows say. `known`: there is a pipeline of that name (asked when there is no row of it)."""
    name = rule.pipeline_id
    if not awaited:
        return UpstreamOutcome(True, f"{name} has no period within {run_date} to wait for", 0, 0)
    found = [_run_of(one, seen) for one in awaited]
    if len(found) == 1:
        date, run = found[0]
        reason = f"{name} {date} is {_standing(run)}" if run else f"{name} {date} has not run"
        if run is None and not known:
            reason = f"there is no pipeline {name}"
        return UpstreamOutcome(_succeeded(run), reason, run.status if run and not run.dry_run else None)
    missing = [f"{_short(date, run_date)} ({_standing(run)})" for date, run in found if not _succeeded(run)]
    held = len(found) - len(missing)
    reason = f"{held} of {len(found)} runs of {name} within {run_date} succeeded"
    if missing:
        more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
        reason += f"; missing {', '.join(missing[:_MOST_NAMED])}{more}"
    return UpstreamOutcome(not missing, reason, held, len(found))


_MOST_NAMED = 8


def _run_of(awaited: Awaited, seen: Mapping[RunKey, RunSeen]) -> tuple[str, RunSeen | None]:
    """The run and the date that it really has, which may be a coarser one."""
    for place in awaited.places:
        runs = [(key.date, seen[key]) for key in place if key in seen]
        if runs:
            return max(runs, key=lambda run: run[1].moved_at)
    return awaited.date, None


def _succeeded(run: RunSeen | None) -> bool:
    return run is not None and run.status is RunStatus.SUCCEEDED and not run.dry_run


def _standing(run: RunSeen | None) -> str:
    if run is None:
        return "has not run"
    if run.dry_run:
        return "a dry run, which starts nothing"
    return "unreadable" if run.status is None else str(run.status)


def _short(date: str, run_date: str) -> str:
    """The hour of our own day alone."""
    return date[len(run_date) :] if date.startswith(f"{run_date}T") else date

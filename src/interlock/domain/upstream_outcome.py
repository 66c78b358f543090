"""What do the rows of the runs that a rule waits for say together?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    dry_run: bool = False  # nothing was started: its success counts for other dry runs alone
    succeeded_at: datetime | None = None  # the last success


def succeeded_after(seen: Iterable[RunSeen], instant: datetime) -> bool:
    """Whether one of them has succeeded, perhaps again, since."""
    return any(
        run.status is RunStatus.SUCCEEDED and run.succeeded_at is not None and run.succeeded_at > instant
        for run in seen
    )


def outcome_of(
    rule: UpstreamRule,
    run_date: str,
    awaited: Sequence[Awaited],
    seen: Mapping[RunKey, RunSeen],
    *,
    known: bool,
    dry_run: bool = False,
) -> UpstreamOutcome:
    """What the rows say to a run, or to a dry run. `known`: there is such a pipeline (asked when it has no row)."""
    name = rule.pipeline_id
    if not awaited:
        return UpstreamOutcome(True, f"{name} has no period within {run_date} to wait for", 0, 0)
    found = [_run_of(one, seen) for one in awaited]
    if len(found) == 1:
        date, run = found[0]
        reason = f"{name} {date} is {_standing(run, dry_run)}" if run else f"{name} {date} has not run"
        if run is None and not known:
            reason = f"there is no pipeline {name}"
        status = run.status if run and (dry_run or not run.dry_run) else None
        return UpstreamOutcome(_succeeded(run, dry_run), reason, status)
    missing = [
        f"{_short(date, run_date)} ({_standing(run, dry_run)})"
        for date, run in found
        if not _succeeded(run, dry_run)
    ]
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


def _succeeded(run: RunSeen | None, dry_run: bool) -> bool:
    return run is not None and run.status is RunStatus.SUCCEEDED and (dry_run or not run.dry_run)


def _standing(run: RunSeen | None, dry_run: bool) -> str:
    if run is None:
        return "has not run"
    if run.dry_run and not dry_run:
        return "a dry run, which starts nothing"
    standing = "unreadable" if run.status is None else str(run.status)
    return f"{standing} as a dry run" if run.dry_run else standing


def _short(date: str, run_date: str) -> str:
    """The hour of our own day alone."""
    return date[len(run_date) :] if date.startswith(f"{run_date}T") else date

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
    found = [(one, _run_of(one, seen)) for one in awaited]
    if len(found) == 1:
        one, run = found[0]
        reason = f"{name} {one.date} {_standing(run)}"
        if run is None and not known:
            reason = f"there is no pipeline {name}"
        return UpstreamOutcome(_succeeded(run), reason, run.status if run else None)
    missing = [(one, run) for one, run in found if not _succeeded(run)]
    held = len(found) - len(missing)
    reason = f"{held} of {len(found)} runs of {name} within {run_date} succeeded"
    if missing:
        told = [f"{one.date} {_standing(run)}" for one, run in missing[:_MOST_NAMED]]
        more = f", and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
        reason += f"; {', '.join(told)}{more}"
    return UpstreamOutcome(not missing, reason, held, len(found))


_MOST_NAMED = 4


def _run_of(awaited: Awaited, seen: Mapping[RunKey, RunSeen]) -> RunSeen | None:
    for place in awaited.places:
        runs = [seen[key] for key in place if key in seen]
        if runs:
            return max(runs, key=lambda run: run.moved_at)
    return None


def _succeeded(run: RunSeen | None) -> bool:
    return run is not None and run.status is RunStatus.SUCCEEDED


def _standing(run: RunSeen | None) -> str:
    if run is None:
        return "has not run"
    return "cannot be read" if run.status is None else f"is {run.status}"

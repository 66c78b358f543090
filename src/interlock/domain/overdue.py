"""Which open run must have lost its workflow: what should have been done long ago, and was not."""

from __future__ import annotations

from datetime import datetime, timedelta

from interlock.domain.plain_text import clock
from interlock.domain.run import Run, RunStatus

GRACE = timedelta(minutes=15)
# A service that refuses for now (throttled, too many runs) is asked again for this long, within one attempt.
REFUSALS_LAST = timedelta(minutes=30)
# StartJob repeats a start whose fate is unknown four times after a quarter of an hour.
_START_MAY_TAKE = timedelta(hours=2)
# CompleteRun and RecordFailure try what fails for less than this.
JUDGING_MAY_TAKE = timedelta(hours=1)
# The orchestrator's time limit: after it nobody calls a job service any more on whose behalf an intent was written.
CALLER_LIVES = timedelta(minutes=15)


def start_may_be_under_way(run: Run, now: datetime) -> bool:
    """Whoever is about to call the job service lives on when its execution is stopped.

    Until that is over, a job that is not found may still come. https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html
    """
    return run.may_have_started and run.intent is not None and now < run.intent.at + CALLER_LIVES


def why_overdue(run: Run, now: datetime) -> str | None:
    """A sentence, or None while its workflow may still do what it should."""
    if run.status is RunStatus.RUNNING:
        ended_by = run.job_ends_by or run.updated_at
        if now >= ended_by + GRACE:
            return f"the time of its job was over at {clock(ended_by, now)}, and nobody judged it"
    if run.status is RunStatus.WAITING:
        if run.pools and run.slots_at is None and not run.may_have_started:
            return None  # it waits for a slot, however long others hold them; its window is looked after by its check row
        last = _start_was_due(run)
        if now >= last + _start_may_take(run):
            return f"it should have started by {clock(last, now)}"
    return None


def _start_was_due(run: Run) -> datetime:
    instants = [run.window_ends_at]
    if run.retry_at is not None:
        instants.append(run.retry_at)
    if run.slots_at is not None:
        instants.append(run.slots_at)
    if run.refused_since is not None:
        instants.append(run.refused_since + REFUSALS_LAST)
    return max(instants)


def _start_may_take(run: Run) -> timedelta:
    if run.may_have_started:
        return _START_MAY_TAKE
    # One whose execution cannot be started is given as long again: it would evaluate the rules at once.
    return GRACE if run.confirmed else 2 * GRACE

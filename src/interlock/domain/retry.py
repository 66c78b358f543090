"""Try again? Decided from the failure's category, the budgets of the pipeline and what the run has used of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from interlock.domain.pipeline import Job, OnTimeout
from interlock.domain.plain_text import budget_spent
from interlock.domain.run import FailureCategory, JobEnd, Outcome, Run

LONGEST_BACKOFF = timedelta(days=1)  # doubling a day ten times would be years


@dataclass(frozen=True, slots=True)
class RetryDecision:
    """Whether the next attempt is made, and why or why not."""

    again: bool
    reason: str
    retry_at: datetime | None = None
    retries: int = 0  # used after this decision
    code_retries: int = 0
    budget_used_up: bool = False  # not again, for want of budget


@dataclass(frozen=True, slots=True)
class JobLeft:
    """What became of the remote job of an attempt that ends without it."""

    words: str
    may_live: bool

    def __str__(self) -> str:
        return self.words


def category_of(outcome: Outcome) -> FailureCategory:
    """A failure that nobody categorised counts as one that may pass."""
    if outcome.end is JobEnd.TIMEOUT:
        return FailureCategory.TIMEOUT
    return outcome.category or FailureCategory.TRANSIENT


def decide_retry(
    run: Run,
    outcome: Outcome,
    job: Job | None,
    now: datetime,
    *,
    left: JobLeft | None = None,
    excluded: str | None = None,
) -> RetryDecision:
    """`job` is None when the config was removed: the run is seen to its end, and not tried again.

    `excluded`: why the run's date is excluded by now.
    """

    def no(reason: str, *, used_up: bool = False) -> RetryDecision:
        return RetryDecision(False, reason, None, run.retries, run.code_retries, used_up)

    if job is None:
        return no("its config was removed, so it is not tried again")
    if left is not None and left.may_live:
        # Started again it would run beside itself.
        why = "was left running (onTimeout: leave)" if job.on_timeout is OnTimeout.LEAVE else "may still run"
        return no(f"the job {why}, so it is not started again")
    permanent = category_of(outcome) is FailureCategory.PERMANENT
    name, budget = ("maxCodeRetries", job.max_code_retries) if permanent else ("maxRetries", job.max_retries)
    spent = run.code_retries if permanent else run.retries
    if outcome.start_unknown:
        why = "nobody knows whether its job was started, so it is not started again"
        return no(why, used_up=spent >= budget)
    if spent >= budget:
        return no(budget_spent(name, budget), used_up=True)
    if excluded is not None:
        return no(f"{excluded}, so it is not tried again")
    # Doubles with every retry of the run, whichever budget paid for it.
    delay = min(job.retry_backoff * 2 ** (run.retries + run.code_retries), LONGEST_BACKOFF)
    reason = f"{spent + 1} of {budget} {name}, after {_duration_text(delay.total_seconds())}"
    retries, code_retries = run.retries + (not permanent), run.code_retries + permanent
    return RetryDecision(True, reason, now + delay, retries, code_retries)


def _duration_text(seconds: float) -> str:
    whole = int(seconds)
    parts = [(whole // 3600, "h"), (whole % 3600 // 60, "m"), (whole % 60, "s")]
    return "".join(f"{amount}{unit}" for amount, unit in parts if amount) or "0s"

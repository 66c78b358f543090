"""What a dry run would have done, date by date, beside the jobs that somebody else ran meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from interlock.domain.job_record import JobRecord
from interlock.domain.plain_text import clock, duration
from interlock.domain.run import JobEnd, Run, RunStatus

_LONGEST_JOB = timedelta(days=30)  # a longer one is not believed


class Verdict(StrEnum):
    """How the two compare on one date."""

    AGREED = "agreed"
    WOULD_HAVE_WAITED = "would have waited"  # the job ran outside before its rules held
    BLOCKED_RIGHTLY = "blocked rightly"  # its rules never held, and it failed
    BLOCKED_WRONGLY = "blocked wrongly"  # its rules never held, and it succeeded
    ONLY_OUTSIDE = "only outside"  # no dry run opened
    ONLY_INTERLOCK = "only Interlock"  # it would have started, and nothing ran
    UNDECIDED = "undecided"  # its dry run is not over, or was cancelled


@dataclass(frozen=True, slots=True)
class OutsideRun:
    """All reports of one date together: the first start, the last end."""

    started_at: datetime | None  # None: no report says how long it took
    ended_at: datetime
    succeeded: bool
    attempts: int
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """One date."""

    date: str
    verdict: Verdict
    reason: str
    run: Run | None
    outside: OutsideRun | None
    waited: timedelta | None = None  # how much later Interlock would have started


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """All dates, ascending."""

    dates: tuple[Compared, ...]

    @property
    def totals(self) -> Mapping[Verdict, int]:
        verdicts = [one.verdict for one in self.dates]
        return {verdict: verdicts.count(verdict) for verdict in Verdict}

    @property
    def longest_wait(self) -> timedelta | None:
        return max((one.waited for one in self.dates if one.waited is not None), default=None)


def compare(runs: Iterable[Run], records: Iterable[JobRecord]) -> ShadowReport:
    """Runs that Interlock really made are passed over: there is nothing to compare them with."""
    ours = {run.key.date: run for run in runs}
    reported: dict[str, list[JobRecord]] = {}
    for record in records:
        reported.setdefault(record.key.date, []).append(record)
    dates = sorted({*ours, *reported})
    observed = [date for date in dates if date not in ours or ours[date].dry_run]
    return ShadowReport(
        tuple(_compared(date, ours.get(date), outside_run(reported.get(date, ()))) for date in observed)
    )


def outside_run(records: Sequence[JobRecord]) -> OutsideRun | None:
    """None when nothing was reported."""
    if not records:
        return None
    in_order = sorted(records, key=lambda record: record.at)
    last = in_order[-1]
    starts = [start for record in in_order if (start := _start_of(record)) is not None]
    return OutsideRun(
        min(starts, default=None),
        last.at,
        last.outcome.end is JobEnd.SUCCESS,
        len(in_order),
        last.outcome.error,
    )


def _start_of(record: JobRecord) -> datetime | None:
    seconds = record.outcome.report.get("durationSeconds")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        return None
    if not 0 <= seconds <= _LONGEST_JOB.total_seconds():
        return None
    return record.at - timedelta(seconds=seconds)


def _compared(date: str, run: Run | None, outside: OutsideRun | None) -> Compared:
    if run is None:
        return Compared(
            date, Verdict.ONLY_OUTSIDE, "no dry run opened: its trigger did not come", run, outside
        )
    if run.status is RunStatus.EXPIRED:
        return _blocked(date, run, outside)
    if run.status is not RunStatus.SUCCEEDED or run.started_at is None:
        return Compared(date, Verdict.UNDECIDED, f"its dry run is {run.status}", run, outside)
    if outside is None:
        why = f"it would have started at {clock(run.started_at, run.started_at)}"
        return Compared(date, Verdict.ONLY_INTERLOCK, why, run, outside)
    return _both(date, run, run.started_at, outside)


def _blocked(date: str, run: Run, outside: OutsideRun | None) -> Compared:
    unmet = (
        "; ".join(verdict.reason for verdict in run.verdicts if not verdict.holds) or "its rules never held"
    )
    if outside is None:
        return Compared(date, Verdict.AGREED, f"neither ran: {unmet}", run, outside)
    verdict = Verdict.BLOCKED_WRONGLY if outside.succeeded else Verdict.BLOCKED_RIGHTLY
    return Compared(date, verdict, unmet, run, outside)


def _both(date: str, run: Run, would_start: datetime, outside: OutsideRun) -> Compared:
    """Without a known start, only a job that had ended before its rules held is known to have run too early."""
    ran_at = outside.started_at or outside.ended_at
    how = "succeeded" if outside.succeeded else "failed"
    if would_start <= ran_at:
        early = f", {duration(ran_at - would_start)} earlier" if outside.started_at else ""
        return Compared(date, Verdict.AGREED, f"its rules held{early}; the job {how}", run, outside)
    waited = would_start - ran_at
    least = "" if outside.started_at else "at least "
    reason = f"by {least}{duration(waited)}; the job {how} without waiting"
    return Compared(date, Verdict.WOULD_HAVE_WAITED, reason, run, outside, waited)

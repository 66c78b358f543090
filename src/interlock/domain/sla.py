"""Is a promised SLA met, breached or at risk? The verdict alone, over its row and the run as it stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from interlock.domain.fires import cron_form, fire_of
from interlock.domain.pipeline import Pipeline
from interlock.domain.promise import Promise, PromiseKind
from interlock.domain.run import Run, RunStatus
from interlock.domain.schedule import Period, period_of, sla_deadline, sla_warning
from interlock.domain.sensor import InvalidReading, Reading, reading_run_date

_WARNED_AT = 0.75  # of maxDuration, when no expectedDuration says better


class SlaVerdict(StrEnum):
    """What a look at an SLA comes to; the word under which a row is settled."""

    OPEN = "open"
    AT_RISK = "at risk"  # time to warn
    MET = "met"
    BREACHED = "breached"


@dataclass(frozen=True, slots=True)
class SlaTimes:
    """By when a run must have succeeded, and when to warn of it."""

    deadline: datetime
    warning: datetime | None = None

    def next_look(self, *, warned: bool) -> datetime:
        return self.deadline if warned or self.warning is None else self.warning


def absolute_times(pipeline: Pipeline, run_date: str) -> SlaTimes | None:
    """None without `sla.deadline`. `ValueError` if that is no execution date."""
    deadline = None if pipeline.dry_run else sla_deadline(pipeline, run_date)
    return None if deadline is None else SlaTimes(deadline, sla_warning(pipeline, run_date))


def relative_times(pipeline: Pipeline, since: datetime) -> SlaTimes | None:
    """None without `sla.maxDuration`. `since` is when its clock began."""
    sla = pipeline.sla
    if pipeline.dry_run or sla is None or sla.max_duration is None:
        return None
    deadline = since + sla.max_duration
    warned_before = sla.expected_duration or sla.max_duration * (1 - _WARNED_AT)
    return SlaTimes(deadline, deadline - warned_before)


def sla_verdict(promise: Promise, times: SlaTimes, run: Run | None, now: datetime) -> SlaVerdict:
    """Of an open promise. A run that failed or expired is not late before its deadline: it may be rerun in time."""
    done_at = succeeded_at(promise, run)
    if done_at is not None and done_at <= times.deadline:
        return SlaVerdict.MET
    if now >= times.deadline:
        return SlaVerdict.BREACHED
    if times.warning is not None and now >= times.warning and not promise.warned:
        return SlaVerdict.AT_RISK
    return SlaVerdict.OPEN


def succeeded_at(promise: Promise, run: Run | None) -> datetime | None:
    """The success that this promise is judged by; None while there is none."""
    if run is None:
        return None
    if promise.kind is PromiseKind.SLA:
        return run.first_succeeded_at
    done_at, since = run.succeeded_at, promise.since
    if done_at is None or since is None or done_at < since:
        return None
    # A success can bring about a rerun at once: that the clock of this one began then, it is no end of it.
    return done_at if done_at > since or run.status is RunStatus.SUCCEEDED else None


def clock_date(reading: Reading, pipeline: Pipeline, written_at: datetime) -> str | None:
    """The date whose relative clock a reading may begin; None when it names no single run."""
    trigger, period = pipeline.schedule.trigger, reading.period
    try:
        run_date = reading_run_date(reading, pipeline, written_at)
    except InvalidReading:
        return None
    if trigger is not None and reading.key == trigger.rule.key:
        return run_date
    if pipeline.schedule.cron is not None:
        # Only the trigger opens runs at other times than the cron's.
        is_own = period in (None, run_date) and fire_of(pipeline, run_date) is not None
    else:
        # What the config does not say, the trigger's readings may: their dates have hours, or have none.
        is_own = cron_form(pipeline) is not Period.HOURLY or period_of(run_date) is Period.HOURLY
    return run_date if is_own else None

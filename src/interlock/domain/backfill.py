"""Running many past dates on purpose: which of them, how many at once, and when to stop asking for more."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from itertools import islice

from interlock.domain.calendar import Calendar
from interlock.domain.execution_date import instant_of, period_end, period_start, zone_of
from interlock.domain.expected_date import ExpectedDate, expected_dates
from interlock.domain.pipeline import Pipeline
from interlock.domain.run import Run, RunStatus

MOST_DATES = 2000
# Before so many have ended, one failure says nothing about the rest.
_ENOUGH_ENDED = 3
_OPEN = (RunStatus.WAITING, RunStatus.RUNNING)


class Standing(StrEnum):
    """Where one date of a backfill stands."""

    TO_RUN = "to run"  # to be asked for
    ASKED = "asked"  # the request waits to be decided
    OPEN = "open"  # accepted; its run waits or runs
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # also expired, and cancelled
    REFUSED = "refused"  # the request was
    SKIPPED = "skipped"  # excluded, succeeded before, open already, or yet to come


UNDER_WAY = frozenset({Standing.ASKED, Standing.OPEN})


@dataclass(frozen=True, slots=True)
class PlannedDate:
    """One date, and why it stands as it does."""

    date: str
    standing: Standing
    reason: str


class BackfillImpossible(ValueError):
    """What is asked cannot be planned; the message says what to ask instead."""


def backfill_id(pipeline_id: str, since: str, until: str) -> str:
    """The same command has the same id: so it knows, of all reruns, which it asked for."""
    return hashlib.sha256(f"{pipeline_id}\0{since}\0{until}".encode()).hexdigest()[:12]


def dates_between(
    pipeline: Pipeline, since: str, until: str, calendars: Mapping[str, Calendar]
) -> list[ExpectedDate]:
    """The execution dates from `since` to `until`, both included. Raises `BackfillImpossible`."""
    try:
        zone = zone_of(pipeline)
        begin, end = instant_of(period_start(since), zone), instant_of(period_end(until), zone)
    except ValueError as error:
        raise BackfillImpossible(str(error)) from error
    if begin >= end:
        raise BackfillImpossible(f"--from {since} is later than --to {until}; swap them")
    found = list(islice(_dates(pipeline, begin, end, calendars), MOST_DATES + 1))
    if len(found) > MOST_DATES:
        raise BackfillImpossible(
            f"more than {MOST_DATES} dates lie from {since} to {until}; take a part of them at a time"
        )
    return found


def _dates(
    pipeline: Pipeline, begin: datetime, end: datetime, calendars: Mapping[str, Calendar]
) -> Iterable[ExpectedDate]:
    schedule = pipeline.schedule
    if schedule.cron or schedule.trigger or schedule.include:
        return expected_dates(pipeline, begin, end, calendars)
    # Only requests start such a pipeline: each day may be asked for.
    days = range((end - begin + timedelta(hours=12)) // timedelta(days=1))
    starts = [begin.astimezone(zone_of(pipeline)).replace(tzinfo=None) + timedelta(days=day) for day in days]
    return (_whole_day(pipeline, start) for start in starts)


def _whole_day(pipeline: Pipeline, start: datetime) -> ExpectedDate:
    zone, day = zone_of(pipeline), start.date().isoformat()
    return ExpectedDate(day, instant_of(start, zone), instant_of(period_end(day), zone))


def plan(
    expected: Iterable[ExpectedDate],
    runs: Mapping[str, Run],
    pending: Collection[str],
    asked_before: Collection[str],
    now: datetime,
    *,
    force: bool,
    retry_failed: bool,
) -> list[PlannedDate]:
    """Where each date stands before anything is asked. `pending` and `asked_before`: by this very backfill.

    `force` runs again what succeeded before this backfill, `retry_failed` what failed in an earlier part of it.
    """
    return [
        _planned(
            one,
            runs.get(one.date),
            now,
            pending=one.date in pending,
            ours=one.date in asked_before,
            force=force,
            retry_failed=retry_failed,
        )
        for one in expected
    ]


def _planned(
    one: ExpectedDate,
    run: Run | None,
    now: datetime,
    *,
    pending: bool,
    ours: bool,
    force: bool,
    retry_failed: bool,
) -> PlannedDate:
    def is_(standing: Standing, reason: str) -> PlannedDate:
        return PlannedDate(one.date, standing, reason)

    if pending:
        return is_(Standing.ASKED, "its request waits to be decided")
    if one.excluded is not None:
        return is_(Standing.SKIPPED, one.excluded)
    if run is None:
        if one.begins_at > now:
            return is_(Standing.SKIPPED, "it lies in the future")
        return is_(Standing.TO_RUN, "it has not run")
    if run.status in _OPEN:
        if ours:
            return is_(Standing.OPEN, f"its run is {run.status}")
        return is_(Standing.SKIPPED, f"a run of it is {run.status} already")
    if run.status is RunStatus.SUCCEEDED and not run.dry_run:
        if ours:
            return is_(Standing.SUCCEEDED, "by this backfill")
        if force:
            return is_(Standing.TO_RUN, "it succeeded before, and --force runs it again")
        return is_(Standing.SKIPPED, "it has succeeded; --force runs it again")
    if ours and not retry_failed:
        why = f"{run.status} in an earlier part of this backfill; --retry-failed asks again"
        return is_(Standing.FAILED, why)
    return is_(Standing.TO_RUN, "only a dry run was made" if run.dry_run else f"its run is {run.status}")


# ---------------------------------------------------------------- one step


@dataclass(frozen=True, slots=True)
class Limits:
    """How much at once, and how many failures are too many."""

    concurrency: int = 2
    most_failures: Fraction | int = Fraction(20, 100)  # a share of those that ended, or a number


@dataclass(frozen=True, slots=True)
class Step:
    """What to do next."""

    ask: tuple[str, ...] = ()  # these dates
    stopped: str | None = None  # why no more are asked for
    done: bool = False  # nothing is under way, and nothing is left to ask for


def next_step(
    standings: Mapping[str, Standing],
    ended_badly: int,
    ended: int,
    limits: Limits,
    stopped_before: str | None = None,
) -> Step:
    """What ended counts since the command was started, refused requests included: so it can go on after a stop.

    A stop stands, whatever the runs that were open then come to.
    """
    under_way = sum(standing in UNDER_WAY for standing in standings.values())
    to_run = [date for date, standing in standings.items() if standing is Standing.TO_RUN]
    stopped = stopped_before or (_too_many(ended_badly, ended, limits.most_failures) if to_run else None)
    if stopped is not None:
        return Step(stopped=stopped, done=not under_way)
    ask = tuple(sorted(to_run)[: max(0, limits.concurrency - under_way)])
    return Step(ask, done=not to_run and not under_way)


def _too_many(ended_badly: int, ended: int, most: Fraction | int) -> str | None:
    if isinstance(most, int):
        if ended_badly > most:
            return f"{ended_badly} failed, more than {most}"
        return None
    if ended < _ENOUGH_ENDED or Fraction(ended_badly, ended) <= most:
        return None
    return f"{ended_badly} of {ended} failed, more than {float(most * 100):g}%"


_PERCENT = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,2}))?%")


def read_most_failures(text: str) -> Fraction | int:
    """`20%` or `5`. `ValueError` says what to write."""
    percent = _PERCENT.fullmatch(text)
    if percent:
        share = Fraction(text[:-1]) / 100
        if share <= 1:
            return share
    elif text.isascii() and text.isdigit() and len(text) <= 4:
        return int(text)
    raise ValueError(f"{text[:40]!r} is neither a share like 20% nor a number like 5")

"""`interlock backfill PIPELINE --from DATE --to DATE`: runs past dates, few at a time, and stops when too many fail.

All it knows stands in the tables: the same command again goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TextIO

from interlock.aws.pipeline_rows import Dates, PipelineRows
from interlock.cli.asking import (
    POLL_SECONDS,
    Asked,
    Clock,
    Desk,
    Found,
    person,
    pipeline_of,
    real_clock,
)
from interlock.cli.backfill_telling import Telling
from interlock.cli.cloud import Cloud, WrongUsage, add_cloud_arguments, answered
from interlock.domain.backfill import (
    UNDER_WAY,
    BackfillImpossible,
    Limits,
    PlannedDate,
    Standing,
    Step,
    backfill_id,
    dates_between,
    next_step,
    plan,
    read_most_failures,
)
from interlock.domain.pipeline import Pipeline
from interlock.domain.run import RunKey
from interlock.domain.schedule import calendar_names
from interlock.ports import CallFailed

MOST_AT_ONCE = 50
INTERRUPTED = 130  # as shells report it
_MOST_UNANSWERED = 10


def add_parser(subparsers: Any) -> None:
    """Adds `backfill` to the command line."""
    parser = subparsers.add_parser(
        "backfill",
        help="run past dates, few at a time",
        description="Runs past dates: exit code 0 all succeeded, 1 some failed or were refused, 2 wrong usage. "
        "The same command again goes on where it was stopped.",
    )
    parser.add_argument("pipeline", metavar="PIPELINE", help="the pipeline's id")
    parser.add_argument(
        "--from", required=True, dest="since", metavar="DATE", help="the first execution date"
    )
    parser.add_argument("--to", required=True, dest="until", metavar="DATE", help="the last one, included")
    parser.add_argument("--dry-run", action="store_true", help="say which dates would run, and ask for none")
    parser.add_argument(
        "--concurrency", type=_at_once, default=2, metavar="N", help="runs open at once (default: 2)"
    )
    parser.add_argument(
        "--max-failures",
        type=_most_failures,
        default=Fraction(20, 100),
        metavar="N%|N",
        help="stop when more than this share, or this number, has failed (default: 20%%)",
    )
    parser.add_argument("--force", action="store_true", help="run again what has succeeded before")
    parser.add_argument(
        "--retry-failed", action="store_true", help="ask again for what failed in an earlier part"
    )
    parser.add_argument("--reason", metavar="TEXT", default="", help="why; it stands in the events")
    parser.add_argument(
        "--json", action="store_true", dest="as_json", help="print one JSON object at the end"
    )
    add_cloud_arguments(parser)
    parser.set_defaults(func=_run)


def _at_once(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text[:5]) <= MOST_AT_ONCE:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number from 1 to {MOST_AT_ONCE}")


def _most_failures(text: str) -> Fraction | int:
    try:
        return read_most_failures(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks for."""

    pipeline: str
    since: str
    until: str
    preview: bool = False
    limits: Limits = field(default_factory=Limits)
    force: bool = False
    retry_failed: bool = False
    reason: str = ""
    again: str = "the same command"  # as it was typed


def _run(parsed: argparse.Namespace) -> int:
    wish = Wish(
        parsed.pipeline,
        parsed.since,
        parsed.until,
        parsed.dry_run,
        Limits(parsed.concurrency, parsed.max_failures),
        parsed.force,
        parsed.retry_failed,
        parsed.reason,
        shlex.join(["interlock", *sys.argv[1:]]),
    )
    as_json = parsed.as_json
    return answered(
        "backfill",
        parsed,
        lambda cloud: backfill(wish, cloud, real_clock(), person(), sys.stdout, as_json=as_json),
        as_json=as_json,
    )


def backfill(wish: Wish, cloud: Cloud, clock: Clock, who: str, out: TextIO, *, as_json: bool) -> int:
    """Plans, and unless it is a preview asks and follows; returns the exit code. Raises `WrongUsage`."""
    pipeline = pipeline_of(cloud, wish.pipeline)
    if pipeline.dry_run:
        raise WrongUsage(f"{pipeline.id} only observes (dryRun): nothing would start; switch that off first")
    desk = Desk(cloud, pipeline)
    planned = _plan(wish, pipeline, desk, clock)
    told = Telling(pipeline, wish.since, wish.until, out, as_json=as_json)
    if wish.preview:
        return told.preview(planned)
    told.plan(planned)
    if not _of_standing(planned, Standing.TO_RUN) and not any(one.standing in UNDER_WAY for one in planned):
        return told.summary(planned, None)
    work = _Work(wish, pipeline, desk, clock, who, told, {one.date: one for one in planned})
    try:
        stopped = work.see_through()
    except KeyboardInterrupt:
        told.interrupted(list(work.dates.values()), wish.again)
        return INTERRUPTED
    return told.summary(list(work.dates.values()), stopped and f"{stopped}; {_GO_ON}")


_GO_ON = "find the cause, then the same command goes on with the rest"


def _plan(wish: Wish, pipeline: Pipeline, desk: Desk, clock: Clock) -> list[PlannedDate]:
    calendars = desk.control.calendars(calendar_names(pipeline))
    try:
        expected = dates_between(pipeline, wish.since, wish.until, calendars)
    except BackfillImpossible as error:
        raise WrongUsage(str(error)) from error
    if not expected:
        raise WrongUsage(f"{pipeline.id} has no execution date from {wish.since} to {wish.until}")
    dates = Dates(pipeline.id, pipeline.schedule_id, expected[0].date, expected[-1].date)
    pending, before = _asked_by_this(wish, dates, desk.rows)
    runs = {run.key.date: run for run in desk.rows.runs(dates)}
    return plan(
        expected, runs, pending, before, clock.now(), force=wish.force, retry_failed=wish.retry_failed
    )


def _mark(wish: Wish) -> str:
    return f"backfill {backfill_id(wish.pipeline, wish.since, wish.until)}"


def _asked_by_this(wish: Wish, dates: Dates, rows: PipelineRows) -> tuple[set[str], set[str]]:
    """The dates whose request waits to be decided, and those whose request was accepted."""
    mark = _mark(wish)
    pending, accepted = rows.requests(dates), rows.reruns(dates)
    return (
        {row.key.date for row in pending if mark in row.requested_by},
        {row.key.date for row in accepted if mark in row.requested_by},
    )


def _of_standing(planned: list[PlannedDate], standing: Standing) -> list[PlannedDate]:
    return [one for one in planned if one.standing is standing]


@dataclass(slots=True)
class _Work:
    """One backfill under way: where each date stands, and how many ended since the command was started."""

    wish: Wish
    pipeline: Pipeline
    desk: Desk
    clock: Clock
    who: str
    told: Telling
    dates: dict[str, PlannedDate]
    ended: int = 0
    ended_badly: int = 0
    stopped: str | None = None  # why no more are asked for
    _asked: dict[str, Asked] = field(default_factory=dict)
    _unsure: set[str] = field(default_factory=set)  # asked for, perhaps
    _unanswered: int = 0  # rounds in a row that failed

    def see_through(self) -> str | None:
        """Until nothing is under way and nothing is left to ask for; why it was stopped before, or None."""
        while not self._round().done:
            self.clock.sleep(POLL_SECONDS)
        return self.stopped

    def _round(self) -> Step:
        """A table that does not answer for a while ends no backfill: the next round does what this one could not."""
        try:
            step = self._look_and_ask()
            self._unanswered = 0
        except CallFailed:
            self._unanswered += 1
            if self._unanswered > _MOST_UNANSWERED:
                raise
            return Step()
        return step

    def _look_and_ask(self) -> Step:
        for date in [one.date for one in self.dates.values() if one.standing in UNDER_WAY]:
            self._look(date)
        standings = {date: one.standing for date, one in self.dates.items()}
        step = next_step(standings, self.ended_badly, self.ended, self.wish.limits, self.stopped)
        if step.stopped and not self.stopped:
            self.stopped = step.stopped
            self.told.stops(step.stopped)
        for date in step.ask:
            self._ask(date)
        return step

    def _key(self, date: str) -> RunKey:
        return RunKey(self.pipeline.id, self.pipeline.schedule_id, date)

    def _ask(self, date: str) -> None:
        if date in self._unsure:
            # A call whose answer was lost may have put the request, and it may be accepted by now.
            found = self.desk.look_again(self._key(date), _mark(self.wish))
            self._unsure.discard(date)
            if found.standing is not Standing.REFUSED:
                self._note(date, found)
                return
        reason = self.wish.reason or f"backfill from {self.wish.since} to {self.wish.until}"
        self._unsure.add(date)
        asked = self.desk.ask(
            self._key(date), reason[:300], f"{self.who} ({_mark(self.wish)})", force=self.wish.force
        )
        self._unsure.discard(date)
        if asked is None:
            found = Found(Standing.REFUSED, "another request for this date waits to be decided", None)
        else:
            self._asked[date] = asked
            found = Found(Standing.ASKED, "asked for", None)
        self._note(date, found)

    def _look(self, date: str) -> None:
        asked = self._asked.get(date)
        found = self.desk.look(asked) if asked else self.desk.look_again(self._key(date), _mark(self.wish))
        self._note(date, found)

    def _note(self, date: str, found: Found) -> None:
        before = self.dates[date]
        self.dates[date] = PlannedDate(date, found.standing, found.reason)
        if found.standing not in UNDER_WAY:
            self.ended += 1
            self.ended_badly += found.standing is not Standing.SUCCEEDED
        if self.dates[date] != before:
            self.told.date(self.dates[date])

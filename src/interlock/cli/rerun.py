"""`interlock rerun PIPELINE DATE`: asks for one date to be run (again), and follows what comes of it."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from typing import Any, TextIO

from interlock.cli.asking import (
    POLL_SECONDS,
    SLOW_TO_DECIDE,
    Asked,
    Clock,
    Desk,
    Found,
    person,
    pipeline_of,
    real_clock,
)
from interlock.cli.cloud import Cloud, WrongUsage, add_cloud_arguments, answered
from interlock.domain.backfill import Standing
from interlock.domain.execution_date import Period, local_of, period_of, period_start, zone_of
from interlock.domain.fires import cron_form
from interlock.domain.pipeline import Pipeline
from interlock.domain.run import RunKey


def add_parser(subparsers: Any) -> None:
    """Adds `rerun` to the command line."""
    parser = subparsers.add_parser(
        "rerun",
        help="run one date (again)",
        description="Asks for a run: exit code 0 asked (with --wait: succeeded), 1 refused or failed, 2 wrong usage.",
    )
    parser.add_argument("pipeline", metavar="PIPELINE", help="the pipeline's id")
    parser.add_argument("date", metavar="DATE", help="2026-03-01, 2026-03-01T18 or 2026-03-01T18:15")
    parser.add_argument("--reason", metavar="TEXT", default="", help="why; it stands in the events")
    parser.add_argument(
        "--force", action="store_true", help="also when no sensor was updated since it succeeded"
    )
    parser.add_argument("--wait", action="store_true", help="follow it until it has ended")
    parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")
    add_cloud_arguments(parser)
    parser.set_defaults(func=_run)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks for."""

    pipeline: str
    date: str
    reason: str = ""
    force: bool = False
    wait: bool = False


def _run(parsed: argparse.Namespace) -> int:
    wish = Wish(parsed.pipeline, parsed.date, parsed.reason, parsed.force, parsed.wait)
    as_json = parsed.as_json
    return answered(
        "rerun",
        parsed,
        lambda cloud: rerun(wish, cloud, real_clock(), person(), sys.stdout, as_json=as_json),
        as_json=as_json,
    )


def rerun(wish: Wish, cloud: Cloud, clock: Clock, who: str, out: TextIO, *, as_json: bool) -> int:
    """Puts the request, and with `wait` says each change; returns the exit code. Raises `WrongUsage`."""
    pipeline = pipeline_of(cloud, wish.pipeline)
    key = RunKey(pipeline.id, pipeline.schedule_id, date_of(wish.date, pipeline))
    desk = Desk(cloud, pipeline)
    _refuse_the_future(key, pipeline, desk, clock)
    told = _Telling(key, out, as_json)
    reason = wish.reason or "interlock rerun"
    asked = desk.ask(key, reason[:300], who, force=wish.force)
    if asked is None:
        return told.end(Found(Standing.REFUSED, "another request for this date waits to be decided", None))
    if not wish.wait:
        return told.end(Found(Standing.ASKED, "it is decided within seconds; --wait follows it", None))
    told.say(Found(Standing.ASKED, "it is decided within seconds", None))
    return told.end(_follow(asked, desk, clock, told))


def _follow(asked: Asked, desk: Desk, clock: Clock, told: _Telling) -> Found:
    begun = clock.now()
    while True:
        found = desk.look(asked)
        if found.standing not in (Standing.ASKED, Standing.OPEN):
            return found
        if found.standing is Standing.OPEN:
            told.say(found)
        elif (clock.now() - begun).total_seconds() > SLOW_TO_DECIDE:
            told.say(Found(Standing.ASKED, "still not decided: does stream-router work?", None))
        clock.sleep(POLL_SECONDS)


_FORMS = {Period.DAILY: "2026-03-01", Period.HOURLY: "2026-03-01T18", Period.MINUTE: "2026-03-01T18:15"}


def date_of(text: str, pipeline: Pipeline) -> str:
    """The execution date, if the pipeline can have one of that form. Raises `WrongUsage`."""
    try:
        form = period_of(text)
    except ValueError as error:
        raise WrongUsage(str(error)) from error
    # The dates of a sensor pipeline take the form of its trigger's readings: of a day, or of an hour.
    possible = [cron_form(pipeline)] if pipeline.schedule.cron else [Period.DAILY, Period.HOURLY]
    if form not in possible:
        forms = " or ".join(_FORMS[one] for one in possible)
        raise WrongUsage(f"{text} is no execution date of {pipeline.id}; write one like {forms}")
    return text


def _refuse_the_future(key: RunKey, pipeline: Pipeline, desk: Desk, clock: Clock) -> None:
    """A mistyped year would start a job. A run that an early reading has opened can be asked for again."""
    begins, here = period_start(key.date), local_of(clock.now(), zone_of(pipeline)).replace(tzinfo=None)
    if begins > here and desk.control.run(key) is None:
        raise WrongUsage(
            f"{key.date} has not begun: in {pipeline.schedule.timezone} it is {here:%Y-%m-%d %H:%M}"
        )


class _Telling:
    """A line for each change; or one JSON object at the end."""

    def __init__(self, key: RunKey, out: TextIO, as_json: bool) -> None:
        self._key, self._out, self._as_json = key, out, as_json
        self._last = ""

    def say(self, found: Found) -> None:
        line = f"{self._key.pipeline_id} {self._key.date} {found.standing}: {found.reason}"
        if line != self._last and not self._as_json:
            print(line, file=self._out, flush=True)
        self._last = line

    def end(self, found: Found) -> int:
        self.say(found)
        if self._as_json:
            print(json.dumps(self._data(found), indent=2), file=self._out)
        return 1 if found.standing in (Standing.REFUSED, Standing.FAILED) else 0

    def _data(self, found: Found) -> dict[str, Any]:
        run = found.run
        return {
            "pipeline": self._key.pipeline_id,
            "schedule": self._key.schedule_id,
            "date": self._key.date,
            "standing": str(found.standing),
            "reason": found.reason,
            "status": str(run.status) if run else None,
            "attempt": run.attempt if run else None,
        }

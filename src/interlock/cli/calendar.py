"""`interlock calendar FILE...`: when pipelines will fire, be skipped and why, and where their deadlines fall."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any, TextIO

from interlock.cli.calendar_table import PipelineOutlook, as_data, table
from interlock.cli.pipeline_files import Unreadable, each_file, read_file
from interlock.domain.calendar import HOLIDAYS, Calendar, calendar_names
from interlock.domain.execution_date import YEARS, instant_of, zone_of
from interlock.domain.outlook import outlook
from interlock.domain.pipeline import Pipeline
from interlock.pipeline_yaml import (
    Checked,
    Mistake,
    PipelineInvalid,
    check_calendar,
    check_pipeline,
    is_calendar_file,
)
from interlock.pipeline_yaml.mistake import printable
from interlock.pipeline_yaml.public_holidays import holiday_dates

MOST_DAYS = 366
_MOST_LINES = 2000  # of a pipeline: more, nobody reads


def add_parser(subparsers: Any) -> None:
    """Adds `calendar` to the command line."""
    parser = subparsers.add_parser(
        "calendar",
        help="print when pipelines will run, and their deadlines",
        description="Prints each date that a pipeline is expected to have: when it fires or why it is skipped, and its "
        "deadlines. Exit code 0, 1 for files with mistakes, 2 wrong usage.",
    )
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="pipeline and calendar files, or folders of them"
    )
    parser.add_argument(
        "--from", dest="first", type=_date, metavar="DATE", help="first day, YYYY-MM-DD (default: today)"
    )
    parser.add_argument(
        "--days", type=_days, default=14, metavar="N", help=f"how many days, 1 to {MOST_DAYS} (default: 14)"
    )
    parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")
    parser.set_defaults(func=_run)


def _date(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or len(text) != 10 or day.year not in YEARS[:-2]:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a date; write one such as 2026-03-01")
    return day


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= MOST_DAYS):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a number of days from 1 to {MOST_DAYS}")
    return int(text)


def _run(parsed: argparse.Namespace) -> int:
    return calendar(
        parsed.files, parsed.first, parsed.days, datetime.now(UTC), as_json=parsed.as_json, out=sys.stdout
    )


@dataclass(slots=True)
class _Files:
    """What the files hold."""

    pipelines: list[Checked] = field(default_factory=list)
    calendars: dict[str, Calendar] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)


def calendar(
    names: Sequence[str], first: date | None, days: int, now: datetime, *, as_json: bool, out: TextIO
) -> int:
    """Writes what lies ahead of the pipelines at `names` from the local day `first`; returns the exit code."""
    try:
        found = _read(names)
        if not (found.pipelines or found.mistakes):
            raise Unreadable(f"{printable(names[0])} holds no pipeline; name a pipeline file")
    except Unreadable as error:
        out.write(json.dumps({"error": str(error)}) + "\n" if as_json else f"interlock calendar: {error}\n")
        return 2
    ready = list(_with_calendars(found))
    shown = [_outlook(checked.pipeline, first, days, now, found.calendars) for checked in ready]
    if as_json:
        data = {
            "pipelines": [as_data(each) for each in shown],
            "mistakes": [asdict(mistake) for mistake in found.mistakes],
        }
        out.write(json.dumps(data, indent=2) + "\n")
    else:
        out.writelines(f"{line}\n" for line in _lines(found.mistakes, shown, first, days, now))
    return 1 if found.mistakes else 0


def _read(names: Sequence[str]) -> _Files:
    found = _Files()
    for path in each_file(names):
        text, file = read_file(path), printable(str(path))
        try:
            if is_calendar_file(text):
                named = check_calendar(text, file).calendar
                found.calendars[named.name] = named
            else:
                found.pipelines.append(check_pipeline(text, file))
        except PipelineInvalid as invalid:
            found.mistakes += invalid.mistakes
    return found


def _with_calendars(found: _Files) -> Iterator[Checked]:
    """The pipelines whose calendars are all there: for another one, the answer would be wrong."""
    for checked in found.pipelines:
        missing = [
            named.missing(found.calendars) for named in checked.calendars if named.name not in found.calendars
        ]
        found.mistakes += missing
        if not missing:
            yield checked


def _outlook(
    pipeline: Pipeline, first: date | None, days: int, now: datetime, calendars: Mapping[str, Calendar]
) -> PipelineOutlook:
    zone = zone_of(pipeline)
    begin = datetime.combine(first or now.astimezone(zone).date(), time())
    since, until = instant_of(begin, zone), instant_of(begin + timedelta(days=days), zone)
    known = dict(calendars)
    for name in calendar_names(pipeline):
        if name.startswith(HOLIDAYS):
            years = range(begin.year, begin.year + 3)
            known[name] = Calendar(name, holiday_dates(name.removeprefix(HOLIDAYS), years))
    lines = list(islice(outlook(pipeline, since, until, known), _MOST_LINES + 1))
    return PipelineOutlook(pipeline, lines[:_MOST_LINES], truncated=len(lines) > _MOST_LINES)


def _lines(
    mistakes: Sequence[Mistake],
    shown: Sequence[PipelineOutlook],
    first: date | None,
    days: int,
    now: datetime,
) -> Iterator[str]:
    yield from map(str, mistakes)
    for number, each in enumerate(shown):
        begin = first or now.astimezone(zone_of(each.pipeline)).date()
        if number or mistakes:
            yield ""
        yield from table(each, str(begin), str(begin + timedelta(days=days - 1)))

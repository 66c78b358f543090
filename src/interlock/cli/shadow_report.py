"""`interlock shadow-report PIPELINE`: what a dry run would have done, beside the jobs that ran outside."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TextIO

from interlock.aws.pipeline_rows import Dates, PipelineRows
from interlock.cli.asking import pipeline_of, real_clock
from interlock.cli.cloud import Cloud, WrongUsage, add_cloud_arguments, answered
from interlock.domain.announcement import instant_text
from interlock.domain.execution_date import Period, execution_date, local_of, period_start, zone_of
from interlock.domain.pipeline import Pipeline
from interlock.domain.plain_text import clock, duration, one_line
from interlock.domain.run import RunStatus
from interlock.domain.shadow_report import Compared, OutsideRun, ShadowReport, compare

# Job records are kept so long.
_LOOKED_BACK = timedelta(days=30)


def add_parser(subparsers: Any) -> None:
    """Adds `shadow-report` to the command line."""
    parser = subparsers.add_parser(
        "shadow-report",
        help="compare a dry run with the jobs that ran outside",
        description="Compares the runs of a dryRun pipeline with the JOB# records that somebody else's jobs wrote:"
        " exit code 0 compared, 2 wrong usage.",
    )
    parser.add_argument("pipeline", metavar="PIPELINE", help="the pipeline's id")
    parser.add_argument(
        "--from", dest="since", metavar="DATE", help="the first execution date (default: 30 days ago)"
    )
    parser.add_argument("--to", dest="until", metavar="DATE", help="the last one, included (default: today)")
    parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")
    add_cloud_arguments(parser)
    parser.set_defaults(func=_run)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks for."""

    pipeline: str
    since: str | None = None
    until: str | None = None


def _run(parsed: argparse.Namespace) -> int:
    wish = Wish(parsed.pipeline, parsed.since, parsed.until)
    as_json = parsed.as_json
    return answered(
        "shadow-report",
        parsed,
        lambda cloud: shadow_report(wish, cloud, real_clock().now(), sys.stdout, as_json=as_json),
        as_json=as_json,
    )


def shadow_report(wish: Wish, cloud: Cloud, now: datetime, out: TextIO, *, as_json: bool) -> int:
    """Writes the report; 0. Raises `WrongUsage`."""
    pipeline = pipeline_of(cloud, wish.pipeline)
    dates = _dates(wish, pipeline, now)
    rows = PipelineRows(cloud.control, cloud.joblog, cloud.rerun)
    records, unreadable = rows.job_records(dates)
    report = compare(rows.runs(dates), records)
    if as_json:
        print(json.dumps(_data(report, dates, unreadable), indent=2), file=out)
    else:
        out.writelines(f"{line}\n" for line in _lines(report, pipeline, dates, unreadable))
    return 0


def _dates(wish: Wish, pipeline: Pipeline, now: datetime) -> Dates:
    zone = zone_of(pipeline)
    since = wish.since or execution_date(local_of(now - _LOOKED_BACK, zone), Period.DAILY)
    until = wish.until or execution_date(local_of(now, zone), Period.DAILY)
    try:
        if period_start(since) > period_start(until):
            raise WrongUsage(f"--from {since} is later than --to {until}; swap them")
    except ValueError as error:
        raise WrongUsage(str(error)) from error
    return Dates(pipeline.id, pipeline.schedule_id, since, until)


def _lines(report: ShadowReport, pipeline: Pipeline, dates: Dates, unreadable: int) -> Iterator[str]:
    yield f"{pipeline.id} from {dates.first} to {dates.last}: what Interlock would have done, and what ran outside"
    if not pipeline.dry_run:
        yield "(the pipeline does not observe any more: dryRun is off; dates that Interlock ran are left out)"
    yield ""
    if report.dates:
        yield from _table(report)
    else:
        yield "no dry run and no JOB# record in these dates: an outside job reports by a JOB# record in the joblog table"
    yield ""
    yield _totals(report)
    if unreadable:
        yield f"{unreadable} job record{'s' if unreadable != 1 else ''} could not be read"


def _table(report: ShadowReport) -> Iterator[str]:
    head = ("date", "verdict", "Interlock", "outside", "")
    table = [head, *(_row(one) for one in report.dates)]
    widths = [max(len(row[column]) for row in table) for column in range(4)]
    for row in table:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield "  ".join((*cells, row[4])).rstrip()


def _row(one: Compared) -> tuple[str, str, str, str, str]:
    return one.date, str(one.verdict), _interlock(one), _outside(one.outside), one_line(one.reason, 200)


def _interlock(one: Compared) -> str:
    if one.run is None:
        return "-"
    if one.run.status is RunStatus.SUCCEEDED and one.run.started_at is not None:
        return f"starts {clock(one.run.started_at, one.run.created_at)}"
    return str(one.run.status)


def _outside(outside: OutsideRun | None) -> str:
    if outside is None:
        return "-"
    begun = clock(outside.started_at, outside.ended_at) if outside.started_at else "?"
    end = "success" if outside.succeeded else "failure"
    tries = f", {outside.attempts} attempts" if outside.attempts > 1 else ""
    return f"{begun} to {clock(outside.ended_at, outside.ended_at)}: {end}{tries}"


def _totals(report: ShadowReport) -> str:
    counted = [f"{count} {verdict}" for verdict, count in report.totals.items() if count]
    longest = report.longest_wait
    waited = f"; the longest wait would have been {duration(longest)}" if longest else ""
    total = f"{len(report.dates)} date{'s' if len(report.dates) != 1 else ''}"
    return f"{total}: {', '.join(counted)}{waited}" if counted else total


def _data(report: ShadowReport, dates: Dates, unreadable: int) -> dict[str, Any]:
    longest = report.longest_wait
    return {
        "pipeline": dates.pipeline_id,
        "schedule": dates.schedule_id,
        "from": dates.first,
        "to": dates.last,
        "dates": [_date_data(one) for one in report.dates],
        "totals": {str(verdict): count for verdict, count in report.totals.items()},
        "longestWaitSeconds": int(longest.total_seconds()) if longest is not None else None,
        "unreadableRecords": unreadable,
    }


def _date_data(one: Compared) -> dict[str, Any]:
    run, outside = one.run, one.outside
    return {
        "date": one.date,
        "verdict": str(one.verdict),
        "reason": one.reason,
        "status": str(run.status) if run else None,
        "wouldHaveStartedAt": instant_text(run.started_at) if run and run.started_at else None,
        "waitedSeconds": int(one.waited.total_seconds()) if one.waited is not None else None,
        "outside": outside
        and {
            "startedAt": instant_text(outside.started_at) if outside.started_at else None,
            "endedAt": instant_text(outside.ended_at),
            "succeeded": outside.succeeded,
            "attempts": outside.attempts,
            "error": outside.error,
        },
    }

"""Has the upstream's run succeeded that a rule waits for? Read from its rows alone, as they stood at one instant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import islice

from interlock.aws import keys
from interlock.aws.run_item import parse_instant_text, plain
from interlock.aws.table import Item, Key
from interlock.domain.execution_date import zone_of
from interlock.domain.pipeline import Pipeline, UpstreamDate, UpstreamRule
from interlock.domain.pipeline_codec import StoredPipelineUnreadable, decode_pipeline
from interlock.domain.previous_date import previous_date
from interlock.domain.run import RunKey
from interlock.domain.schedule import (
    Calendar,
    Period,
    calendar_names,
    cron_form,
    execution_date,
    expected_date,
    expected_dates,
    instant_of,
    period_end,
    period_of,
    period_start,
)

Rows = Callable[[Key], Item | None]

_MOST_PERIODS = 1500  # nobody waits for more within one of his own
_FINENESS = {Period.DAILY: 0, Period.HOURLY: 1, Period.MINUTE: 2}


def upstream_succeeded(
    rule: UpstreamRule, own: Pipeline, run_date: str, rows: Rows, *, to_dry_run: bool
) -> bool:
    """Where nobody can say which run is meant, it has not."""
    try:
        dates = _dates(rule, own, run_date, rows)
    except (ValueError, KeyError, TypeError):
        return False
    return dates is not None and all(
        _succeeded(rule.pipeline_id, date, schedules, rows, to_dry_run=to_dry_run)
        for date, schedules in dates
    )


def _dates(
    rule: UpstreamRule, own: Pipeline, run_date: str, rows: Rows
) -> list[tuple[str, tuple[str, ...]]] | None:
    """The dates of the runs that it waits for, and under which schedules they may be; None: nobody knows."""
    either = ("cron", "stream")
    if rule.date is UpstreamDate.SAME:
        period_of(run_date)
        return [(run_date, either)]
    if rule.date is UpstreamDate.PREVIOUS:
        before = previous_date(own, run_date, calendars_of(own, rows))
        return None if before is None else [(before, either)]
    row = rows(keys.config_key(rule.pipeline_id))
    if row is None:
        return None
    try:
        upstream = decode_pipeline(row["config"])
    except StoredPipelineUnreadable:
        return None
    schedule = upstream.schedule
    if schedule.cron is None and schedule.trigger is None and schedule.include is None:
        return [(run_date, either)]
    dates = list(
        islice(_dates_within(own, run_date, upstream, calendars_of(upstream, rows)), _MOST_PERIODS + 1)
    )
    return None if len(dates) > _MOST_PERIODS else [(date, (upstream.schedule_id,)) for date in dates]


def _dates_within(
    own: Pipeline, run_date: str, upstream: Pipeline, calendars: Mapping[str, Calendar]
) -> Iterator[str]:
    form = cron_form(upstream)
    if _FINENESS[form] <= _FINENESS[period_of(run_date)]:
        # None of its periods lies within ours: the one in which ours lies.
        one = expected_date(upstream, execution_date(period_start(run_date), form), calendars)
        expected = iter([one] if one else [])
    else:
        zone = zone_of(own)
        since, until = instant_of(period_start(run_date), zone), instant_of(period_end(run_date), zone)
        expected = expected_dates(upstream, since, until, calendars)
    return (one.date for one in expected if one.excluded is None)


def calendars_of(pipeline: Pipeline, rows: Rows) -> dict[str, Calendar]:
    """Those of its calendars that are there. `ValueError` where one cannot be read."""
    found = {}
    for name in calendar_names(pipeline):
        row = rows(keys.calendar_key(name))
        if row is not None:
            found[name] = Calendar.from_mapping(name, plain(row))
    return found


def _succeeded(
    pipeline_id: str, date: str, schedules: tuple[str, ...], rows: Rows, *, to_dry_run: bool
) -> bool:
    """By the row that moved last of the finest date that has one: an hour's run lies in a day's where days run."""
    lengths = (16, 13, 10) if len(schedules) > 1 else (len(date),)
    for length in lengths:
        if length > len(date):
            continue
        found = [rows(keys.run_key(RunKey(pipeline_id, schedule, date[:length]))) for schedule in schedules]
        standing = [row for row in found if row is not None]
        if standing:
            row = max(standing, key=_moved_at)
            return (
                _is_readable(row) and row["status"] == "SUCCEEDED" and (to_dry_run or not row.get("dryRun"))
            )
    return False


def _moved_at(row: Item) -> float:
    with suppress(KeyError, TypeError, ValueError):
        if row["status"] in _STATUSES:
            return parse_instant_text(row["updatedAt"]).timestamp()
    return float("-inf")  # written over by somebody


_STATUSES = frozenset({"WAITING", "RUNNING", "SUCCEEDED", "FAILED", "EXPIRED", "CANCELLED"})


def _is_readable(row: Item) -> bool:
    return _moved_at(row) > float("-inf")

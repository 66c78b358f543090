"""Which runs of another pipeline does a rule of ours wait for, and which of our runs wait for one of its?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice

from interlock.domain.execution_date import local_of, zone_of
from interlock.domain.pipeline import Pipeline, UpstreamDate, UpstreamRule
from interlock.domain.previous_date import previous_date
from interlock.domain.run import RunKey
from interlock.domain.schedule import (
    Calendar,
    Period,
    cron_form,
    execution_date,
    expected_date,
    expected_dates,
    instant_of,
    next_expected,
    period_end,
    period_of,
    period_start,
)

MOST_PERIODS = 1500  # of a window: each is a row of one snapshot


@dataclass(frozen=True, slots=True)
class Declared:
    """A pipeline's config with those of its calendars that exist."""

    pipeline: Pipeline
    calendars: Mapping[str, Calendar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Awaited:
    """One period of the upstream: where its run may stand. The first of these places that has a row is its run."""

    date: str
    places: tuple[tuple[RunKey, ...], ...]  # several keys of a place: the row that moved last speaks

    @property
    def keys(self) -> Iterator[RunKey]:
        """Every row that may be its run."""
        return (key for place in self.places for key in place)


class Unanswerable(Exception):
    """Nobody can say which runs a rule waits for; the message says why."""


def awaited_runs(
    rule: UpstreamRule, own: Declared, run_date: str, upstream: Declared | None
) -> tuple[Awaited, ...]:
    """The runs that a run of ours of this date waits for; `upstream` is needed for a window alone.

    Raises `Unanswerable`.
    """
    try:
        if rule.date is UpstreamDate.SAME:
            return (_named(rule.pipeline_id, run_date),)
        if rule.date is UpstreamDate.PREVIOUS:
            before = previous_date(own.pipeline, run_date, own.calendars)
            if before is None:
                raise Unanswerable(f"{own.pipeline.id} has no date before {run_date}")
            return (_named(rule.pipeline_id, before),)
        if upstream is None:
            raise Unanswerable(f"there is no pipeline {rule.pipeline_id}")
        return _within(own.pipeline, run_date, upstream)
    except ValueError as error:  # no execution date: somebody wrote the row of our run
        raise Unanswerable(str(error)) from error


def _named(pipeline_id: str, run_date: str) -> Awaited:
    """The run of that date: of the finest form that has one, by whichever schedule its upstream has."""
    dates = [run_date[:length] for length in (16, 13, 10) if length <= len(run_date)]
    places = [
        tuple(RunKey(pipeline_id, schedule, date) for schedule in ("cron", "stream"))
        for date in dict.fromkeys(dates)
    ]
    return Awaited(run_date, tuple(places))


def _within(own: Pipeline, run_date: str, upstream: Declared) -> tuple[Awaited, ...]:
    theirs, finest = upstream.pipeline, list(Period)
    form = cron_form(theirs)
    if not (theirs.schedule.cron or theirs.schedule.trigger or theirs.schedule.include):
        return (_named(theirs.id, run_date),)  # only requests start it: it has no periods to count
    if finest.index(form) <= finest.index(period_of(run_date)):
        # No period of it lies within ours: the one that ours lies in.
        date = execution_date(period_start(run_date), form)
        one = expected_date(theirs, date, upstream.calendars)
        expected = iter([one] if one else [])
    else:
        zone = zone_of(own)
        begins_at, ends_at = instant_of(period_start(run_date), zone), instant_of(period_end(run_date), zone)
        expected = expected_dates(theirs, begins_at, ends_at, upstream.calendars)
    dates = list(islice((one.date for one in expected if one.excluded is None), MOST_PERIODS + 1))
    if len(dates) > MOST_PERIODS:
        raise Unanswerable(
            f"{theirs.id} has more than {MOST_PERIODS} periods within {run_date}; wait for fewer"
        )
    return tuple(Awaited(date, ((RunKey(theirs.id, theirs.schedule_id, date),),)) for date in dates)


def waits_for(
    rule: UpstreamRule, own: Declared, run_date: str, upstream: Declared | None, ended: RunKey
) -> bool:
    """Whether a run of ours of this date waits, by this rule, for that very run."""
    try:
        awaited = awaited_runs(rule, own, run_date, upstream)
    except Unanswerable:
        return False
    return any(ended in one.keys for one in awaited)


def where_to_look(
    rule: UpstreamRule, own: Declared, upstream: Declared | None, ended_date: str
) -> frozenset[str]:
    """What the dates begin with that may wait for the upstream's run of `ended_date`; not all of them do."""
    day = ended_date[:10]
    if rule.date is UpstreamDate.SAME:
        return frozenset((ended_date,))
    try:
        if rule.date is UpstreamDate.PREVIOUS:
            following = next_expected(own.pipeline, ended_date, own.calendars)
            tomorrow = execution_date(period_start(day) + timedelta(days=1), Period.DAILY)
            return frozenset((day, tomorrow, following.date[:10] if following else day))
        expected = upstream and expected_date(upstream.pipeline, ended_date, upstream.calendars)
    except ValueError:  # no execution date: nobody waits for it
        return frozenset()
    if not expected:
        return frozenset((day,))
    local = local_of(expected.begins_at, zone_of(own.pipeline))
    return frozenset((day, execution_date(local, Period.DAILY)))

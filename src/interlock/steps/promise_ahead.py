"""Keep the rows of what a config promises ahead of the clock: made when it is loaded, rolled on as each falls due.

At any time there is an open row of each promised kind whose due time lies ahead, and the row of a date exists before
the date begins. Every call may be repeated, and may die in the middle.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from interlock.domain.bad_input import BadInput
from interlock.domain.calendar import Calendar
from interlock.domain.expectation import (
    RECURRING,
    Expectation,
    counts_from,
    deadline_of,
    due_of,
    expectations,
    expectations_after,
    is_promised,
    longest_wait,
)
from interlock.domain.pipeline import Pipeline
from interlock.domain.promise import Promise, PromiseKind, changed, promised
from interlock.domain.run import RunKey, whole_milliseconds
from interlock.domain.schedule import calendar_names
from interlock.ports import ControlTable, Lost

log = logging.getLogger(__name__)

_MOST_ROWS = 100  # made at once; the last of them rolls on when it falls due
_NO_LONGER_LOOKED_BACK = timedelta(hours=26)
_JUST_LOADED = timedelta(hours=2)


def promise_ahead(
    pipeline: Pipeline,
    loaded_at: datetime,
    control: ControlTable,
    now: datetime,
    rows: Sequence[Promise] | None = None,
) -> None:
    """The rows that the config promises by now are there; open ones that it no longer promises go, others move with it.

    `rows`: all of the pipeline's, if they were read already.
    """
    rows = control.promises_of(pipeline.id) if rows is None else rows
    calendars = _calendars(pipeline, control)
    for kind in RECURRING:
        known = {row.key.date: row for row in rows if row.kind is kind}
        for date, row in list(known.items()):
            if row.due_at is not None and not _keep_in_step(row, pipeline, calendars, loaded_at, control):
                del known[date]
        if is_promised(kind, pipeline):
            _make(
                kind,
                pipeline,
                _missing(kind, pipeline, known, loaded_at, calendars, now),
                known,
                control,
                now,
            )


def promise_next(
    kind: PromiseKind, pipeline: Pipeline, after_date: str, control: ControlTable, now: datetime
) -> None:
    """Whoever settles the promise of a date calls this first: the rows of the dates that follow it are there."""
    if is_promised(kind, pipeline):
        following = expectations_after(kind, pipeline, after_date, _calendars(pipeline, control))
        _make(kind, pipeline, following, {}, control, now)


def drop_promises(pipeline_id: str, control: ControlTable) -> None:
    """The config is gone, and what is open of its promises with it."""
    for row in control.promises_of(pipeline_id):
        if row.due_at is not None:
            control.drop_promise(row)


def _calendars(pipeline: Pipeline, control: ControlTable) -> Mapping[str, Calendar]:
    names = calendar_names(pipeline)
    return control.calendars(names) if names else {}


def _keep_in_step(
    row: Promise,
    pipeline: Pipeline,
    calendars: Mapping[str, Calendar],
    loaded_at: datetime,
    control: ControlTable,
) -> bool:
    """Whether an open row is still promised; its due time is then what the config says now."""
    due_at = due_of(row, pipeline, calendars)
    if due_at is not None:
        due_at = whole_milliseconds(due_at)
        if due_at == row.due_at:
            return True
    deadline = None if due_at is None else deadline_of(row.kind, pipeline, row.key.date)
    # One that the new config puts before its own loading was nobody's promise. (A warning of it may have been due.)
    if due_at is None or deadline is None or deadline <= loaded_at:
        control.drop_promise(row)
        return False
    with suppress(Lost):  # somebody looks at it just now
        control.change_promise(row, changed(row, due_at=due_at))
        log.info("promise moved", extra=_fields(row.kind, row.key, due_at))
    return True


def _missing(
    kind: PromiseKind,
    pipeline: Pipeline,
    known: Mapping[str, Promise],
    loaded_at: datetime,
    calendars: Mapping[str, Calendar],
    now: datetime,
) -> Iterable[Expectation]:
    """The dates to look at for rows that are not there, ascending."""
    is_alive = any(row.due_at is not None for row in known.values())
    if is_alive and now - loaded_at > _JUST_LOADED:
        # What had to be kept by now was looked at when its time came. What lies ahead may be new: a calendar changed.
        found = expectations(kind, pipeline, now - longest_wait(kind, pipeline), calendars)
        return (one for one in found if one.deadline > now and counts_from(kind, one, loaded_at))
    since = max(loaded_at, now - _NO_LONGER_LOOKED_BACK)
    found = expectations(kind, pipeline, since - longest_wait(kind, pipeline), calendars)
    return (one for one in found if one.deadline > since and counts_from(kind, one, loaded_at))


def _make(
    kind: PromiseKind,
    pipeline: Pipeline,
    wanted: Iterable[Expectation],
    known: Mapping[str, Promise],
    control: ControlTable,
    now: datetime,
) -> None:
    """Rows up to the first that is due later than now, and of all dates that begin before that one is."""
    ahead = [row.due_at for row in known.values() if row.due_at is not None and row.due_at > now]
    next_due, made = min(ahead, default=None), 0
    unreadable: BadInput | None = None
    for one in wanted:
        if made == _MOST_ROWS or (next_due is not None and one.begins_at > next_due):
            break
        row = known.get(one.date)
        if row is None:
            try:
                row = _make_row(kind, pipeline, one, control, now)
            except BadInput as problem:  # somebody wrote over it; the other dates' are made all the same
                unreadable = problem
                continue
            made += 1
        if row is not None and row.due_at is not None and row.due_at <= now:
            break  # it was there, and rolls on by itself
        due_at = row.due_at if row is not None else one.due_at
        if due_at is not None and due_at > now:
            next_due = min(next_due or due_at, due_at)
    if unreadable is not None:
        raise unreadable


def _make_row(
    kind: PromiseKind, pipeline: Pipeline, one: Expectation, control: ControlTable, now: datetime
) -> Promise | None:
    """The row that was there already; None when it is new."""
    key = RunKey(pipeline.id, pipeline.schedule_id, one.date)
    try:
        control.make_promise(promised(kind, key, one.due_at, now))
    except Lost as lost:
        return lost.current if isinstance(lost.current, Promise) else None
    log.info("promise made", extra=_fields(kind, key, one.due_at))
    return None


def _fields(kind: PromiseKind, key: RunKey, due_at: datetime) -> dict[str, object]:
    return {"kind": kind, "pipeline": key.pipeline_id, "date": key.date, "due_at": due_at.isoformat()}

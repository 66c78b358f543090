"""Runs open when their fires say so, and none that nobody may open: by the calendar, the door of the trigger, the cron."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from interlock.domain.calendar import exclusion_reason
from interlock.domain.expected_date import ExpectedDate
from interlock.domain.run import Run, RunKey
from interlock.domain.schedule import trigger_deadline
from interlock.simulation.promises.books import Books
from interlock.simulation.promises.facts import Broken, RunChange, clock, named
from interlock.simulation.promises.promised_starts import fire_of
from interlock.simulation.promises.regimes import Regime, dates_of
from interlock.simulation.scenario import Pause

_AT_ONCE = timedelta(seconds=2)


def fires_open_their_runs(books: Books) -> Iterator[Broken]:
    """In a world that nothing disturbs nobody has to recover a fire; an excluded one says so."""
    timeline = books.facts.played.scenario.timeline
    if not books.calm.is_perfect or any(isinstance(entry.action, Pause) for entry in timeline):
        return
    for regime in books.regimes:
        if (
            fire_of(regime.pipeline, ExpectedDate("", regime.since, regime.since)) is None
            or regime.pipeline.dry_run
        ):
            continue
        for expected in dates_of(regime, books.facts.ended_at):
            key, by = regime.key(expected.date), expected.begins_at + _AT_ONCE
            if expected.begins_at <= regime.binding_from or by > min(regime.until, books.facts.ended_at):
                continue
            if expected.excluded is None:
                happened = books.was_opened(key, regime.pipeline, by)
            else:
                happened = any(one.change.at <= by for one in books.told_of(key, "PIPELINE_EXCLUDED"))
            if not happened:
                what = "no run" if expected.excluded is None else f"not a word of {expected.excluded}"
                yield Broken("fires-open-their-runs", named(key), f"{what} at {clock(expected.begins_at)}")


def nothing_opens_unasked(books: Books) -> Iterator[Broken]:
    """No run of an excluded date, none by itself after the trigger's deadline, none of a fire that is none."""
    for key, changes in books.facts.runs.items():
        if key.pipeline_id not in books.pipelines:
            continue
        for one in changes:
            if one.after is not None and _opens(one):
                reasons = [
                    _why_unasked(key, one, one.after, regime)
                    for regime in books.regimes_of(key.pipeline_id, one.change)
                ]
                if reasons and all(reasons):
                    what = f"opened by {one.after.opened_by} at {clock(one.change.at)}, {reasons[-1]}"
                    yield Broken("nothing-opens-unasked", named(key), what)


def _opens(one: RunChange) -> bool:
    ended = one.before is None or one.before.status not in ("WAITING", "RUNNING")
    return ended and one.after is not None and one.after.status == "WAITING"


def _why_unasked(key: RunKey, one: RunChange, run: Run, regime: Regime) -> str | None:
    try:
        reason = exclusion_reason(regime.pipeline, key.date, regime.calendars)
        door = trigger_deadline(regime.pipeline, key.date)
    except ValueError as error:
        return str(error)
    if reason is not None:
        return f"though {reason}"
    at = run.created_at if one.before is None else run.updated_at
    revived = one.before is not None and one.before.status == "EXPIRED" and run.opened_by != "rerun"
    opened = one.before is None and run.opened_by in ("cron", "trigger")
    if door is not None and at > door and (revived or opened):
        return f"though the door was closed at {clock(door)}"
    if one.before is None and run.opened_by == "cron":
        expected = regime.expects(key.date)
        if expected is None or expected.begins_at > at:
            return "though the cron did not fire"
    return None

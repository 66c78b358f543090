"""Whatever should have started and did not is told, once, within a tick; nothing is told of what did start.

SLAs, post-run sensors and the rows themselves are promises of the same ledger: `sla_kept`, `post_run_kept`, `ledger_rows`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from interlock.domain.run import RunKey
from interlock.domain.schedule import trigger_deadline
from interlock.simulation.promises.announced import Announced
from interlock.simulation.promises.books import Books, began_of
from interlock.simulation.promises.facts import Broken, Facts, clock, named
from interlock.simulation.promises.ledger_rows import (
    ledger_goes_on,
    nothing_is_left_open,
    settled_rows_say_why,
)
from interlock.simulation.promises.openings import fires_open_their_runs, nothing_opens_unasked
from interlock.simulation.promises.post_run_kept import post_run_sensors_are_missed
from interlock.simulation.promises.promised_starts import STARTS, Kind, deadline_of
from interlock.simulation.promises.regimes import Regime, dates_of
from interlock.simulation.promises.sla_kept import clocks_begin, slas_have_one_verdict


def ledger_is_kept(facts: Facts) -> Iterator[Broken]:
    """All promises of the ledger."""
    books = Books(facts)
    for check in (
        starts_are_kept_or_told,
        nothing_is_told_of_what_was_kept,
        told_once,
        fires_open_their_runs,
        nothing_opens_unasked,
        nothing_is_left_open,
        ledger_goes_on,
        settled_rows_say_why,
        slas_have_one_verdict,
        clocks_begin,
        post_run_sensors_are_missed,
    ):
        yield from check(books)


def starts_are_kept_or_told(books: Books) -> Iterator[Broken]:
    """Each fire, included date and trigger of a time in which one config was in force."""
    for regime in books.regimes:
        for expected in dates_of(regime, books.facts.ended_at):
            key = regime.key(expected.date)
            for kind in STARTS:
                deadline = deadline_of(kind, regime, expected)
                if deadline is None or deadline + kind.due_after < regime.binding_from:
                    continue
                by = books.calm.dealt_with_by(deadline + kind.due_after)
                if by > min(regime.until, books.facts.ended_at):
                    continue
                told = [one for one in books.told_of(key, kind.told) if one.change.at <= by]
                if not told and not books.was_opened(key, regime.pipeline, by):
                    what = f"by {clock(deadline)}: neither opened nor {kind.told} until {clock(by)}"
                    yield Broken("kept-or-told", f"{kind.name} of {named(key)}", what)


def nothing_is_told_of_what_was_kept(books: Books) -> Iterator[Broken]:
    """What is said to be missed was promised, due, and not there when its teller began to look."""
    for kind in STARTS:
        for key, told in books.each_told(kind.told):
            for one in told:
                reason = _why_not(books, kind, key, one)
                if reason is not None:
                    what = f"{kind.told} at {clock(one.change.at)}, but {reason}"
                    yield Broken("told-only-if-missed", f"{kind.name} of {named(key)}", what)


def _why_not(books: Books, kind: Kind, key: RunKey, told: Announced) -> str | None:
    began = began_of(told.change)
    reasons = []
    for regime in books.regimes_of(key.pipeline_id, told.change):
        expected = regime.expects(key.date) if key == regime.key(key.date) else None
        deadline = None if expected is None else deadline_of(kind, regime, expected, inherited=True)
        if deadline is None:
            reasons.append("nothing was promised")
        elif told.at < deadline + kind.due_after:
            reasons.append(f"it was due at {clock(deadline + kind.due_after)}")
        elif books.stood_there(key, regime.pipeline, began):
            reasons.append("its run was there")
        elif kind.name == "fire" and _could_still_start(regime, key, deadline, told.at):
            reasons.append("its window was still open")
        else:
            return None
    return reasons[-1] if reasons else None


def _could_still_start(regime: Regime, key: RunKey, fire: datetime, at: datetime) -> bool:
    door = trigger_deadline(regime.pipeline, key.date)
    return at < fire + regime.pipeline.schedule.evaluation.window and (door is None or at <= door)


def told_once(books: Books) -> Iterator[Broken]:
    """Not every tick, nor once more by a later config."""
    once = [kind.told for kind in STARTS]
    for key, told in books.each_told(*once):
        for event_type, times in Counter(one.type for one in told).items():
            if times > 1:
                at = ", ".join(clock(one.change.at) for one in told if one.type == event_type)
                yield Broken("told-once", named(key), f"{times} {event_type}: {at}")
    for key, told in books.each_told("PIPELINE_EXCLUDED"):
        # Another reason is another fact.
        reasons = Counter(one.detail.get("reason", one.message) for one in told)
        for reason, times in reasons.items():
            if times > 1:
                yield Broken("told-once", named(key), f"{times} PIPELINE_EXCLUDED: {reason}")
    for key, told in books.each_told("TRIGGER_RECOVERED"):
        lives = Counter(_created_at(one) for one in told)
        for created_at, times in lives.items():
            if times > 1:
                yield Broken("told-once", named(key), f"{times} TRIGGER_RECOVERED of the run of {created_at}")


def _created_at(told: Announced) -> str:
    return str((told.change.new or {}).get("createdAt"))


CHECKS = (ledger_is_kept,)

"""The postRun rules of a success are judged by what stands in the table, and what they say is told when it changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from interlock.domain.pipeline import Check, Validation, each_rule, post_run_sensors
from interlock.simulation.promises.books import Books, began_of, run_at
from interlock.simulation.promises.facts import Broken, Facts, clock, named
from interlock.simulation.promises.readings import rules_hold
from interlock.simulation.promises.standing_runs import Standing, at_rest, own_reading, standing
from interlock.simulation.witness import Change

_VERDICTS = {"POST_RUN_PASSED": "passed", "POST_RUN_FAILED": "failed"}
_DATA_CHANGED = ("LATE_DATA_ARRIVAL", "POST_RUN_DRIFT")
_STREAM_CLOCK = timedelta(seconds=1)  # a stream record tells its second


def verdicts_are_told_when_they_change(facts: Facts) -> Iterator[Broken]:
    """The same one is not told again of the same success."""
    for key, changes in facts.runs.items():
        for one in changes:
            before, after = one.before, one.after
            if before is None or after is None or not one.moved or one.change.by is None:
                continue
            said = [_VERDICTS[event.type] for event in after.events if event.type in _VERDICTS]
            changed = after.post_run_verdict not in (before.post_run_verdict, None)
            if said != ([after.post_run_verdict] if changed else []):
                what = f"told {said} at {clock(one.change.at)}: {before.post_run_verdict} -> {after.post_run_verdict}"
                yield Broken("post-run-judged", named(key), what)


def post_run_rules_are_judged(books: Books) -> Iterator[Broken]:
    """Of a success that stands at rest, and whose data is what it read: by the last write of a postRun sensor."""
    if books.calm.loses_records or books.facts.rest.dead_letters:
        return
    for one in standing(books, "SUCCEEDED"):
        post_run = one.regime.pipeline.post_run
        if post_run is None or not post_run.rules or one.regime.pipeline.dry_run or one.run.dry_run:
            continue
        if any(
            rule.check in (Check.AGE_LT, Check.AGE_GT) for node in post_run.rules for rule in each_rule(node)
        ):
            continue
        last = _last_write(books, one)
        if last is None or not books.calm.is_over(last.at) or _data_has_changed(books, one):
            continue
        judged = replace(one.regime.pipeline, validation=Validation(rules=post_run.rules))
        holds = rules_hold(judged, one.key, lambda row: at_rest(books, row), books.facts.ended_at)
        if one.run.post_run_verdict != ("passed" if holds else "failed"):
            stand = "hold" if holds else "do not hold"
            what = f"its postRun rules {stand} since {clock(last.at)}, and it says {one.run.post_run_verdict}"
            yield Broken("post-run-judged", named(one.key), what)


def drift_in_flight_is_told_once(books: Books) -> Iterator[Broken]:
    """Of each sensor and attempt, and while its job runs."""
    for key, told in books.each_told("POST_RUN_DRIFT_INFLIGHT"):
        times: Counter[tuple[str, str]] = Counter()
        for one in told:
            changes, order = books.facts.runs.get(key, []), one.change.order
            runs = [run_at(changes, began_of(one.change))]
            runs += [each.after for each in changes if began_of(one.change) < each.change.order < order]
            running = [run.run_id for run in runs if run is not None and run.status == "RUNNING"]
            if not running:
                yield Broken(
                    "drift-in-flight", named(key), f"told at {clock(one.change.at)}, and nothing runs"
                )
            elif len(set(running)) == 1:
                times[running[0], str(one.detail.get("sensor"))] += 1
        for (run_id, sensor), number in times.items():
            if number > 1:
                yield Broken("drift-in-flight", named(key), f"{number} of {sensor} while {run_id} runs")


def _last_write(books: Books, one: Standing) -> Change | None:
    """None unless each postRun sensor stands there for this very date, and the last was written after the success."""
    found = [
        own_reading(books, sensor, one.key, one.regime.pipeline)
        for sensor in post_run_sensors(one.regime.pipeline)
    ]
    read = [each for each in found if each is not None and each[0].period == one.key.date]
    if len(read) < len(found) or not read:
        return None
    last = max((change for _, change in read), key=lambda change: change.order)
    since = one.run.succeeded_at
    # Whoever judges a success may stand still before he writes it: what comes meanwhile came before.
    came_after = last.order > one.last_move.change.order
    return last if since is not None and came_after and last.at > since + _STREAM_CLOCK else None


def _data_has_changed(books: Books, one: Standing) -> bool:
    """That is told instead."""
    told = books.told_of(one.key, *_DATA_CHANGED)
    return any(each.change.order > one.last_move.change.order for each in told)

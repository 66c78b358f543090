"""Late data and drift: another value than the run read is told, once, and a rerun follows while the budget lasts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from interlock.aws import keys
from interlock.aws.run_item import parse_instant_text, plain
from interlock.domain.calendar import exclusion_reason
from interlock.domain.pipeline import Check, Pipeline, PostRun, Rule, each_rule, post_run_sensors
from interlock.domain.run import RunKey
from interlock.simulation.promises.announced import Announced
from interlock.simulation.promises.books import Books, began_of
from interlock.simulation.promises.facts import Broken, clock, named
from interlock.simulation.promises.field_values import field_of, mark_of, number_of
from interlock.simulation.promises.readings import Unplaceable, names_of, read
from interlock.simulation.promises.standing_runs import Standing, at_rest, own_reading, shown, standing

_LATE = ("LATE_DATA_ARRIVAL", "DRY_RUN_LATE_DATA")
_DRIFT = ("POST_RUN_DRIFT", "DRY_RUN_DRIFT")
_REJECTED = ("RERUN_REJECTED", "DRY_RUN_RERUN_REJECTED")
_OWN_REASONS = ("late-data", "drift")
_DIGEST = "sha256:"
_OVERWRITTEN = " was reported for "


def changes_are_noticed(books: Books) -> Iterator[Broken]:
    """Of each run that stands SUCCEEDED at rest: nothing reads otherwise than it did, or that was told."""
    if books.calm.loses_records:
        return  # of a record that never came nobody knows
    for one in standing(books, "SUCCEEDED"):
        row = at_rest(books, keys.baseline_key(one.key))
        if row is None or int(row["attempt"]) != one.run.attempt:
            continue  # it could not be captured, which was told
        known = plain(row["sensors"])
        captured_at = parse_instant_text(row["capturedAt"])
        yield from _late(books, one, known, captured_at)
        yield from _drifted(books, one, known, captured_at)


def _late(
    books: Books, one: Standing, known: Mapping[str, Mapping[str, Any]], captured_at: datetime
) -> Iterator[Broken]:
    for sensor, name in _compared_fields(one.regime.pipeline):
        found = own_reading(books, sensor, one.key, one.regime.pipeline)
        if found is None or name not in known.get(sensor, {}):
            continue
        reading, change = found
        value, before = mark_of(field_of(reading.values, name)), known[sensor][name]
        if value is None or (before is not None and mark_of(before) is None) or mark_of(before) == value:
            continue
        if change.at <= captured_at:
            continue  # it came to light when a nearer reading was removed: nobody has written it since
        if books.calm.is_over(change.at) and not _was_told(books, one, _LATE, sensor, name, value):
            what = f"{sensor}.{name} was {shown(before)}, is {shown(str(value[1]))} since {clock(change.at)}, nobody was told"
            yield Broken("late-data-told", named(one.key), what)


def _compared_fields(pipeline: Pipeline) -> list[tuple[str, str]]:
    """Of the trigger and the rules; a time that only an age rule reads changes with every heartbeat."""
    trigger = pipeline.schedule.trigger
    rules: list[Rule] = [trigger.rule] if trigger else []
    rules += each_rule(pipeline.validation.rule)
    compared = (rule for rule in rules if rule.check not in (Check.AGE_LT, Check.AGE_GT))
    return list(dict.fromkeys((rule.key, rule.field) for rule in compared if rule.field is not None))


def _was_told(
    books: Books, one: Standing, types: tuple[str, ...], sensor: str, name: str, mark: tuple[str, Any]
) -> bool:
    """Since this success, of this value of this field; those that are not the first are named without it."""
    for told in books.told_of(one.key, *types):
        if told.change.order <= one.last_move.change.order:
            continue
        detail = told.detail
        if (detail.get("sensor"), detail.get("field")) == (sensor, name):
            if mark_of(plain(detail.get("value"))) == mark:
                return True
        elif any(str(line).startswith(f"{sensor}.{name} ") for line in detail.get("changes", ())):
            return True
    return False


def _drifted(
    books: Books, one: Standing, known: Mapping[str, Mapping[str, Any]], captured_at: datetime
) -> Iterator[Broken]:
    post_run = one.regime.pipeline.post_run
    for sensor in post_run_sensors(one.regime.pipeline) if post_run else ():
        assert post_run is not None
        fields = (post_run.drift_field,) if post_run.drift_field else ("count", "sensor_count")
        name = next((name for name in fields if known.get(sensor, {}).get(name) is not None), None)
        found = own_reading(books, sensor, one.key, one.regime.pipeline)
        if name is None or found is None:
            continue
        reading, change = found
        if change.at <= captured_at:
            continue  # uncovered, as above
        before, value = number_of(known[sensor][name]), number_of(field_of(reading.values, name))
        if before is None or value is None or not _is_too_far(post_run, before, value):
            continue
        if books.calm.is_over(change.at) and not _was_told(
            books, one, _DRIFT, sensor, name, ("number", value)
        ):
            what = f"{sensor}.{name} went from {float(before):g} to {float(value):g} at {clock(change.at)}, nobody was told"
            yield Broken("drift-told", named(one.key), what)


def _is_too_far(post_run: PostRun, before: Fraction, value: Fraction) -> bool:
    threshold = Fraction(post_run.drift_threshold)
    if post_run.drift_threshold_is_percent:
        threshold = threshold * abs(before) / 100
    return abs(value - before) > threshold


def changes_are_true(books: Books) -> Iterator[Broken]:
    """What is told of was written, differs from what was read, and is told once of an attempt."""
    for key, told in books.each_told(*_LATE, *_DRIFT):
        facts: Counter[tuple[Any, ...]] = Counter()
        for one in told:
            detail = plain(one.detail)
            mark = mark_of(detail["value"])
            if mark is None or str(detail["value"]).startswith(_DIGEST):
                continue  # of what is too long to be kept
            if mark == mark_of(detail["baseline"]):
                what = f"{one.type} at {clock(one.change.at)}: {detail['sensor']}.{detail['field']} is what it was"
                yield Broken("no-heartbeat-is-late-data", named(key), what)
            if not _was_written(books, key, one, detail["sensor"], detail["field"], mark):
                what = f"{one.type} at {clock(one.change.at)}: {detail['sensor']}.{detail['field']} was never {mark[1]}"
                yield Broken("no-heartbeat-is-late-data", named(key), what)
            life = (one.change.new or {}).get("createdAt")
            facts[one.type, life, one.attempt, detail["sensor"], detail["field"], mark] += 1
        if any(_observes(one) for one in told):
            continue  # what was told is the measure then: a value may come back
        for (event_type, _, attempt, sensor, name, mark), times in facts.items():
            if times > 1:
                what = f"{times} {event_type} of attempt {attempt}: {sensor}.{name} is {mark[1]}"
                yield Broken("late-data-once", named(key), what)


def _observes(told: Announced) -> bool:
    return told.type.startswith("DRY_RUN")


def _was_written(
    books: Books, key: RunKey, told: Announced, sensor: str, name: str, mark: tuple[str, Any]
) -> bool:
    for row in (keys.sensor_key(key.pipeline_id, each) for each in names_of(sensor, key.date)):
        for change in books.facts.past_of(row):
            if change.order < told.change.order and change.new is not None:
                try:
                    values = read(change.new, row[1].partition(f"{sensor}#")[2] or None).values
                except Unplaceable:
                    continue
                if mark_of(field_of(values, name)) == mark:
                    return True
    return False


def reruns_follow(books: Books) -> Iterator[Broken]:
    """With the write that tells of a change: the next attempt, as long as the budget lasts; then one rejection."""
    for key, changes in books.facts.runs.items():
        if key.pipeline_id not in books.pipelines:
            continue
        rejected: Counter[tuple[object, int]] = Counter()
        unseen: set[tuple[object, int]] = set()  # a rerun would not see its data: another date's stands there
        for one in changes:
            run = one.after
            if run is None or not one.moved or one.change.by is None:
                continue
            types = [str(event.type) for event in run.events]
            own = [event for event in run.events if event.detail.get("source") in _OWN_REASONS]
            if any(str(event.type) in _REJECTED for event in own):
                rejected[run.created_at, run.execution_count] += 1
            if any(_OVERWRITTEN in str(event.detail.get("why")) for event in own):
                unseen.add((run.created_at, run.execution_count))
            if not {*types} & {*_LATE, *_DRIFT} or one.before is None:
                continue
            configs = books.facts.configs_between(key.pipeline_id, began_of(one.change), one.change.order)
            allowed = [config.job.max_drift_reruns for config in configs if config is not None]
            observes = run.dry_run or any(config and config.dry_run for config in configs)
            if run.status == "WAITING" and "RERUN_ACCEPTED" not in types:
                yield Broken(
                    "reruns-follow", named(key), f"reopened at {clock(one.change.at)} without a word"
                )
            within = allowed and one.before.drift_reruns < min(allowed)
            if (
                run.status == "SUCCEEDED"
                and within
                and (run.created_at, run.execution_count) not in unseen
                and not observes
                and not _is_excluded(books, key, one.change.order)
            ):
                used = f"{one.before.drift_reruns} of {min(allowed)} reruns used"
                what = f"{types} at {clock(one.change.at)}: {used}, none begins"
                yield Broken("reruns-follow", named(key), what)
            if (
                run.status == "SUCCEEDED"
                and not observes
                and not rejected[run.created_at, run.execution_count]
            ):
                yield Broken(
                    "reruns-follow", named(key), f"no rerun at {clock(one.change.at)}, and nobody says why"
                )
        for (_, execution), times in rejected.items():
            if times > 1 and not any(one.after and one.after.dry_run for one in changes):
                yield Broken("reruns-follow", named(key), f"{times} rejections after execution {execution}")


def _is_excluded(books: Books, key: RunKey, order: int) -> bool:
    return any(
        exclusion_reason(regime.pipeline, key.date, regime.calendars) is not None
        for regime in books.pipelines[key.pipeline_id]
        if regime.order <= order
    )

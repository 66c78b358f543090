"""A trigger that is met has its run, rules that hold start it, and whatever waits or has expired says why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from interlock.aws import keys
from interlock.aws.table import Item, Key
from interlock.domain.calendar import exclusion_reason
from interlock.domain.pipeline import Check, Pipeline, Start, each_rule, rule_sensors, upstream_rules
from interlock.domain.readiness import RuleVerdict
from interlock.domain.schedule import (
    Period,
    cron_form,
    execution_date,
    fire_of,
    period_of,
    period_start,
    trigger_deadline,
)
from interlock.simulation.promises.books import Books
from interlock.simulation.promises.calm import SWEPT
from interlock.simulation.promises.facts import Broken, clock, named
from interlock.simulation.promises.field_values import instant_of
from interlock.simulation.promises.readings import (
    Reading,
    Unplaceable,
    names_of,
    read,
    rule_holds,
    rules_hold,
)
from interlock.simulation.promises.regimes import Regime
from interlock.simulation.promises.standing_runs import Standing, belongs, standing
from interlock.simulation.promises.today import todays_date
from interlock.simulation.witness import Change

_FINENESS = list(Period)


@dataclass(frozen=True, slots=True, eq=False)
class _Met:
    """A reading that meets the trigger, and the date for which it does."""

    reading: Reading
    change: Change
    date: str


def triggers_open_runs(books: Books) -> Iterator[Broken]:
    """What stands in the table at rest and meets the trigger of one config, that was there before, has its run."""
    if not books.calm.is_at_rest:
        return
    for pipeline, regimes in books.pipelines.items():
        if not regimes or regimes[-1].until < books.facts.ended_at:
            continue
        for met in _met(books, regimes[-1]):
            key = regimes[-1].key(met.date)
            if key in books.facts.runs or not _must_have_opened(books, regimes[-1], met):
                continue
            if not books.told_of(key, "SENSOR_DEADLINE_EXPIRED"):
                what = f"{met.change.key[1]} of {clock(met.change.at)} meets the trigger of {pipeline}, no run was opened"
                yield Broken("triggers-open-runs", named(key), what)


def _met(books: Books, regime: Regime) -> Iterator[_Met]:
    trigger = regime.pipeline.schedule.trigger
    if trigger is None:
        return
    plain = f"{keys.RowKind.SENSOR}{trigger.rule.key}"
    for (partition, sort), row in books.facts.rest.tables["control"].items():
        if partition != keys.partition(regime.pipeline.id) or (
            sort != plain and not sort.startswith(f"{plain}#")
        ):
            continue
        change = books.facts.past_of((partition, sort))[-1]
        try:
            reading = read(row, None if sort == plain else sort[len(plain) + 1 :])
            date = _date_of(reading, regime.pipeline, change.at)
        except (Unplaceable, ValueError):
            continue
        if rule_holds(trigger.rule, reading, change.at) and rule_holds(
            trigger.rule, reading, books.facts.ended_at
        ):
            yield _Met(reading, change, date)


def _date_of(reading: Reading, pipeline: Pipeline, written_at: datetime) -> str:
    """Of which date a reading opens the run; with a cron its dates have the cron's form."""
    if reading.period is None:
        return todays_date(pipeline, written_at)
    if pipeline.schedule.cron is None:
        return reading.period
    form = cron_form(pipeline)
    if _FINENESS.index(period_of(reading.period)) < _FINENESS.index(form):
        raise Unplaceable("it names no single run")
    return execution_date(period_start(reading.period), form)


def _must_have_opened(books: Books, regime: Regime, met: _Met) -> bool:
    """Written while this config was in force, for a date that it does not exclude, before its door was closed."""
    pipeline, at = regime.pipeline, met.change.at
    if met.change.order < regime.order or not books.calm.is_over(at):
        return False
    try:
        excluded = exclusion_reason(pipeline, met.date, regime.calendars)
        door, fire = trigger_deadline(pipeline, met.date), fire_of(pipeline, met.date)
    except ValueError:
        return False
    if excluded is not None:
        return False
    if pipeline.schedule.start is Start.ALL and (fire is None or not books.calm.is_over(fire)):
        return False
    if pipeline.schedule.start is Start.ALL and met.reading.period is None:
        return False  # of the day on which it was written, if it is still there when the cron fires
    if door is not None and (at > door or (pipeline.dry_run and not books.calm.is_perfect)):
        return False  # of a dry run that came too late by our fault nobody need be told
    if not books.calm.loses_records:
        return True
    return _is_swept_up(books, met, pipeline)


def _is_swept_up(books: Books, met: _Met, pipeline: Pipeline) -> bool:
    """Its record may be lost: the sweep looks at the period that is, and at the last; for what surely belongs to it."""
    written = met.reading.values.get("updatedAt")
    says = instant_of(written)
    if met.reading.period is None or period_of(met.date) is not Period.DAILY:
        return False
    is_current = todays_date(pipeline, met.change.at) == met.date
    return is_current and (says is None or says <= books.facts.ended_at - SWEPT)


def expired_runs_rest(books: Books) -> Iterator[Broken]:
    """The rules of a run that stands EXPIRED do not hold; or its door was closed when they came to hold."""
    for one in standing(books, "EXPIRED"):
        rules = list(each_rule(one.regime.pipeline.validation.rule))
        if any(rule.check in (Check.AGE_LT, Check.AGE_GT) for rule in rules) or books.calm.loses_records:
            continue
        if upstream_rules(one.regime.pipeline) or (one.regime.pipeline.dry_run and not one.run.dry_run):
            continue
        change = _came_to_hold(books, one)
        if change is None or not books.calm.is_over(change.at):
            continue
        door = trigger_deadline(one.regime.pipeline, one.key.date)
        excluded = exclusion_reason(one.regime.pipeline, one.key.date, one.regime.calendars)
        if excluded is None and (
            door is None or change.at + SWEPT <= door or (books.calm.is_perfect and change.at < door)
        ):
            what = f"its rules hold since {clock(change.at)}, it expired at {clock(one.last_move.change.at)}"
            yield Broken("expired-runs-rest", named(one.key), what)


def _came_to_hold(books: Books, one: Standing) -> Change | None:
    """The first write for its date after it expired since which its rules have held without a break."""
    pipeline, expired = one.regime.pipeline, one.last_move.change.order
    rows = [
        keys.sensor_key(one.key.pipeline_id, name)
        for sensor in rule_sensors(pipeline)
        for name in names_of(sensor, one.key.date)
    ]
    writes = sorted(
        (change for row in rows for change in books.facts.past_of(row) if change.order > expired),
        key=lambda change: change.order,
    )
    since = None
    for change in writes:
        if not _hold(books, one, change.order):
            since = None
        elif since is None and _concerns(change, one, pipeline):
            since = change
    return since


def _hold(books: Books, one: Standing, order: int) -> bool:
    def rows(row: Key) -> Item | None:
        return books.facts.row_at(row, order)

    return rules_hold(one.regime.pipeline, one.key, rows, books.facts.ended_at)


def _concerns(change: Change, one: Standing, pipeline: Pipeline) -> bool:
    if change.new is None:
        return False  # what is deleted wakes those that wait alone
    name = change.key[1].removeprefix(keys.RowKind.SENSOR)
    sensor = next(key for key in rule_sensors(pipeline) if name == key or name.startswith(f"{key}#"))
    try:
        reading = read(change.new, name[len(sensor) + 1 :] or None)
    except Unplaceable:
        return False
    return reading.is_seen_by(one.key.date) and belongs(reading, change.at, one.key, pipeline)


def reasons_are_kept(books: Books) -> Iterator[Broken]:
    """Of each run that has expired for its rules, or waits for them, the reasons can be read."""
    for one in standing(books, "EXPIRED", "WAITING"):
        if not one.regime.pipeline.validation.rules or not books.calm.is_over(one.last_move.change.at):
            continue
        said = {str(event.type) for event in one.last_move.after.events} if one.last_move.after else set()
        if one.run.status == "EXPIRED" and "VALIDATION_EXHAUSTED" not in said and not one.run.dry_run:
            continue  # its workflow broke before anybody could look
        if one.run.status == "WAITING" and one.run.retry_at and not books.calm.is_over(one.run.retry_at):
            continue
        if one.run.pools or one.run.refused_since or one.run.may_have_started:
            continue  # its rules held
        if not one.run.verdicts or not all(_says_why(verdict) for verdict in one.run.verdicts):
            what = f"{one.run.status} since {clock(one.last_move.change.at)} for reasons {one.run.verdicts!r:.200}"
            yield Broken("never-vague", named(one.key), what)


def _says_why(verdict: RuleVerdict) -> bool:
    return bool(verdict.reason.strip() and verdict.rule.strip()) and all(map(_says_why, verdict.members))

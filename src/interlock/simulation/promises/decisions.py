"""What is decided of a request for a rerun is what the design says of it: refused for a reason, accepted for want of one."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.aws import keys
from interlock.aws.table import Item, Key
from interlock.domain.calendar import exclusion_reason
from interlock.domain.pipeline import Pipeline, rule_sensors, upstream_rules
from interlock.domain.run import Run, RunKey
from interlock.simulation.promises.announced import Announced
from interlock.simulation.promises.books import Books, began_of, run_at
from interlock.simulation.promises.facts import Broken, Facts, clock, named
from interlock.simulation.promises.field_values import instant_of
from interlock.simulation.promises.readings import CLOCK_TOLERANCE, Unplaceable, names_of, read, reading_of

_OPEN = ("WAITING", "RUNNING")


def requests_are_decided_rightly(books: Books) -> Iterator[Broken]:
    """Of those that one config decided, of a date that was never only observed."""
    for key, told in books.each_told("RERUN_ACCEPTED", "RERUN_REJECTED"):
        for one in told:
            config = _config(books.facts, one)
            if (
                one.detail.get("source") != "manual"
                or config is None
                or config.schedule_id != key.schedule_id
            ):
                continue
            runs = _runs(books, key, one)
            if config.dry_run or any(run is not None and run.dry_run for run in runs):
                continue
            excluded = _is_excluded(books, key, one)
            if one.type == "RERUN_REJECTED":
                if not any(excluded) and not any(
                    _may_be_refused(books, one, config, key, run) for run in runs
                ):
                    yield Broken("decided-rightly", named(key), f"refused at {clock(one.at)} for nothing")
            elif all(excluded):
                yield Broken("decided-rightly", named(key), f"accepted at {clock(one.at)}, and is excluded")
            elif not one.detail["force"] and _nothing_is_new(books.facts, one, config, key, runs[-1]):
                what = f"accepted at {clock(one.at)}, and nothing was written since it succeeded"
                yield Broken("decided-rightly", named(key), what)


def _config(facts: Facts, one: Announced) -> Pipeline | None:
    """None where it changed meanwhile."""
    assert one.pipeline_id is not None
    configs = facts.configs_between(one.pipeline_id, began_of(one.change), one.change.order)
    return configs[0] if len(configs) == 1 else None


def _runs(books: Books, key: RunKey, one: Announced) -> list[Run | None]:
    """How the run stood while it was decided; the last is the one that the decision changed."""
    changes, began = books.facts.runs.get(key, []), began_of(one.change)
    meanwhile = [each.after for each in changes if began < each.change.order < one.change.order]
    return [run_at(changes, began), *meanwhile]


def _is_excluded(books: Books, key: RunKey, one: Announced) -> list[bool]:
    """By each config and each calendar that was in force meanwhile."""
    assert one.pipeline_id is not None
    regimes = books.regimes_of(one.pipeline_id, one.change)
    reasons = [exclusion_reason(regime.pipeline, key.date, regime.calendars) for regime in regimes]
    return [reason is not None for reason in reasons] or [True, False]


def _may_be_refused(books: Books, one: Announced, config: Pipeline, key: RunKey, run: Run | None) -> bool:
    if run is None:
        return False
    if run.status in _OPEN or run.manual_reruns >= config.job.max_manual_reruns:
        return True
    forced = one.detail.get("force") is True
    return (
        run.status == "SUCCEEDED" and not forced and not _says_it_is_newer(books.facts, one, config, key, run)
    )


def _says_it_is_newer(facts: Facts, one: Announced, config: Pipeline, key: RunKey, run: Run) -> bool:
    """A reading of a sensor of its rules does, by its own clock, from before the decision to after it."""
    began, by = began_of(one.change), one.change.by
    if by is None or run.succeeded_at is None:
        return False

    def updated_at(sensor: str, order: int) -> object:
        def rows(row: Key) -> Item | None:
            return facts.row_at(row, order)

        try:
            reading = reading_of(sensor, key, rows)
        except Unplaceable:
            return None
        at = None if reading is None else instant_of(reading.values.get("updatedAt"))
        return (
            at if at and run.succeeded_at and run.succeeded_at < at <= by.began_at + CLOCK_TOLERANCE else None
        )

    return any(
        updated_at(sensor, began) and updated_at(sensor, one.change.order) for sensor in rule_sensors(config)
    )


def _nothing_is_new(facts: Facts, one: Announced, config: Pipeline, key: RunKey, run: Run | None) -> bool:
    """Since it started with what it read, beyond doubt."""
    if run is None or run.status != "SUCCEEDED" or upstream_rules(config) or run.succeeded_at is None:
        return False
    started = [
        each.change
        for each in facts.runs[key]
        if each.after and each.after.run_id == run.run_id and each.after.status == "RUNNING" and each.moved
    ]
    if not started or len(facts.configs_between(key.pipeline_id, began_of(started[0]), one.change.order)) > 1:
        return False
    for sensor in rule_sensors(config):
        for name in names_of(sensor, key.date):
            past = facts.past_of(keys.sensor_key(key.pipeline_id, name))
            if any(began_of(started[0]) < change.order < one.change.order for change in past):
                return False
            row = facts.row_at(keys.sensor_key(key.pipeline_id, name), one.change.order)
            if row is not None and (sensor not in run.seen or _may_be_newer(row, sensor, name, run)):
                return False
    return True


def _may_be_newer(row: Item, sensor: str, name: str, run: Run) -> bool:
    """By its own clock, which may be forged."""
    try:
        said = read(row, name[len(sensor) + 1 :] or None).values.get("updatedAt")
    except Unplaceable:
        return True
    at = instant_of(said)
    return said is not None and (at is None or run.succeeded_at is None or at > run.succeeded_at)

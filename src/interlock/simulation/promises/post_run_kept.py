"""A post-run sensor that nothing wrote within its time after a success is missed, once; one that was written is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from interlock.aws import keys
from interlock.aws.table import Item, Key
from interlock.domain.pipeline import post_run_sensors
from interlock.domain.run import RunKey
from interlock.simulation.promises.announced import Announced
from interlock.simulation.promises.books import Books, Success
from interlock.simulation.promises.facts import Broken, clock, named
from interlock.simulation.promises.field_values import instant_of
from interlock.simulation.promises.readings import CLOCK_TOLERANCE, Unplaceable, names_of, read, reading_of
from interlock.simulation.promises.regimes import Regime
from interlock.simulation.promises.today import todays_date
from interlock.simulation.witness import Change

_STREAM_CLOCK = timedelta(seconds=1)  # a stream record tells its second


def post_run_sensors_are_missed(books: Books) -> Iterator[Broken]:
    """For each success of a time in which its config was in force until its sensors were due."""
    for key, told in books.each_told("POST_RUN_SENSOR_MISSING"):
        for since, times in Counter((one.change.new or {}).get("since") for one in told).items():
            if times > 1:
                yield Broken(
                    "told-once", named(key), f"{times} POST_RUN_SENSOR_MISSING of the success at {since}"
                )
    for pipeline, regimes in books.pipelines.items():
        asking = [regime for regime in regimes if post_run_sensors(regime.pipeline)]
        for key in books.facts.runs if asking else ():
            if key.pipeline_id == pipeline:
                yield from _of_run(books, key, asking)


def _of_run(books: Books, key: RunKey, regimes: list[Regime]) -> Iterator[Broken]:
    for success in books.successes(key):
        regime = next((one for one in regimes if one.order < success.order < one.until_order), None)
        if regime is None or regime.pipeline.dry_run or key != regime.key(key.date):
            continue
        assert regime.pipeline.post_run is not None
        due_at = success.at + regime.pipeline.post_run.sensor_timeout
        by = books.calm.dealt_with_by(due_at)
        if by > min(regime.until, books.facts.ended_at) or _moves_before(books, key, success, by):
            continue
        if books.calm.loses_records and key.date[:10] < todays_date(regime.pipeline, success.at)[:10]:
            continue  # of a date that is past the sweep does not make good what was lost
        told = [
            one for one in books.told_of(key, "POST_RUN_SENSOR_MISSING") if success.at < one.change.at <= by
        ]
        named_missing = {str(sensor) for one in told for sensor in one.detail.get("sensors", ())}
        for sensor in post_run_sensors(regime.pipeline):
            writes = _writes_of(books, sensor, key, success.order, by)
            if (
                sensor not in named_missing
                and not writes
                and not _says_it_is_newer(books, sensor, key, success, by)
            ):
                what = f"nothing wrote {sensor} from {clock(success.at)} to {clock(due_at)}, nobody says so"
                yield Broken("post-run-sensors-missed", named(key), what)
            if sensor in named_missing and books.calm.is_perfect:
                yield from _was_written(key, sensor, writes, success, due_at, told[0])


def _moves_before(books: Books, key: RunKey, success: Success, by: datetime) -> bool:
    """It runs again meanwhile; the success after that begins a promise of its own."""
    later = [one for one in books.facts.runs[key] if one.change.order > success.order and one.change.at <= by]
    return any(one.after is None or one.after.status != "SUCCEEDED" for one in later)


def _writes_of(books: Books, sensor: str, key: RunKey, after: int, by: datetime) -> list[Change]:
    """All that may count as a write of it for this run."""
    rows = [keys.sensor_key(key.pipeline_id, name) for name in names_of(sensor, key.date)]
    found = [change for row in rows for change in books.facts.past_of(row) if change.new is not None]
    return [change for change in found if change.order > after and change.at <= by]


def _says_it_is_newer(books: Books, sensor: str, key: RunKey, success: Success, by: datetime) -> bool:
    """By its own clock, which may run a little ahead: it was written before the success then."""

    def rows(row: Key) -> Item | None:
        return books.facts.row_at(row, success.order)

    reading = reading_of(sensor, key, rows)
    updated_at = None if reading is None else instant_of(reading.values.get("updatedAt"))
    return updated_at is not None and success.at < updated_at <= by + CLOCK_TOLERANCE


def _can_be_read(change: Change, date: str) -> bool:
    try:
        read(change.new or {}, date)
    except Unplaceable:
        return False  # which was told when it came
    return True


def _was_written(
    key: RunKey, sensor: str, writes: list[Change], success: Success, due_at: datetime, told: Announced
) -> Iterator[Broken]:
    """For that very date, beyond doubt, and in time."""
    own = keys.sensor_key(key.pipeline_id, f"{sensor}#{key.date}")
    for change in writes:
        in_time = success.at + _STREAM_CLOCK < change.at < due_at - _STREAM_CLOCK
        if change.key == own and in_time and _can_be_read(change, key.date):
            what = (
                f"{sensor} was written at {clock(change.at)}, and is said to be missing at {clock(told.at)}"
            )
            yield Broken("post-run-sensors-missed", named(key), what)
            return

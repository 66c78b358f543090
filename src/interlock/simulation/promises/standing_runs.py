"""What a run sees at the end of a world: which readings belong to it beyond doubt, and when each was written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from interlock.aws import keys
from interlock.aws.table import Item, Key
from interlock.domain.pipeline import Pipeline
from interlock.domain.run import Run, RunKey
from interlock.simulation.promises.books import Books
from interlock.simulation.promises.facts import RunChange
from interlock.simulation.promises.readings import Reading, Unplaceable, names_of, read
from interlock.simulation.promises.regimes import Regime
from interlock.simulation.promises.today import todays_date
from interlock.simulation.witness import Change


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """A run at rest, and how it came to stand so."""

    key: RunKey
    run: Run
    last_move: RunChange  # to the status in which it stands
    regime: Regime  # in force since before that, and until the end


def standing(books: Books, *statuses: str) -> Iterator[Standing]:
    """The runs that stand so at rest, under the config that brought them there."""
    if not books.calm.is_at_rest:
        return
    for key, changes in books.facts.runs.items():
        run = changes[-1].after
        if run is None or run.status not in statuses or key.pipeline_id not in books.pipelines:
            continue
        last_move = next(
            one
            for one in reversed(changes)
            if one.before is None or one.after is None or one.before.status != one.after.status
        )
        regime = next(reversed(books.pipelines[key.pipeline_id]), None)
        if regime is None or key != regime.key(key.date) or regime.until < books.facts.ended_at:
            continue
        if regime.order < last_move.change.order:
            yield Standing(key, run, last_move, regime)


def at_rest(books: Books, key: Key) -> Item | None:
    """The row as the world left it."""
    return books.facts.rest.tables["control"].get(key)


def own_reading(books: Books, sensor: str, key: RunKey, pipeline: Pipeline) -> tuple[Reading, Change] | None:
    """The reading that the run sees, if it was written for its date and no other."""
    for name in names_of(sensor, key.date):
        row = at_rest(books, keys.sensor_key(key.pipeline_id, name))
        if row is None:
            continue
        try:
            reading = read(row, name[len(sensor) + 1 :] or None)
        except Unplaceable:
            return None
        if reading.is_seen_by(key.date):
            change = books.facts.past_of(keys.sensor_key(key.pipeline_id, name))[-1]
            return (reading, change) if belongs(reading, change.at, key, pipeline) else None
    return None


def belongs(reading: Reading, written_at: datetime, key: RunKey, pipeline: Pipeline) -> bool:
    """One without a date is of the day on which it was written."""
    return reading.period is not None or todays_date(pipeline, written_at) == key.date


def shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"

"""A played world as the checks read it: each run's rows in their order, each row's past, each pipeline's configs."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from interlock.aws import keys
from interlock.aws.run_item import RowInvalid, parse_instant_text, read_run
from interlock.aws.table import Item, Key
from interlock.domain.bad_input import BadInput
from interlock.domain.pipeline import Pipeline
from interlock.domain.pipeline_codec import StoredPipelineUnreadable, decode_pipeline
from interlock.domain.run import Run, RunKey
from interlock.simulation.played import Played
from interlock.simulation.witness import Change, Start

_ANSWERS_WITHIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Broken:
    """One promise that was not kept."""

    promise: str  # its short name, the same for every world that breaks it
    about: str  # the run, row or event
    what: str  # what happened instead, with figures and instants


@dataclass(frozen=True, slots=True, eq=False)
class RunChange:
    """One write of a run's row. `before` or `after` is None where there was no row of ours."""

    change: Change
    before: Run | None
    after: Run | None

    @property
    def moved(self) -> bool:
        """It says something: bookkeeping leaves the version as it was."""
        return (self.before and self.before.version) != (self.after and self.after.version)


@dataclass(frozen=True, slots=True, eq=False)
class ConfigInForce:
    """What the table held as a pipeline's config from `order` on; None: nothing, or nothing readable."""

    order: int
    at: datetime
    loaded_at: datetime | None  # as the row says
    pipeline: Pipeline | None


class Facts:
    """Everything is worked out once, when a check first asks for it."""

    def __init__(self, played: Played) -> None:
        self.played, self.witness, self.rest = played, played.witness, played.rest

    @property
    def began_at(self) -> datetime:
        return self.played.scenario.start

    @property
    def ended_at(self) -> datetime:
        return self.played.scenario.until

    @property
    def last_order(self) -> int:
        """A place behind everything that happened."""
        return self.played.history.stamp()

    @cached_property
    def runs(self) -> dict[RunKey, list[RunChange]]:
        """Every write of every run's row, in order."""
        found: dict[RunKey, list[RunChange]] = {}
        last: dict[Key, Run | None] = {}
        for change in self.witness.changes:
            if change.table != "control" or not change.key[1].startswith(keys.RowKind.RUN):
                continue
            try:
                key = keys.parse_run_key(*change.key)
            except BadInput:
                continue  # garbage of the scenario's
            after = _run(change.new)
            found.setdefault(key, []).append(RunChange(change, last.get(change.key), after))
            last[change.key] = after
        return found

    @cached_property
    def starts(self) -> dict[RunKey, list[Start]]:
        """The remote jobs of each run, in the order of their starts."""
        found: dict[RunKey, list[Start]] = {}
        for start in self.witness.starts:
            if self._was_refused(start):
                continue
            found.setdefault(RunKey(start.pipeline_id, start.schedule_id, start.date), []).append(start)
        return found

    def _was_refused(self, start: Start) -> bool:
        """An HTTP target that answers with an error has started nothing: DESIGN section 5."""
        job = self.played.history.jobs[start.number]
        if start.service != "http" or job.config.get("callback") or job.ended_at is None:
            return False
        return not job.succeeded and not job.cancelled and job.ended_at - job.started_at < _ANSWERS_WITHIN

    @cached_property
    def _pasts(self) -> dict[tuple[str, Key], list[Change]]:
        found: dict[tuple[str, Key], list[Change]] = {}
        for change in self.witness.changes:
            found.setdefault((change.table, change.key), []).append(change)
        return found

    def past_of(self, key: Key, table: str = "control") -> list[Change]:
        """Every write of one row."""
        return self._pasts.get((table, key), [])

    def rows_ever(self, prefix: str, table: str = "control") -> Iterator[tuple[Key, list[Change]]]:
        """The rows whose sort key begins so, and their writes, whether they are still there or not."""
        for (name, key), changes in self._pasts.items():
            if name == table and key[1].startswith(prefix):
                yield key, changes

    def changes_between(self, first: int, last: int) -> list[Change]:
        """The writes of all rows after one place of the history, up to another."""
        changes = self.witness.changes
        begin = bisect_right(changes, first, key=lambda change: change.order)
        return changes[begin : bisect_right(changes, last, key=lambda change: change.order)]

    def row_at(self, key: Key, order: int, table: str = "control") -> Item | None:
        """What stood there just after the place `order` in the history."""
        past = self.past_of(key, table)
        place = bisect_right(past, order, key=lambda change: change.order)
        return past[place - 1].new if place else None

    @cached_property
    def configs(self) -> dict[str, list[ConfigInForce]]:
        """What each pipeline's config was, and from when on."""
        found: dict[str, list[ConfigInForce]] = {}
        for key, changes in self.rows_ever(keys.CONFIG):
            pipeline = keys.pipeline_of(key[0])
            if pipeline is not None and key[1] == keys.CONFIG:
                found[pipeline] = [_in_force(change) for change in changes]
        return found

    def config_at(self, pipeline_id: str, order: int) -> Pipeline | None:
        """The config that the table held then."""
        configs = self.configs.get(pipeline_id, [])
        place = bisect_right(configs, order, key=lambda config: config.order)
        return configs[place - 1].pipeline if place else None

    def configs_between(self, pipeline_id: str, first: int, last: int) -> list[Pipeline | None]:
        """Every config that the table held at some time between two places of the history."""
        found = [self.config_at(pipeline_id, first)]
        found += [one.pipeline for one in self.configs.get(pipeline_id, []) if first < one.order <= last]
        return found


def _run(item: Item | None) -> Run | None:
    if item is None:
        return None
    with suppress(RowInvalid):
        return read_run(item)
    return None


def _in_force(change: Change) -> ConfigInForce:
    pipeline, loaded_at = None, None
    with suppress(KeyError, TypeError, ValueError, StoredPipelineUnreadable):
        if change.new is not None:
            pipeline = decode_pipeline(change.new["config"])
            loaded_at = parse_instant_text(change.new["updatedAt"])
    return ConfigInForce(change.order, change.at, loaded_at, pipeline)


def named(key: RunKey) -> str:
    """A run as a finding names it."""
    return f"{key.pipeline_id} {key.schedule_id} {key.date}"


def clock(at: datetime | None) -> str:
    """An instant in a finding: UTC, as in every file of ours."""
    return "never" if at is None else f"{at:%Y-%m-%dT%H:%M:%S}"

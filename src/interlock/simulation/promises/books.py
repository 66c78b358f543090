"""One world's books, shared by the checks of the ledger: what was promised when, what was told, which runs there were."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from interlock.domain.execution_date import Period, period_of
from interlock.domain.pipeline import Pipeline
from interlock.domain.run import Run, RunKey
from interlock.simulation.promises.announced import Announced, announced
from interlock.simulation.promises.calm import Calm
from interlock.simulation.promises.facts import Facts, RunChange
from interlock.simulation.promises.regimes import Regime, regimes
from interlock.simulation.witness import Change


@dataclass(frozen=True, slots=True)
class Success:
    """A run of ours has succeeded; a dry run's does not count."""

    order: int
    at: datetime  # as its row says
    change: RunChange


class Books:
    """Everything is worked out once, when a check first asks for it."""

    def __init__(self, facts: Facts) -> None:
        self.facts, self.calm = facts, Calm(facts)

    @cached_property
    def pipelines(self) -> dict[str, list[Regime]]:
        """Whose ledger can be judged: nobody from outside wrote into it."""
        ids = [pipeline for pipeline in self.facts.configs if not self.calm.is_meddled_with(pipeline)]
        return {pipeline: regimes(self.facts, pipeline) for pipeline in ids}

    @cached_property
    def told(self) -> dict[RunKey, list[Announced]]:
        """What our rows announced, by what they tell of."""
        found: dict[RunKey, list[Announced]] = {}
        for one in announced(self.facts):
            if one.is_ours and one.run is not None:
                found.setdefault(RunKey(*one.run), []).append(one)
        return found

    def told_of(self, key: RunKey, *types: str) -> list[Announced]:
        return [one for one in self.told.get(key, []) if one.type in types]

    def each_told(self, *types: str) -> Iterator[tuple[RunKey, list[Announced]]]:
        """Of the pipelines that can be judged, each run of which such a thing was told."""
        for key, told in self.told.items():
            wanted = [one for one in told if one.type in types]
            if wanted and key.pipeline_id in self.pipelines:
                yield key, wanted

    @cached_property
    def _days(self) -> dict[tuple[str, str, str], list[RunKey]]:
        found: dict[tuple[str, str, str], list[RunKey]] = {}
        for key in self.facts.runs:
            found.setdefault((key.pipeline_id, key.schedule_id, key.date[:10]), []).append(key)
        return found

    def of_the_day(self, key: RunKey) -> list[RunKey]:
        """All runs that there ever were of that day."""
        return self._days.get((key.pipeline_id, key.schedule_id, key.date[:10]), [])

    def keepers_of(self, key: RunKey, pipeline: Pipeline) -> list[RunKey]:
        """The runs that keep what is promised of a date: its own; of a sensor pipeline's day those of its hours, too."""
        if pipeline.schedule.cron is None and period_of(key.date) is Period.DAILY:
            return self.of_the_day(key)
        return [key] if key in self.facts.runs else []

    def was_opened(self, key: RunKey, pipeline: Pipeline, by: datetime) -> bool:
        """Whether a run that keeps its promises was opened by then."""
        return any(self.facts.runs[keeper][0].change.at <= by for keeper in self.keepers_of(key, pipeline))

    def stood_there(self, key: RunKey, pipeline: Pipeline, order: int) -> bool:
        """Whether such a run stood in the table at that place of the history."""
        return any(run_at(self.facts.runs[keeper], order) for keeper in self.keepers_of(key, pipeline))

    def successes(self, key: RunKey) -> list[Success]:
        """In order."""
        return [
            Success(one.change.order, one.after.succeeded_at, one)
            for one in self.facts.runs.get(key, [])
            if one.after is not None
            and one.after.status == "SUCCEEDED"
            and not one.after.dry_run
            and one.after.succeeded_at is not None
            and (one.before is None or one.before.status != "SUCCEEDED")
        ]

    def regimes_of(self, pipeline_id: str, change: Change) -> list[Regime]:
        """Those that whoever wrote this may have gone by."""
        began = began_of(change)
        return [
            regime
            for regime in self.pipelines.get(pipeline_id, [])
            if regime.order <= change.order and regime.until_order > began
        ]

    @property
    def regimes(self) -> Iterator[Regime]:
        """All, of every pipeline."""
        for found in self.pipelines.values():
            yield from found


def began_of(change: Change) -> int:
    """The place of the history at which whoever wrote it began: it may have read anything since."""
    return change.by.began if change.by else change.order


def run_at(changes: list[RunChange], order: int) -> Run | None:
    """The run as it stood at that place of the history."""
    found = None
    for one in changes:
        if one.change.order > order:
            break
        found = one.after
    return found

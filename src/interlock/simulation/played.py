"""What is left when a scenario is over: its history, its tables, its costs. Expectations and reports read this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from interlock.domain.pool import Pool
from interlock.domain.run import Run, RunKey
from interlock.simulation.history import History, Published
from interlock.simulation.scenario import Delay, Duplicate, Fault, Scenario
from interlock.simulation.tally import Tally
from interlock.simulation.witness import Rest, Witness


@dataclass(frozen=True, slots=True)
class Played:
    """One scenario after its last instant."""

    scenario: Scenario
    history: History
    runs: Mapping[RunKey, Run]
    pools: tuple[Pool, ...]
    cost: Tally
    background: Tally  # ticks that found nothing to do
    loading: Tally  # of the configs, before the first instant was over
    unused_faults: tuple[tuple[Fault, int], ...]
    unused_deliveries: tuple[tuple[Delay | Duplicate, int], ...]
    witness: Witness
    rest: Rest

    def events(self) -> list[Published]:
        """Each event once, in order of the instants of what they tell of."""
        first: dict[str, Published] = {}
        for published in self.history.published:
            first.setdefault(published.event.event_id, published)
        return sorted(first.values(), key=lambda published: (published.event.at, published.order))

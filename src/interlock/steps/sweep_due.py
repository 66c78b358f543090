"""The watchdog's tick: whatever is due by now is handed to the orchestrator, in batches, without waiting for it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from interlock.ports import DUE_SHARDS, CallFailed, ControlTable, DueRun, Functions

log = logging.getLogger(__name__)

_MOST_A_SHARD = 500  # what is left is due at the next tick
_BATCH = 25
_CONFIG_SYNC_MINUTES = 5


@dataclass(frozen=True, slots=True)
class WatchdogPorts:
    control: ControlTable
    functions: Functions


class TickFailed(Exception):
    """Parts of the tick did not work; the others were done."""


def sweep_due(ports: WatchdogPorts, now: datetime) -> int:
    """How many runs were handed on. A row stays until the orchestrator moves it: a hand-over that is lost is repeated."""
    failures: list[str] = []
    handed_on = 0
    for shard in range(DUE_SHARDS):
        try:
            due = ports.control.due(shard, now, _MOST_A_SHARD)
            handed_on += _hand_on([run for run in due if isinstance(run, DueRun)], ports.functions)
        except CallFailed as error:
            failures.append(f"shard {shard}: {error}")
    if now.minute % _CONFIG_SYNC_MINUTES == 0:
        try:
            ports.functions.sync_configs()
        except CallFailed as error:
            failures.append(f"config sync: {error}")
    if failures:
        raise TickFailed("; ".join(failures))
    return handed_on


def _hand_on(due: list[DueRun], functions: Functions) -> int:
    for start in range(0, len(due), _BATCH):
        functions.orchestrate(due[start : start + _BATCH])
    return len(due)

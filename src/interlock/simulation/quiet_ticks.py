"""Ticks that need not be played: they would find what the tick before found, nothing. So a quiet month takes a second."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from interlock.aws.watchdog_memory import DynamoWatchdogMemory
from interlock.ports import SweepPass
from interlock.simulation.faults import FaultPlan
from interlock.simulation.invocations import Handler
from interlock.simulation.memory_rows import Rows
from interlock.simulation.memory_table import MemoryTable
from interlock.simulation.our_calls import current_invocation
from interlock.simulation.tally import Tally
from interlock.steps.sweep_pipelines import is_due
from interlock.steps.tick import CONFIG_SYNC_MINUTES


class QuietTicks:
    """A tick looks at the control table and at the clock: at what is due by now, and at its own routine."""

    def __init__(self, control: MemoryTable, rows: Rows, faults: FaultPlan) -> None:
        self._memory = DynamoWatchdogMemory(control.from_outside())
        self._rows, self._faults = rows, faults
        self._unchanged_since: int | None = None  # the state of the rows in which a tick found nothing
        self._sweep: SweepPass | None = None  # the latest, in that state
        self._cost: Tally | None = None  # of a tick without any routine of its own

    def notes(self, watchdog: Handler) -> Handler:
        """The function, of which it is remembered when a tick only looked."""

        def tick(event: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
            answer = watchdog(event, now)
            if "sweep" not in event:
                self._note()
            return answer

        return tick

    def _note(self) -> None:
        invocation = current_invocation()
        # One that a fault struck may have looked at a past state, or missed something.
        if not invocation.only_looked or invocation.struck:
            self._unchanged_since = None
            return
        if self._unchanged_since != self._rows.changes:
            self._unchanged_since, self._sweep = self._rows.changes, self._memory.sweep_pass()
        if not invocation.routine:
            self._cost = invocation.tally

    def cost_of(self, now: datetime) -> Tally | None:
        """What the tick at `now` would cost; None if it must be played, since it may find something."""
        if self._unchanged_since != self._rows.changes or self._cost is None:
            return None
        if self._faults.may_strike(self._cost.calls, "watchdog"):
            return None
        if now.minute % CONFIG_SYNC_MINUTES == 0 or is_due(self._sweep, now):
            return None
        next_due = self._rows.next_due()
        if next_due is not None and next_due <= Decimal(now.timestamp() * 1000):
            return None
        return self._cost

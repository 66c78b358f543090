"""What the watchdog reaches: the tick and the sweep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from interlock.ports import (
    ControlTable,
    EventBus,
    EventStore,
    Functions,
    StateMachine,
    WatchdogMemory,
)


@dataclass(frozen=True, slots=True)
class WatchdogPorts:
    control: ControlTable
    functions: Functions
    machine: StateMachine
    memory: WatchdogMemory
    bus: EventBus
    store: EventStore
    seconds: Callable[[], float]  # a clock that only goes forward

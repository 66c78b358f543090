"""watchdog: one tick a minute."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from interlock.aws.observability import count
from interlock.steps.sweep_due import WatchdogPorts, sweep_due


def watchdog(event: Mapping[str, Any], ports: WatchdogPorts, now: datetime) -> dict[str, Any]:  # noqa: ARG001  a tick carries nothing
    """How many runs were handed to the orchestrator."""
    handed_on = sweep_due(ports, now)
    # The heartbeat: an alarm on missing data tells of a watchdog that is silent itself.
    count("WatchdogTick")
    return {"handedOn": handed_on}

"""watchdog: one tick a minute, and a page of the sweep when a tick asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from interlock.aws.observability import count
from interlock.steps.sweep_pipelines import sweep_pipelines
from interlock.steps.tick import tick
from interlock.steps.watchdog_ports import WatchdogPorts


def watchdog(event: Mapping[str, Any], ports: WatchdogPorts, now: datetime) -> dict[str, Any]:
    """What was done: runs handed to the orchestrator, promises and pipelines looked at."""
    if isinstance(event, Mapping) and event.get("sweep") is True:
        return {"swept": sweep_pipelines(ports, now)}
    done = tick(ports, now)
    # The heartbeat: an alarm on missing data tells of a watchdog that is silent itself.
    count("WatchdogTick")
    return {"handedOn": done.handed_on, "promises": done.promises}

"""config-sync: a change in the bucket, or the watchdog's turn; either way one pass over all files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from interlock.steps.sync_configs import ConfigSyncPorts, sync_configs


def config_sync(event: Mapping[str, Any], ports: ConfigSyncPorts, now: datetime) -> dict[str, Any]:  # noqa: ARG001  which file changed does not matter
    """The event only says that something may have changed: the listing is the truth, whatever was lost or reordered."""
    sync_configs(ports, now)
    return {}

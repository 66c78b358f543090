"""sla-monitor: a deadline's row changed, or its one-shot schedule fired."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from interlock.domain.plain_text import shown
from interlock.domain.promise import PromiseKind
from interlock.domain.run import RunKey
from interlock.steps.mirror_deadline import SlaMonitorPorts, deadline_fired, mirror_deadline
from interlock.steps.task import read_key

Act = Callable[[PromiseKind, RunKey, SlaMonitorPorts, datetime], None]

ACTIONS: Mapping[str, Act] = {"mirror": mirror_deadline, "fire": deadline_fired}
_KINDS: Mapping[str, PromiseKind] = {str(kind): kind for kind in (PromiseKind.SLA, PromiseKind.RELATIVE_SLA)}


class UnknownDeadline(ValueError):
    """The payload names no action of ours, or no promise that it is about."""


def sla_monitor(event: Mapping[str, Any], ports: SlaMonitorPorts, now: datetime) -> dict[str, Any]:
    """What fails is invoked again, by Lambda or by Scheduler; after that the watchdog looks at the row."""
    action, kind = shown(event.get("action"), 40), shown(event.get("kind"), 40)
    if action not in ACTIONS or kind not in _KINDS:
        known = f"known are {', '.join(ACTIONS)} of {', '.join(_KINDS)}"
        raise UnknownDeadline(f"action {action!r} of {kind!r}; {known}")
    ACTIONS[action](_KINDS[kind], read_key(event.get("run") or {}), ports, now)
    return {}

"""The watchdog's tick: whatever is due by now has its turn. Each part alone; one that fails is named, and stops no other.

A tick costs what is due, not what exists. What there is no time for is due at the next tick.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from interlock.domain.bad_input import BadInput
from interlock.domain.promise import PromiseKind
from interlock.ports import (
    DUE_SHARDS,
    CallFailed,
    ControlTable,
    DuePromise,
    DueRun,
    Functions,
    Lost,
    WatchdogMemory,
)
from interlock.steps.keep_promises import KeeperPorts, keep_promise
from interlock.steps.route_change import Configs, report_bad_input
from interlock.steps.sweep_pipelines import is_due
from interlock.steps.tell_degraded import tell_degraded
from interlock.steps.watchdog_ports import WatchdogPorts

log = logging.getLogger(__name__)

_MOST_A_SHARD = 500  # what is left is due at the next tick
_BATCH = 25
CONFIG_SYNC_MINUTES = 5
# A Lambda of a minute: a promise takes less than the twenty seconds that remain.
_SECONDS_FOR_PROMISES = 40.0
_UNTIL_MENDED = timedelta(hours=1)


class TickFailed(Exception):
    """Parts of the work failed, and not even that could be written down."""


@dataclass(frozen=True, slots=True)
class Ticked:
    """What one tick did."""

    handed_on: int  # runs, to the orchestrator
    promises: int  # looked at


@dataclass(slots=True)
class _Parts:
    """Which parts of this tick were tried, and which failed."""

    tried: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        self.tried.add(name)
        try:
            yield
        except CallFailed as error:
            self.failed.setdefault(name, str(error))
        except Exception as error:
            log.exception("part of the watchdog broke", extra={"part": name})
            self.failed.setdefault(name, f"{type(error).__name__}: {error}")


def tick(ports: WatchdogPorts, now: datetime) -> Ticked:
    """Repeatable: two at once, or one an hour late, find the rows as they are by now."""
    parts, until = _Parts(), ports.seconds() + _SECONDS_FOR_PROMISES
    due = _due(ports.control, parts, now)
    handed_on = _hand_on([run for run in due if isinstance(run, DueRun)], ports.functions, parts)
    if now.minute % CONFIG_SYNC_MINUTES == 0:
        with parts.part("config sync"):
            ports.functions.sync_configs()
    with parts.part("start of the sweep"):
        if is_due(ports.memory.sweep_pass(), now):
            ports.functions.sweep()
    promises = sorted((one for one in due if isinstance(one, DuePromise)), key=lambda one: one.due_at)
    looked_at = _keep_promises(promises, ports, parts, until, now)
    _tell(parts, ports.memory, now)
    return Ticked(handed_on, looked_at)


def _due(control: ControlTable, parts: _Parts, now: datetime) -> list[DueRun | DuePromise]:
    found: list[DueRun | DuePromise] = []
    for shard in range(DUE_SHARDS):
        with parts.part(f"due shard {shard}"):
            found += control.due(shard, now, _MOST_A_SHARD)
    return found


def _hand_on(due: list[DueRun], functions: Functions, parts: _Parts) -> int:
    """A row stays until the orchestrator moves it: a hand-over that is lost is repeated."""
    handed_on = 0
    due.sort(key=lambda run: run.due_at)
    for start in range(0, len(due), _BATCH):
        with parts.part("hand-over of runs"):
            batch = due[start : start + _BATCH]
            functions.orchestrate(batch)
            handed_on += len(batch)
    parts.tried.add("hand-over of runs")
    return handed_on


def _keep_promises(
    due: list[DuePromise], ports: WatchdogPorts, parts: _Parts, until: float, now: datetime
) -> int:
    """Oldest first. One that fails goes to the back of the queue, so that the others are not kept waiting for it."""
    configs, keeper = Configs(ports.control), KeeperPorts(ports.control, ports.machine)
    for number, one in enumerate(due):
        if ports.seconds() > until:
            log.warning("no time left", extra={"left": len(due) - number})
            return number
        name = _PART_OF[one.kind]
        with parts.part(name):
            _keep(one, configs, keeper, now)
            continue
        with suppress(CallFailed):
            ports.control.put_off(one, now)
    return len(due)


# As an alert names what is not watched over meanwhile.
_PART_OF = {
    PromiseKind.FIRE: "cron fires",
    PromiseKind.INCLUSION: "included dates",
    PromiseKind.TRIGGER: "triggers",
    PromiseKind.SLA: "SLA deadlines",
    PromiseKind.RELATIVE_SLA: "relative SLA deadlines",
    PromiseKind.POST_RUN: "postRun sensors",
}
_OF_KINDS = frozenset(_PART_OF.values())


def _keep(due: DuePromise, configs: Configs, ports: KeeperPorts, now: datetime) -> None:
    try:
        keep_promise(due, configs.of(due.key.pipeline_id), ports, now)
    except BadInput as problem:
        # Somebody wrote over its row, its run or its config: reading it each minute cannot help.
        ports.control.put_off(due, now + _UNTIL_MENDED)
        what = f"what {due.kind} of {due.key.date} depends on"
        report_bad_input(due.key.pipeline_id, what, problem, ports.control, now)


def _tell(parts: _Parts, memory: WatchdogMemory, now: datetime) -> None:
    # Of promises that are no longer due, none fails any more.
    worked = (parts.tried | _OF_KINDS) - parts.failed.keys()
    try:
        tell_degraded(parts.failed, worked, memory, now)
    except (CallFailed, Lost) as error:
        failed = "; ".join(f"{part}: {why}" for part, why in sorted(parts.failed.items()))
        raise TickFailed(
            f"{failed or 'nothing failed'}; and it could not be written down: {error}"
        ) from error

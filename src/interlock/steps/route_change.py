"""Every change in the control and joblog tables arrives here, in order per pipeline: what does it set going?"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from interlock.domain import announcement
from interlock.domain.bad_input import BadInput
from interlock.domain.pipeline import Pipeline
from interlock.domain.routing import (
    Announced,
    ConfigRemoved,
    DeadlineMoved,
    Fact,
    JobReported,
    RerunRequested,
    RunMoved,
    SensorWritten,
    SlotsFreed,
)
from interlock.domain.run import RunStatus
from interlock.ports import CallFailed, ControlTable, EventBus, JobLog, RerunLog, SlaMonitor, StateMachine
from interlock.steps.evaluate_readiness import cancel_waiting
from interlock.steps.job_end import settle
from interlock.steps.run_log import fields
from interlock.steps.wake_runs import sensor_written

log = logging.getLogger(__name__)

# Of a run whose execution never started nobody knows once its config is gone.
_UNWATCHED = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class RouterPorts:
    control: ControlTable
    joblog: JobLog
    reruns: RerunLog
    machine: StateMachine
    bus: EventBus
    sla_monitor: SlaMonitor


@dataclass(slots=True)
class Configs:
    """The configs of one batch: each pipeline's is read once, and only when a change matters to it."""

    control: ControlTable
    _read: dict[str, Pipeline | None] = field(default_factory=dict)

    def of(self, pipeline_id: str) -> Pipeline | None:
        if pipeline_id not in self._read:
            self._read[pipeline_id] = self.control.pipeline(pipeline_id)
        return self._read[pipeline_id]


def route_change(fact: Fact, configs: Configs, ports: RouterPorts, now: datetime) -> None:
    """Carry out what one change means. Raises what the stream should deliver again; `BadInput` what it should not."""
    match fact:
        case Announced(events=events):
            ports.bus.publish(events)
            for event in events:
                log.info(
                    "event published",
                    extra={
                        "pipeline": event.pipeline_id,
                        "date": event.date,
                        "attempt": event.attempt,
                        "event": event.type,
                    },
                )
        case SensorWritten(pipeline_id=pipeline_id):
            pipeline = configs.of(pipeline_id)
            if pipeline is not None:
                sensor_written(fact, pipeline, ports.control, ports.reruns, ports.machine, now)
        case JobReported(record=record):
            settle(record, ports.control, ports.machine, now)
        case RerunRequested(key=key):
            from interlock.steps.request_rerun import request_rerun  # people ask seldom

            request_rerun(fact, configs.of(key.pipeline_id), ports.control, ports.reruns, ports.machine, now)
        case RunMoved():
            if fact.status is RunStatus.SUCCEEDED or fact.rerun_accepted:
                _run_moved(fact, configs, ports, now)
        case SlotsFreed():
            from interlock.domain.pool import Ticket  # few pipelines have limits
            from interlock.steps.give_back_slots import give_back

            ticket = Ticket(fact.key, fact.attempt, fact.turn)
            give_back(ticket, fact.pools, ports.control, ports.machine, now)
        case DeadlineMoved(kind=kind, key=key):
            try:
                ports.sla_monitor.mirror_deadline(kind, key)
            except CallFailed as error:
                # The watchdog looks at the row when it is due, a tick late at most: nothing else waits for this.
                log.warning("deadline not mirrored", extra=fields(key, kind=str(kind), error=str(error)))
        case ConfigRemoved(pipeline_id=pipeline_id):
            _cancel_waiting_runs(pipeline_id, ports, now)


def _run_moved(moved: RunMoved, configs: Configs, ports: RouterPorts, now: datetime) -> None:
    """Its own pipeline first: a dependent that cannot be woken just now delays none of its verdicts."""
    # What follows a success is much, and not needed for a start that somebody waits for.
    from interlock.steps.run_moved import run_moved
    from interlock.steps.wake_dependents import wake_dependents

    succeeded = moved.status is RunStatus.SUCCEEDED
    try:
        pipeline = configs.of(moved.key.pipeline_id)
        if pipeline is not None:
            run_moved(moved, pipeline, ports.control, ports.reruns, ports.machine, now)
    except BadInput:
        # It will not be delivered again, and those that wait for the success can do nothing for this.
        if succeeded:
            wake_dependents(moved.key, ports.control, ports.machine, now)
        raise
    if succeeded:
        wake_dependents(moved.key, ports.control, ports.machine, now)


def report_bad_input(
    pipeline_id: str, what: str, problem: BadInput, control: ControlTable, written_at: datetime
) -> None:
    """Say that something from outside could not be read: each problem once a day, to its own pipeline alone."""
    told = announcement.input_invalid(what, str(problem), written_at, None)
    fact = f"{written_at.date()} {str(problem)[:300]}"
    control.notice(pipeline_id, f"SENSOR_INVALID#{what[:300]}", fact, told)
    log.warning("bad input", extra={"pipeline": pipeline_id, "input": what[:300], "problem": str(problem)})


def _cancel_waiting_runs(pipeline_id: str, ports: RouterPorts, now: datetime) -> None:
    """Those that have a check row, and those of the last days that may have lost theirs: nobody looks at them again."""
    if ports.control.pipeline(pipeline_id) is not None:
        return  # put back meanwhile
    keys = {due.key for due in ports.control.due_runs_of(pipeline_id)}
    for schedule_id in ("cron", "stream"):
        after = f"{(now - _UNWATCHED).date()}"
        keys |= {run.key for run in ports.control.recent_rows(pipeline_id, schedule_id, after).runs}
    for key in sorted(keys):
        run = ports.control.run(key)
        if run is not None and run.status is RunStatus.WAITING:
            cancel_waiting(run, ports.control, ports.machine, now)

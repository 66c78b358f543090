"""The orchestrator's turn for the watchdog: look at runs whose time has come. Each run alone; one that fails harms no other."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from interlock.domain.bad_input import BadInput
from interlock.domain.overdue import GRACE
from interlock.domain.pipeline import Pipeline
from interlock.domain.routing import fires_of_date
from interlock.domain.run import Run, RunStatus
from interlock.ports import CallFailed, DueRun
from interlock.steps.await_job import poll_job
from interlock.steps.close_stale_run import close_stale_run, why_stale
from interlock.steps.dry_run import complete_dry_run
from interlock.steps.evaluate_readiness import CONFIG_REMOVED, cancel_waiting, let_go
from interlock.steps.find_met_trigger import WAITS_FOR_RECORD, find_met_trigger, recover_trigger
from interlock.steps.fire_cron import WAITS_FOR_FIRE, fire_cron
from interlock.steps.give_back_slots import reclaim
from interlock.steps.run_log import fields
from interlock.steps.task import OrchestratorPorts
from interlock.steps.wake_runs import wake_run

log = logging.getLogger(__name__)

_UNTIL_MENDED = timedelta(hours=1)


class ChecksFailed(Exception):
    """Some runs could not be looked at; their ledger rows stand, so a later tick tries again."""


def check_runs(due_runs: Sequence[DueRun], ports: OrchestratorPorts, now: datetime) -> None:
    """Raises `ChecksFailed` after all have had their turn."""
    failed: list[str] = []
    for due in due_runs:
        try:
            _check_run(due, ports, now)
        except Exception as error:
            log.exception("run could not be checked", extra=fields(due.key))
            if not isinstance(error, BadInput):
                # Behind the others that are due: those that keep failing must not be all that is ever looked at.
                with suppress(CallFailed):
                    ports.control.promise(replace(due, due_at=now))
            failed.append(f"{due.key.pipeline_id} {due.key.date}: {error}"[:300])
    if failed:
        raise ChecksFailed("; ".join(failed[:10]))


def _check_run(due: DueRun, ports: OrchestratorPorts, now: datetime) -> None:
    try:
        _look_at(due, ports, now)
    except BadInput:
        # Somebody wrote over the run or its config: until that is mended, each minute's look would fail alike.
        ports.control.promise(replace(due, due_at=now + _UNTIL_MENDED))
        raise


def _look_at(due: DueRun, ports: OrchestratorPorts, now: datetime) -> None:
    run = ports.control.run(due.key)
    if run is None and due.waits_for == WAITS_FOR_FIRE:
        _fire(due, ports, now)
    elif run is None and due.waits_for == WAITS_FOR_RECORD:
        _recover(due, ports, now)
    elif run is not None and run.status is RunStatus.CANCELLED:
        let_go(run, CONFIG_REMOVED, ports.control, ports.machine)  # whoever cancelled it died
    elif run is None or run.status in (RunStatus.SUCCEEDED, RunStatus.FAILED):
        ports.control.keep(due.key)
    elif run.status is RunStatus.RUNNING and run.dry_run:
        pipeline = ports.control.pipeline(due.key.pipeline_id)
        complete_dry_run(run, pipeline, ports.control, now)
    elif run.status is RunStatus.RUNNING:
        why = why_stale(run, due, now)
        if why is not None:
            close_stale_run(run, why, ports, now)
        else:
            poll_job(run, due.tries, ports, now)
    else:
        pipeline = ports.control.pipeline(due.key.pipeline_id)
        if pipeline is None and run.status is RunStatus.WAITING and run.may_have_started:
            _see_through(run, due, ports, now)
        elif pipeline is None and run.status is RunStatus.WAITING:
            cancel_waiting(run, ports.control, ports.machine, now)
        elif pipeline is None:
            let_go(run, CONFIG_REMOVED, ports.control, ports.machine)
        else:
            _wake(run, due, pipeline, ports, now)


def _see_through(run: Run, due: DueRun, ports: OrchestratorPorts, now: datetime) -> None:
    """Its config is gone, and its job may exist: StartJob's next try finds out, or nobody will."""
    why = why_stale(run, due, now)
    if why is not None:
        close_stale_run(run, why, ports, now)
    else:
        ports.control.promise(replace(due, due_at=now + GRACE), run)


def _fire(due: DueRun, ports: OrchestratorPorts, now: datetime) -> None:
    """`start: all`, its trigger came before; opened, the run has a check row of its own in the place of this one."""
    pipeline = ports.control.pipeline(due.key.pipeline_id)
    for fire in fires_of_date(pipeline, due.key.date)[:1] if pipeline is not None else []:
        fire_cron(due.key.pipeline_id, fire, ports.control, ports.machine, now)
    if ports.control.run(due.key) is None:
        ports.control.keep(due.key)


def _recover(due: DueRun, ports: OrchestratorPorts, now: datetime) -> None:
    """The sweep saw a trigger that was met; by now its record would have come."""
    control, pipeline = ports.control, ports.control.pipeline(due.key.pipeline_id)
    if pipeline is not None:
        seen = find_met_trigger(pipeline, due.key, control, now)
        if seen.met:
            recover_trigger(pipeline, due.key, seen, control, ports.machine, now)
    if control.run(due.key) is None:
        control.keep(due.key)


def _wake(run: Run, due: DueRun, pipeline: Pipeline, ports: OrchestratorPorts, now: datetime) -> None:
    why = why_stale(run, due, now) if run.status is RunStatus.WAITING and not run.dry_run else None
    if run.status is RunStatus.WAITING and run.pools:
        reclaim(run, ports.control, ports.machine, now)
    try:
        following = wake_run(due.key, pipeline, ports.control, ports.machine, now)
    except CallFailed:
        if why is None:
            raise
        following = due
    if following is not None and why is not None:
        close_stale_run(run, why, ports, now)
    elif following is not None:
        ports.control.promise(following, run)

"""Somebody asks for a partition to be run (again): accept or reject it, say so, and forget the request."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from interlock.domain import announcement, dry_run_wording
from interlock.domain.missing import missing_lines
from interlock.domain.pipeline import Pipeline, rule_sensors, upstream_rules
from interlock.domain.readiness import evaluate_readiness
from interlock.domain.rerun import RerunDecision, decide_rerun, rerun_number
from interlock.domain.routing import RerunRequested
from interlock.domain.run import Run, RunKey, RunStatus, announcing, for_real, opened, reopened
from interlock.domain.sensor import candidate_keys, select_reading
from interlock.ports import ControlTable, Lost, RerunLog, StateMachine
from interlock.steps.open_run import end_asleep, exclusion_of, start_execution
from interlock.steps.people_alarmed import people_were_alarmed
from interlock.steps.read_upstreams import questions_of
from interlock.steps.run_log import fields

log = logging.getLogger(__name__)

_OPEN = (RunStatus.WAITING, RunStatus.RUNNING)


def request_rerun(
    asked: RerunRequested,
    pipeline: Pipeline | None,
    control: ControlTable,
    reruns: RerunLog,
    machine: StateMachine,
    now: datetime,
) -> None:
    """The row goes once it is decided; a redelivery that finds it gone, or finds its own rerun, asks for nothing."""
    if control.rerun_request(asked.key) is None:
        run = control.run(asked.key)
        if run is not None and run.last_request == asked.request_id:
            start_execution(run, control, machine, now)
        return
    if pipeline is None:
        decision = RerunDecision(False, "there is no pipeline of this id")
        _reject(asked, None, pipeline, decision, control, now)
    elif asked.key.schedule_id != pipeline.schedule_id:
        decision = RerunDecision(
            False, f"its schedule is {pipeline.schedule_id!r}, not {asked.key.schedule_id!r}"
        )
        _reject(asked, None, pipeline, decision, control, now)
    else:
        _decide(asked, pipeline, control, reruns, machine, now)


def _decide(
    asked: RerunRequested,
    pipeline: Pipeline,
    control: ControlTable,
    reruns: RerunLog,
    machine: StateMachine,
    now: datetime,
) -> None:
    names = [name for sensor in rule_sensors(pipeline) for name in candidate_keys(sensor, asked.key.date)]
    upstreams = questions_of(pipeline, upstream_rules(pipeline), asked.key.date, control).rows
    run, found, seen = control.snapshot_with_runs(asked.key, names, upstreams)
    if run is not None and run.last_request == asked.request_id:
        # Accepted before; an earlier delivery died on the way. After its rerun has ended the row is that of an equal
        # one, put since.
        if pipeline.dry_run or run.status in _OPEN:
            _forget(asked, control)
        start_execution(run, control, machine, now)
        return
    readings = {sensor: select_reading(sensor, asked.key.date, found) for sensor in rule_sensors(pipeline)}
    readiness = evaluate_readiness(pipeline.validation, readings, now)
    excluded = exclusion_of(pipeline, asked.key.date, control)
    # What only observed has not run: its success and what it used of the budget say nothing of a real run.
    only_observed = run is not None and run.dry_run and not pipeline.dry_run and run.status not in _OPEN
    ran = None if only_observed else run
    decision = decide_rerun(
        ran, pipeline.job, excluded, readings, readiness, seen.values(), force=asked.force, now=now
    )
    if decision.accepted and control.was_noticed(
        asked.key.pipeline_id, _rejection(asked.key), asked.request_id
    ):
        _forget(asked, control)  # it was told so by a delivery that died before it could
    elif decision.accepted and pipeline.dry_run:
        _observe(asked, run, decision, control, now)
    elif decision.accepted:
        _accept(asked, run, pipeline, decision, control, reruns, machine, now)
    else:
        _reject(asked, run, pipeline, decision, control, now)


def _forget(asked: RerunRequested, control: ControlTable) -> None:
    """Before the execution is started: a row that outlived its rerun would swallow the next equal request.

    For a put that changes nothing has no stream record.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
    """
    control.forget_rerun_request(asked.key, asked.attributes)


def _accept(
    asked: RerunRequested,
    run: Run | None,
    pipeline: Pipeline,
    decision: RerunDecision,
    control: ControlTable,
    reruns: RerunLog,
    machine: StateMachine,
    now: datetime,
) -> None:
    window = pipeline.schedule.evaluation.window
    detail = _detail(asked) | {"decision": decision.reason}
    if run is None:
        again = opened(asked.key, "rerun", now, window)
        told = (
            announcement.run_opened(again, "a rerun was requested"),
            announcement.rerun_accepted(again, detail, now),
        )
        again = replace(again, events=told, last_request=asked.request_id)
    else:
        fresh: dict[str, Any] = {"retries": 0, "code_retries": 0, "manual_reruns": run.manual_reruns + 1}
        fresh |= for_real(run)
        again = reopened(run, now, window, opened_by="rerun", last_request=asked.request_id, **fresh)
        again = replace(again, events=(announcement.rerun_accepted(again, detail, now),))
    # A rerun starts the clock of a relative SLA anew: of what the one before it said, only the run's row knows then.
    again = replace(again, alerted=again.alerted or people_were_alarmed(again, pipeline, control))
    number = rerun_number(again)
    reruns.put(asked.key, number, "manual", asked.reason, asked.requested_by, now)
    if run is not None:
        end_asleep(run, "the run begins anew", machine)
    try:
        if run is None:
            control.open_run(again)
        else:
            again = control.move(run, again)
    except Lost as lost:
        # Somebody opened or reopened it just now: the next delivery decides on the run as it stands then.
        raise RerunRaced(f"{asked.key}: the run moved while its rerun was decided") from lost
    log.info("rerun accepted", extra=fields(again, reason=asked.reason))
    _forget(asked, control)
    start_execution(again, control, machine, now)


class RerunRaced(Exception):
    """The run moved while the request was decided; the record is delivered again."""


def _observe(
    asked: RerunRequested, run: Run | None, decision: RerunDecision, control: ControlTable, now: datetime
) -> None:
    """A pipeline that only observes: it uses the budget as a rerun would, and opens nothing."""
    told = dry_run_wording.would_rerun(run.attempt if run else None, decision.reason, _detail(asked), now)
    if run is None:
        subject = f"DRY_RUN_WOULD_RERUN#{asked.key.schedule_id}#{asked.key.date}"
        control.notice(asked.key.pipeline_id, subject, asked.request_id, told, asked.key)
        _forget(asked, control)
        return
    used = {"manual_reruns": run.manual_reruns + 1, "retries": 0, "code_retries": 0}
    try:
        control.move(run, announcing(run, [told], last_request=asked.request_id, **used))
    except Lost as lost:
        raise RerunRaced(f"{asked.key}: the run moved while its rerun was decided") from lost
    log.info("dry run: a rerun would be accepted", extra=fields(run, reason=asked.reason))
    _forget(asked, control)


def _reject(
    asked: RerunRequested,
    run: Run | None,
    pipeline: Pipeline | None,
    decision: RerunDecision,
    control: ControlTable,
    now: datetime,
) -> None:
    attempt = run.attempt if run else None
    detail = _detail(asked) | _explained(run, pipeline, decision, now)
    told = announcement.rerun_rejected(pipeline, attempt, decision.reason, detail, now)
    if pipeline is not None and pipeline.dry_run:
        told = dry_run_wording.rerun_rejected(attempt, decision.reason, _detail(asked), now)
    control.notice(asked.key.pipeline_id, _rejection(asked.key), asked.request_id, told, asked.key)
    if run is not None and not run.alerted:
        with suppress(Lost):  # it has moved on
            control.note(run, replace(run, alerted=True))
    log.info("rerun rejected", extra=fields(run or asked.key, reason=decision.reason))
    _forget(asked, control)


def _rejection(key: RunKey) -> str:
    return f"RERUN_REJECTED#{key.schedule_id}#{key.date}"


def _explained(
    run: Run | None, pipeline: Pipeline | None, decision: RerunDecision, now: datetime
) -> dict[str, Any]:
    """What would have to change; of a run that waits, what it waits for."""
    lines = [decision.way_out] if decision.way_out else []
    if run is not None and pipeline is not None and run.status is RunStatus.WAITING:
        lines += missing_lines(pipeline, run.key.date, run.verdicts, now)
    return {"explanation": lines} if lines else {}


def _detail(asked: RerunRequested) -> dict[str, Any]:
    return {
        "reason": asked.reason,
        "requestedBy": asked.requested_by,
        "force": asked.force,
        "source": "manual",
    }

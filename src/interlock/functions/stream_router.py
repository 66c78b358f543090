"""stream-router: table streams, cron fires, job state-change events and alarms, told apart by their shape."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from interlock.aws.keys import pipeline_of
from interlock.aws.observability import count
from interlock.aws.read_change import read_change
from interlock.aws.stream import each_record
from interlock.domain.bad_input import BadInput
from interlock.domain.change import Change
from interlock.domain.plain_text import parse_instant
from interlock.domain.routing import Announced
from interlock.steps.route_change import Configs, RouterPorts, report_bad_input, route_change

log = logging.getLogger(__name__)

CRON_SOURCE = "interlock.cron"
_YEARS = range(2000, 3000)


class UnknownInvocation(ValueError):
    """Neither a stream batch, nor a cron fire, nor an EventBridge event."""


def stream_router(event: Mapping[str, Any], ports: RouterPorts, now: datetime) -> dict[str, Any]:
    """The partial batch answer for a stream; an empty one else."""
    if "Records" in event:
        configs = Configs(ports.control)
        return each_record(event, lambda change: _route(change, configs, ports, now))
    if event.get("source") == CRON_SOURCE:
        _fire(event, ports, now)
    elif "detail-type" in event:
        _aws_event(event, ports, now)
    else:
        raise UnknownInvocation(
            f"neither Records, a cron fire nor an event; keys are {sorted(map(str, event))[:10]}"
        )
    return {}


def _route(change: Change, configs: Configs, ports: RouterPorts, now: datetime) -> None:
    try:
        for fact in read_change(change):
            route_change(fact, configs, ports, now)
            if isinstance(fact, Announced):
                for announced in fact.events:
                    count("EventPublished", type=str(announced.type))
    except BadInput as problem:
        # Reading it again cannot help: its own pipeline is told, and the batch goes on.
        count("BadInput")
        pipeline_id = pipeline_of(change.partition_key) or "-"
        report_bad_input(pipeline_id, change.sort_key, problem, ports.control, change.at)


def _fire(event: Mapping[str, Any], ports: RouterPorts, now: datetime) -> None:
    from interlock.steps.fire_cron import fire_cron  # as below

    scheduled_at = _instant(event.get("scheduledAt"), now)
    fire_cron(str(event.get("pipelineId")), scheduled_at, ports.control, ports.machine, now)


def _aws_event(event: Mapping[str, Any], ports: RouterPorts, now: datetime) -> None:
    """What AWS services tell on the default bus: alarms that went off, jobs and our own executions that ended."""
    # A container starts for the streams, as a rule: what these few need is not loaded for them.
    from interlock.aws.alarm_event import infra_alarm
    from interlock.aws.execution_event import own_end
    from interlock.steps.close_stale_run import execution_ended
    from interlock.steps.job_event import job_ended
    from interlock.steps.report_alarm import report_alarm
    from interlock.triggers.state_events import InvalidStateEvent, remote_end

    alarm = infra_alarm(event)
    if alarm is not None:
        report_alarm(alarm, ports.bus)
        count("EventPublished", type=str(alarm.type))
        return
    ours = own_end(event, ports.machine.owns)
    if ours is not None:
        execution_ended(ours.name, ours.status, ours.input, ports.control, now)
        return
    try:
        end = remote_end(event)
    except InvalidStateEvent as problem:
        # Of anybody's job. Delivered again it would say the same; if the job is ours, the poll learns how it stands.
        count("BadStateEvent")
        log.warning("job event not understood", extra={"problem": str(problem)[:300], "id": event.get("id")})
        return
    if end is not None:
        # The event's own time: delivered twice, it is the same record.
        at = _instant(event.get("time"), now)
        job_ended(end.job_type, end.remote_id, end.outcome, at, ports.control, ports.joblog, ports.machine)


def _instant(text: Any, otherwise: datetime) -> datetime:
    """What AWS says of itself is of these years; with another no calendar could go on reckoning."""
    at = parse_instant(text)
    return at if at is not None and at.year in _YEARS else otherwise

"""Stream router: every change in the control and joblog tables, every cron fire, every job's end arrives here."""

import os
from datetime import UTC, datetime
from functools import cache
from typing import Any

from interlock.aws.clients import clients
from interlock.aws.control_table import DynamoControlTable
from interlock.aws.dynamo_table import DynamoTable
from interlock.aws.event_bus import EventBridgeBus
from interlock.aws.functions import LambdaSlaMonitor
from interlock.aws.job_log import DynamoJobLog
from interlock.aws.observability import configure_logging
from interlock.aws.rerun_log import DynamoRerunLog
from interlock.aws.state_machine import StepFunctionsMachine
from interlock.functions.stream_router import stream_router
from interlock.settings.stream_router import StreamRouterSettings
from interlock.steps.route_change import RouterPorts

configure_logging(os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "stream-router"))


@cache  # once per container; importing this file touches nothing
def ports() -> RouterPorts:
    settings = StreamRouterSettings.from_env(os.environ)
    dynamodb = clients("dynamodb")
    return RouterPorts(
        control=DynamoControlTable(DynamoTable(dynamodb, settings.control_table)),
        joblog=DynamoJobLog(DynamoTable(dynamodb, settings.joblog_table)),
        reruns=DynamoRerunLog(DynamoTable(dynamodb, settings.rerun_table)),
        machine=StepFunctionsMachine(clients("stepfunctions"), settings.state_machine_arn),
        bus=EventBridgeBus(clients("events"), settings.event_bus_name),
        sla_monitor=LambdaSlaMonitor(clients("lambda"), settings.sla_monitor_arn),
    )


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return stream_router(event, ports(), datetime.now(UTC))

"""Watchdog: one tick a minute."""

import os
import time
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from interlock.aws.clients import clients
from interlock.aws.control_table import DynamoControlTable
from interlock.aws.dynamo_table import DynamoTable
from interlock.aws.event_bus import EventBridgeBus
from interlock.aws.event_store import DynamoEventStore
from interlock.aws.functions import LambdaFunctions
from interlock.aws.observability import configure_logging
from interlock.aws.state_machine import StepFunctionsMachine
from interlock.aws.watchdog_memory import DynamoWatchdogMemory
from interlock.functions.watchdog import watchdog
from interlock.settings.watchdog import WatchdogSettings
from interlock.steps.watchdog_ports import WatchdogPorts

configure_logging(os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "watchdog"))


@cache  # once per container; importing this file touches nothing
def ports() -> WatchdogPorts:
    settings = WatchdogSettings.from_env(os.environ)
    control = DynamoTable(clients("dynamodb"), settings.control_table)
    events = DynamoTable(clients("dynamodb"), settings.events_table)
    return WatchdogPorts(
        control=DynamoControlTable(control),
        functions=LambdaFunctions(
            clients("lambda"), settings.orchestrator_arn, settings.config_sync_arn, settings.watchdog_arn
        ),
        machine=StepFunctionsMachine(clients("stepfunctions"), settings.state_machine_arn),
        memory=DynamoWatchdogMemory(control),
        bus=EventBridgeBus(clients("events"), settings.event_bus_name),
        # It only looks what is stored: how long that is kept is the event sink's affair.
        store=DynamoEventStore(events, timedelta(0)),
        seconds=time.monotonic,
    )


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return watchdog(event, ports(), datetime.now(UTC))

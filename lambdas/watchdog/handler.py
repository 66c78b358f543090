"""Watchdog: one tick a minute."""

import os
from datetime import UTC, datetime
from functools import cache
from typing import Any

from interlock.aws.clients import clients
from interlock.aws.control_table import DynamoControlTable
from interlock.aws.dynamo_table import DynamoTable
from interlock.aws.functions import LambdaFunctions
from interlock.aws.observability import configure_logging
from interlock.functions.watchdog import watchdog
from interlock.settings import WatchdogSettings
from interlock.steps.sweep_due import WatchdogPorts

configure_logging(os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "watchdog"))


@cache  # once per container; importing this file touches nothing
def ports() -> WatchdogPorts:
    settings = WatchdogSettings.from_env(os.environ)
    return WatchdogPorts(
        control=DynamoControlTable(DynamoTable(clients("dynamodb"), settings.control_table)),
        functions=LambdaFunctions(clients("lambda"), settings.orchestrator_arn, settings.config_sync_arn),
    )


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return watchdog(event, ports(), datetime.now(UTC))

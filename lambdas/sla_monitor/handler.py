"""SLA monitor: an SLA's promise moved, or its time has come."""

import os
from datetime import UTC, datetime
from functools import cache
from typing import Any

from interlock.aws.clients import clients
from interlock.aws.control_table import DynamoControlTable
from interlock.aws.deadline_schedules import SchedulerDeadlines
from interlock.aws.dynamo_table import DynamoTable
from interlock.aws.observability import configure_logging
from interlock.functions.sla_monitor import sla_monitor
from interlock.settings.sla_monitor import SlaMonitorSettings
from interlock.steps.mirror_deadline import SlaMonitorPorts

configure_logging(os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "sla-monitor"))


@cache  # once per container; importing this file touches nothing
def ports() -> SlaMonitorPorts:
    settings = SlaMonitorSettings.from_env(os.environ)
    return SlaMonitorPorts(
        control=DynamoControlTable(DynamoTable(clients("dynamodb"), settings.control_table)),
        deadlines=SchedulerDeadlines(
            clients("scheduler"),
            settings.scheduler_group_name,
            settings.scheduler_role_arn,
            settings.sla_monitor_arn,
        ),
    )


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return sla_monitor(event, ports(), datetime.now(UTC))

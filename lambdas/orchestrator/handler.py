"""Orchestrator: the state machine's steps, and the runs that the watchdog hands over."""

import os
from datetime import UTC, datetime
from functools import cache
from typing import Any

from interlock.aws.clients import clients
from interlock.aws.control_table import DynamoControlTable
from interlock.aws.dynamo_table import DynamoTable
from interlock.aws.job_log import DynamoJobLog
from interlock.aws.observability import configure_logging
from interlock.aws.secrets import SecretsManager
from interlock.aws.state_machine import StepFunctionsMachine
from interlock.functions.orchestrator import orchestrator
from interlock.settings.orchestrator import OrchestratorSettings
from interlock.steps.task import OrchestratorPorts
from interlock.triggers.production import job_triggers

configure_logging(os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "orchestrator"))


@cache  # once per container; importing this file touches nothing
def ports() -> OrchestratorPorts:
    settings = OrchestratorSettings.from_env(os.environ)
    dynamodb = clients("dynamodb")
    return OrchestratorPorts(
        control=DynamoControlTable(DynamoTable(dynamodb, settings.control_table)),
        joblog=DynamoJobLog(DynamoTable(dynamodb, settings.joblog_table)),
        machine=StepFunctionsMachine(clients("stepfunctions"), settings.state_machine_arn),
        triggers=job_triggers(
            clients.session,
            allowed_private_cidrs=settings.allowed_private_cidrs.split(",")
            if settings.allowed_private_cidrs
            else (),
            allowed_commands=settings.allowed_commands,
        ),
        secrets=SecretsManager(clients("secretsmanager"), os.environ),
    )


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return orchestrator(event, ports(), datetime.now(UTC))

"""Config sync: brings the stored configs in step with the YAML files in the bucket."""

import os
from datetime import UTC, datetime
from functools import cache
from typing import Any

from interlock.aws.clients import clients
from interlock.aws.config_ledger import DynamoConfigLedger
from interlock.aws.config_source import S3Configs
from interlock.aws.control_table import DynamoControlTable
from interlock.aws.cron_schedules import SchedulerCron
from interlock.aws.dynamo_table import DynamoTable
from interlock.aws.observability import configure_logging
from interlock.functions.config_sync import config_sync
from interlock.settings.config_sync import ConfigSyncSettings
from interlock.steps.sync_configs import ConfigSyncPorts

configure_logging(os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "config-sync"))


@cache  # once per container; importing this file touches nothing
def ports() -> ConfigSyncPorts:
    settings = ConfigSyncSettings.from_env(os.environ)
    table = DynamoTable(clients("dynamodb"), settings.control_table)
    return ConfigSyncPorts(
        source=S3Configs(clients("s3"), settings.config_bucket, settings.config_prefix),
        ledger=DynamoConfigLedger(table),
        control=DynamoControlTable(table),
        schedules=SchedulerCron(
            clients("scheduler"),
            settings.scheduler_group_name,
            settings.scheduler_role_arn,
            settings.stream_router_arn,
        ),
    )


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return config_sync(event, ports(), datetime.now(UTC))

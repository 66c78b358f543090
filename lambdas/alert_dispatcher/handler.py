"""Alert dispatcher: what people must know comes from a queue, and goes to Slack or a webhook."""

import os
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from interlock.alerts import channel_of
from interlock.aws.alert_queue import SqsAlertQueue
from interlock.aws.clients import clients
from interlock.aws.dynamo_table import DynamoTable
from interlock.aws.event_store import DynamoEventStore
from interlock.aws.observability import configure_logging
from interlock.aws.queue import BatchResponse
from interlock.aws.secrets import SecretsManager
from interlock.functions.alert_dispatcher import DispatcherPorts, alert_dispatcher
from interlock.settings.alert_dispatcher import AlertDispatcherSettings

configure_logging(os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "alert-dispatcher"))


@cache  # once per container; importing this file touches nothing
def ports() -> DispatcherPorts:
    settings = AlertDispatcherSettings.from_env(os.environ)
    secrets = SecretsManager(clients("secretsmanager"), os.environ)

    def secret(anew: bool) -> str:
        return (
            secrets.reread(settings.alert_secret_arn) if anew else secrets.secret(settings.alert_secret_arn)
        )

    return DispatcherPorts(
        store=DynamoEventStore(
            DynamoTable(clients("dynamodb"), settings.events_table),
            timedelta(days=int(settings.events_ttl_days)),
        ),
        channel=channel_of(settings, secret),
        queue=SqsAlertQueue(clients("sqs"), settings.alert_queue_url),
    )


def handler(event: dict[str, Any], _context: object) -> BatchResponse:
    return alert_dispatcher(event, ports(), datetime.now(UTC))

"""Event sink: every event on the bus arrives here, to be kept."""

import os
from datetime import timedelta
from functools import cache
from typing import Any

from interlock.aws.clients import clients
from interlock.aws.dynamo_table import DynamoTable
from interlock.aws.event_store import DynamoEventStore
from interlock.aws.observability import configure_logging
from interlock.functions.event_sink import event_sink
from interlock.settings.event_sink import EventSinkSettings

configure_logging(os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "event-sink"))


@cache  # once per container; importing this file touches nothing
def store() -> DynamoEventStore:
    settings = EventSinkSettings.from_env(os.environ)
    kept_for = timedelta(days=int(settings.events_ttl_days))
    return DynamoEventStore(DynamoTable(clients("dynamodb"), settings.events_table), kept_for)


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return event_sink(event, store())

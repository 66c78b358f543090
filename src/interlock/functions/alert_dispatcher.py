"""alert-dispatcher: a batch of queued events, told to people in the order in which they happened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from interlock.aws.delivered_event import delivered_event
from interlock.aws.queue import BatchResponse, Message, each_message
from interlock.ports import AlertChannel, AlertQueue, EventStore
from interlock.steps.deliver_alert import AlertDelivery, QueuedEvent


class NotFromTheBus(ValueError):
    """The message is not an event as EventBridge writes it."""


@dataclass(frozen=True, slots=True)
class DispatcherPorts:
    store: EventStore
    channel: AlertChannel
    queue: AlertQueue


def alert_dispatcher(event: Mapping[str, Any], ports: DispatcherPorts, now: datetime) -> BatchResponse:
    """The partial batch answer: every message that is not delivered yet."""
    delivery = AlertDelivery(ports.store, ports.channel, ports.queue, now)
    return each_message(event, _queued_event, delivery.deliver, order=lambda queued: queued.event.at)


def _queued_event(message: Message) -> QueuedEvent:
    try:
        envelope = json.loads(message.body)
    except (ValueError, RecursionError) as error:
        raise NotFromTheBus(f"no JSON: {type(error).__name__}") from None
    if not isinstance(envelope, Mapping):
        raise NotFromTheBus(f"a JSON {type(envelope).__name__}, not an object")
    return QueuedEvent(delivered_event(envelope), message.receipt, message.receives)

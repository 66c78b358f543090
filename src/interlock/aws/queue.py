"""Batches of SQS messages as Lambda delivers them, and the partial answer that Lambda expects."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

log = logging.getLogger(__name__)

Read = TypeVar("Read")
BatchResponse = dict[str, list[dict[str, str]]]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a standard queue."""

    id: str
    body: str
    receipt: str
    receives: int  # how often it was received, from 1


def each_message(
    event: Mapping[str, Any],
    read: Callable[[Message], Read],
    handle: Callable[[Read], None],
    order: Callable[[Read], Any],
) -> BatchResponse:
    """Read all messages, then handle them in the order of `order`; answer with every one that failed at either.

    Messages of a standard queue are independent of each other. One that cannot be read comes back too: the queue
    counts its receives and moves it to the dead-letter queue, where an alarm sees it.
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
    """
    failed: list[str] = []
    readable: list[tuple[str, Read]] = []
    for message in map(_message, event["Records"]):
        try:
            readable.append((message.id, read(message)))
        except Exception:
            log.exception("message unreadable", extra={"message_id": message.id})
            failed.append(message.id)
    for message_id, content in sorted(readable, key=lambda pair: order(pair[1])):
        try:
            handle(content)
        except Exception:
            log.exception("message failed", extra={"message_id": message_id})
            failed.append(message_id)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _message(record: Mapping[str, Any]) -> Message:
    receives = int(record["attributes"]["ApproximateReceiveCount"])
    return Message(record["messageId"], record["body"], record["receiptHandle"], receives)

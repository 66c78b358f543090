"""The queue between the event bus and the alert dispatcher: what is not dealt with becomes visible again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from interlock.simulation.clock import VirtualClock
from interlock.simulation.deliveries import Deliveries
from interlock.simulation.invocations import DELIVERY, FunctionFailed
from interlock.simulation.our_calls import OurCalls
from interlock.simulation.scenario import Channel

# As deployed.
BATCH_SIZE = 10
VISIBILITY_SECONDS = 90
MOST_RECEIVES = 20  # then it is dead-lettered

Deliver = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass(slots=True, eq=False)
class _Message:
    number: int
    body: str
    pipeline_id: str | None
    copy: int = 1  # a standard queue may hold a message twice
    receives: int = 0
    received_at: datetime | None = None
    hidden_until: datetime | None = None  # as the function asked; else the visibility time-out counts

    @property
    def receipt(self) -> str:
        return f"receipt-{self.number}-{self.copy}-{self.receives}"


@dataclass(slots=True)
class SimulatedQueue:
    """A standard SQS queue that feeds one function."""

    clock: VirtualClock
    calls: OurCalls
    deliveries: Deliveries
    deliver: Deliver  # raises FunctionFailed
    _visible: list[_Message] = field(default_factory=list)
    _in_flight: dict[str, _Message] = field(default_factory=dict)  # by receipt
    _sent: int = 0
    _scheduled: bool = False
    _held: int = 0

    @property
    def waiting(self) -> int:
        """Messages that nobody has dealt with yet."""
        return self._held

    def send(self, body: str, pipeline_id: str | None) -> None:
        """EventBridge puts a message: no call of ours."""
        self._sent += 1
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues-at-least-once-delivery.html
        for copy, at in enumerate(self.deliveries.instants(Channel.QUEUE, pipeline_id), 1):
            self._held += 1
            self._show_at(at, _Message(self._sent, body, pipeline_id, copy))

    def change_message_visibility(
        self, *, ReceiptHandle: str, VisibilityTimeout: int, **_: Any
    ) -> dict[str, Any]:
        """As boto3's client has it."""
        message = self._in_flight.get(ReceiptHandle)
        with self.calls.calling(
            "sqs.ChangeMessageVisibility", None if message is None else message.pipeline_id
        ):
            if message is not None:
                message.hidden_until = self.clock.now() + timedelta(seconds=VisibilityTimeout)
        return {}

    def _show_at(self, at: datetime, message: _Message) -> None:
        if at <= self.clock.now():
            self._show(message)
        else:
            # With its priority, messages that appear at one instant are received together.
            self.clock.at(at, DELIVERY, lambda: self._show(message))

    def _show(self, message: _Message) -> None:
        self._visible.append(message)
        if not self._scheduled:
            self._scheduled = True
            self.clock.at(self.clock.now(), DELIVERY, self._receive)

    def _receive(self) -> None:
        batch = _batch_of(self._visible)
        behind = [message for message in self._visible if message not in batch]
        self._visible, self._scheduled = [], False
        for message in behind:  # others are received while these are dealt with
            self._show(message)
        for message in batch:
            message.receives += 1
            message.received_at, message.hidden_until = self.clock.now(), None
            self._in_flight[message.receipt] = message
        failed = self._failed_of(batch)
        for message in batch:
            del self._in_flight[message.receipt]
            if _id(message) in failed:
                self._hide(message)
            else:
                self._held -= 1

    def _failed_of(self, batch: list[_Message]) -> set[str]:
        """The ids of what was not dealt with."""
        try:
            answer = self.deliver({"Records": [_record(message) for message in batch]})
        except FunctionFailed:
            return {_id(message) for message in batch}
        return {str(failure.get("itemIdentifier")) for failure in answer.get("batchItemFailures", ())}

    def _hide(self, message: _Message) -> None:
        if message.receives >= MOST_RECEIVES:
            self._held -= 1
            body, pipeline = message.body, message.pipeline_id
            self.deliveries.give_up(
                "an alert is dead-lettered", body, lambda: self.send(body, pipeline), pipeline
            )
            return
        now = self.clock.now()
        # It counts from when the message was received, not from when the function gave it up.
        seen = (message.received_at or now) + timedelta(seconds=VISIBILITY_SECONDS)
        until = max(now, message.hidden_until or seen)
        self.clock.at(until, DELIVERY, lambda: self._show(message))


def _batch_of(visible: list[_Message]) -> list[_Message]:
    """The first, and no message twice: which of them failed could not be said."""
    first: dict[str, _Message] = {}
    for message in visible:
        first.setdefault(_id(message), message)
    return list(first.values())[:BATCH_SIZE]


def _id(message: _Message) -> str:
    return f"message-{message.number}"


def _record(message: _Message) -> dict[str, Any]:
    """https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html"""
    return {
        "messageId": _id(message),
        "receiptHandle": message.receipt,
        "body": message.body,
        "attributes": {"ApproximateReceiveCount": str(message.receives)},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:simulated-alerts",
        "awsRegion": "us-east-1",
    }

"""`DeadLetters` on SQS, and whose letters they are: the names of one environment in one account and region."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from interlock.aws.errors import calling
from interlock.domain.bad_input import BadInput
from interlock.domain.dead_letter import DeadLetter, DeadLetterQueue, Errand, Waiting

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

# Longer than the way back takes, after which others see the letter again: one of our functions runs, for a minute at
# most, config-sync and the orchestrator for fifteen; a message is sent.
HIDDEN_SECONDS = {
    DeadLetterQueue.STREAM_FAILURES: 120,
    DeadLetterQueue.INVOCATION_FAILURES: 960,
    DeadLetterQueue.RULE_FAILURES: 960,
    DeadLetterQueue.ALERTS: 60,
}
# Whom events reach: only these are called again.
_CALLED_BY_EVENTS = ("stream-router", "orchestrator", "sla-monitor", "watchdog", "event-sink", "config-sync")


@dataclass(frozen=True, slots=True)
class Installation:
    """One environment's control plane in one account and region, by the names that the Terraform module gives."""

    prefix: str
    partition: str
    region: str
    account: str

    @property
    def alert_queue_arn(self) -> str:
        return f"arn:{self.partition}:sqs:{self.region}:{self.account}:{self.prefix}-alerts"

    @property
    def stream_failures_arn(self) -> str:
        """Of the queue that lists failed batches."""
        return f"arn:{self.partition}:sqs:{self.region}:{self.account}:{self.prefix}-stream-failures-dead"

    @property
    def failures_bucket(self) -> str:
        return f"{self.prefix}-failures-{self.account}-{self.region}"

    @property
    def stream_router_arn(self) -> str:
        return self._function_arn("stream-router")

    def own_function(self, arn: str) -> str:
        """The same without version. `BadInput` for any other than a function of ours that events reach.

        Lambda names the version it ran, `:$LATEST`.
        """
        unqualified = ":".join(arn.split(":")[:7])
        if unqualified not in map(self._function_arn, _CALLED_BY_EVENTS):
            raise BadInput(f"{arn[:200]!r} is no function of {self.prefix} that events reach: not called")
        return unqualified

    def short_name(self, function_arn: str) -> str:
        return function_arn.rpartition(f":{self.prefix}-")[2]

    def _function_arn(self, name: str) -> str:
        return f"arn:{self.partition}:lambda:{self.region}:{self.account}:function:{self.prefix}-{name}"


def find_installation(client: SQSClient, environment: str) -> tuple[Installation, str]:
    """Where the environment's queues are, and the address of the one for alerts. `CallFailed` when it has none."""
    prefix = f"{environment}-interlock"
    url = queue_url(client, f"{prefix}-alerts")
    with calling("sqs.GetQueueAttributes"):
        answer = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    _, partition, _, region, account, _ = answer["Attributes"]["QueueArn"].split(":")
    return Installation(prefix, partition, region, account), url


def queue_url(client: SQSClient, name: str) -> str:
    with calling("sqs.GetQueueUrl"):
        return client.get_queue_url(QueueName=name)["QueueUrl"]


class SqsDeadLetters:
    """A dead-letter queue of the installation. `reading` knows what its letters look like."""

    def __init__(
        self,
        client: SQSClient,
        installation: Installation,
        queue: DeadLetterQueue,
        reading: Callable[[DeadLetter], Errand],
    ) -> None:
        self._client, self._reading = client, reading
        self._url = queue_url(client, f"{installation.prefix}-{queue}-dead")
        self._hidden_seconds = HIDDEN_SECONDS[queue]

    def waiting(self) -> Waiting:
        with calling("sqs.GetQueueAttributes"):
            answer = self._client.get_queue_attributes(
                QueueUrl=self._url,
                AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
            )
        count = answer["Attributes"]
        return Waiting(
            int(count["ApproximateNumberOfMessages"]), int(count["ApproximateNumberOfMessagesNotVisible"])
        )

    def take(self) -> DeadLetter | None:
        with calling("sqs.ReceiveMessage"):
            answer = self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=1,
                VisibilityTimeout=self._hidden_seconds,
                # Without waiting, SQS looks at some of its servers only, and may miss a message.
                # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html
                WaitTimeSeconds=1,
                MessageSystemAttributeNames=["SentTimestamp"],
                MessageAttributeNames=["All"],
            )
        for message in answer.get("Messages", ()):
            sent_ms = int(message["Attributes"]["SentTimestamp"])
            attributes = message.get("MessageAttributes", {})
            return DeadLetter(
                id=message["MessageId"],
                receipt=message["ReceiptHandle"],
                sent_at=datetime.fromtimestamp(sent_ms / 1000, UTC),
                body=message["Body"],
                attributes={name: value.get("StringValue", "") for name, value in attributes.items()},
            )
        return None

    def read(self, letter: DeadLetter) -> Errand:
        return self._reading(letter)

    def delete(self, letter: DeadLetter) -> None:
        with calling("sqs.DeleteMessage"):
            self._client.delete_message(QueueUrl=self._url, ReceiptHandle=letter.receipt)

    def put_back(self, letter: DeadLetter) -> None:
        with calling("sqs.ChangeMessageVisibility"):
            self._client.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=letter.receipt, VisibilityTimeout=0
            )

"""`AlertQueue` on SQS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interlock.aws.errors import calling

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class SqsAlertQueue:
    """The queue that the rule on the event bus fills and the alert-dispatcher empties."""

    def __init__(self, client: SQSClient, url: str) -> None:
        self._client, self._url = client, url

    def postpone(self, receipt: str, seconds: int) -> None:
        """At most 12 hours after it was received.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
        """
        with calling("sqs.ChangeMessageVisibility"):
            self._client.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=seconds
            )

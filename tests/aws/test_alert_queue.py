"""The alert queue, on moto."""

import pytest

from interlock.aws.alert_queue import SqsAlertQueue
from interlock.ports import CallFailed


@pytest.fixture
def sqs(aws):
    return aws("sqs")


@pytest.fixture
def url(sqs):
    return sqs.create_queue(QueueName="alerts", Attributes={"VisibilityTimeout": "300"})["QueueUrl"]


def receive(sqs, url):
    return sqs.receive_message(QueueUrl=url).get("Messages", [])


def test_a_message_comes_back_when_it_was_asked_to_and_not_later(sqs, url):
    sqs.send_message(QueueUrl=url, MessageBody="alert")
    (message,) = receive(sqs, url)

    SqsAlertQueue(sqs, url).postpone(message["ReceiptHandle"], 0)

    assert [again["Body"] for again in receive(sqs, url)] == ["alert"]


def test_a_receipt_that_is_none_is_a_failed_call(sqs, url):
    with pytest.raises(CallFailed, match="ReceiptHandleIsInvalid"):
        SqsAlertQueue(sqs, url).postpone("no-receipt", 30)

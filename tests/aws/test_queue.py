"""SQS batches: every message on its own, in the order that the reader asks for."""

import json

import pytest

from interlock.aws.queue import Message, each_message


def a_record(message_id, body, receives=1):
    """As Lambda delivers it: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html"""
    return {
        "messageId": message_id,
        "receiptHandle": f"receipt-{message_id}",
        "body": json.dumps(body),
        "attributes": {"ApproximateReceiveCount": str(receives), "SentTimestamp": "1545082649183"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:alerts",
        "awsRegion": "eu-west-1",
    }


def deliver(records, handle, read=lambda message: json.loads(message.body)):
    answer = each_message({"Records": records}, read, handle, order=lambda content: content)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_a_message_is_read_with_its_receipt_and_how_often_it_came():
    seen = []

    deliver([a_record("a", 1, receives=3)], print, seen.append)

    assert seen == [Message("a", "1", "receipt-a", 3)]


def test_messages_are_handled_in_the_order_asked_for():
    seen = []

    assert deliver([a_record("a", 3), a_record("b", 1), a_record("c", 2)], seen.append) == []
    assert seen == [1, 2, 3]


def test_every_message_that_fails_is_answered_and_the_others_are_handled():
    seen = []

    def handle(content):
        seen.append(content)
        if content in (1, 3):
            raise RuntimeError("no")

    failed = deliver([a_record("a", 1), a_record("b", 2), a_record("c", 3)], handle)

    assert failed == ["a", "c"]
    assert seen == [1, 2, 3]


def test_a_message_that_cannot_be_read_fails_alone():
    seen = []
    broken = a_record("a", 1) | {"body": "{"}

    assert deliver([broken, a_record("b", 2)], seen.append) == ["a"]
    assert seen == [2]


def test_a_function_that_dies_takes_the_batch_with_it():
    def die(_content):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deliver([a_record("a", 1)], die)

"""Batches of stream records are told of once they were taken, and can be made to come twice."""

from collections.abc import Iterator
from typing import Any

import pytest

from interlock.local.emulator import Emulator
from local.emulator_kit import deploy, eventually, make_queue, make_table, messages, put

pytestmark = pytest.mark.embedded

SOURCE = """
    import json, os, boto3

    sqs = boto3.client("sqs")

    def handler(event, context):
        keys = [record["dynamodb"]["Keys"]["SK"]["S"] for record in event["Records"]]
        sqs.send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(keys))
"""


@pytest.fixture(scope="module")
def alone() -> Iterator[Emulator]:
    """Lost answers are those of the whole emulator, and a batch is told to whoever asks first."""
    with Emulator() as emulator:
        yield emulator


def consumed(emulator: Emulator, *written: str) -> tuple[str, str]:
    """A table's name, and the queue that hears of each call of the function on its stream."""
    queue, _ = make_queue(emulator)
    table, stream = make_table(emulator)
    function = deploy(emulator, SOURCE, Environment={"Variables": {"QUEUE": queue}})
    for sk in written:
        put(emulator, table, "pk", sk)
    emulator.client("lambda").create_event_source_mapping(
        FunctionName=function, EventSourceArn=stream, BatchSize=100, StartingPosition="TRIM_HORIZON"
    )
    return table, queue


def taken(emulator: Emulator, table: str) -> list[Any]:
    return [batch for batch in emulator.stream_batches().batches if batch[0] == table]


def test_a_batch_is_told_of_once_with_its_records(alone: Emulator) -> None:
    table, _ = consumed(alone, "a", "b")

    ((name, ended_at, records),) = eventually(lambda: taken(alone, table))

    assert (name, [record[:2] for record in records]) == (table, [("pk", "a"), ("pk", "b")])
    assert 0 < ended_at - int(records[0][2][:20]) / 1000 < 60
    assert taken(alone, table) == []


def test_a_batch_whose_answer_is_lost_comes_again_until_one_arrives(alone: Emulator) -> None:
    lost = alone.stream_batches().lost
    alone.lose_answers(1, seed=1)
    table, queue = consumed(alone, "a")
    heard: list[Any] = []
    eventually(lambda: heard.extend(messages(alone, queue)) or len(heard) > 1)

    assert taken(alone, table) == []
    alone.lose_answers(0, seed=1)

    assert len(eventually(lambda: taken(alone, table))) == 1
    assert alone.stream_batches().lost >= lost + 2
    assert all(keys == ["a"] for keys in heard)

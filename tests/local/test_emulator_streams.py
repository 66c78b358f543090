"""Records of a table's stream reach functions on the emulator as Lambda delivers them."""

import json
import re
import time
from typing import Any

import pytest

from interlock.local.emulator import Emulator
from interlock.local.event_patterns import new_objects
from local.emulator_kit import deploy, eventually, make_queue, make_table, messages, put, unique

pytestmark = pytest.mark.embedded

# Tells the queue the SK of each record of a call, then fails as the items say.
SOURCE = """
    import json, os, time, boto3

    sqs = boto3.client("sqs")

    def handler(event, context):
        records = event["Records"]
        keys = [record["dynamodb"]["Keys"]["SK"]["S"] for record in records]
        sqs.send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(keys))
        for record in records:
            wanted = record["dynamodb"].get("NewImage", {}).get("wanted", {}).get("S", "")
            if wanted == "raise":
                raise RuntimeError("poison")
            if wanted == "report":
                number = record["dynamodb"]["SequenceNumber"]
                return {"batchItemFailures": [{"itemIdentifier": number}]}
            if wanted.startswith("sleep"):
                time.sleep(float(wanted.split()[1]))
        return {"batchItemFailures": []}
"""


class Consumer:
    """A function on a table's stream; `calls` is what each invocation got, as lists of SKs.

    What is `written` before the function begins to read comes to it as one batch.
    """

    def __init__(self, emulator: Emulator, *written: str | tuple[str, str], **mapping: Any) -> None:
        self._emulator = emulator
        self._queue, _ = make_queue(emulator)
        self.table, stream = make_table(emulator)
        self.calls: list[list[str]] = []
        function = deploy(emulator, SOURCE, Environment={"Variables": {"QUEUE": self._queue}})
        self.write(*written)
        settings = {"BatchSize": 100, "StartingPosition": "TRIM_HORIZON", **mapping}
        emulator.client("lambda").create_event_source_mapping(
            FunctionName=function, EventSourceArn=stream, **settings
        )

    def write(self, *items: str | tuple[str, str]) -> None:
        """Each is an SK, or an SK and its `wanted`."""
        for entry in items:
            sk, wanted = (entry, "") if isinstance(entry, str) else entry
            put(self._emulator, self.table, "p", sk, wanted=wanted)

    def until(self, calls: int, seconds: float = 10) -> list[list[str]]:
        eventually(lambda: len(self.now()) >= calls, seconds)
        return self.calls

    def now(self) -> list[list[str]]:
        self.calls += messages(self._emulator, self._queue)
        return self.calls


def test_records_come_as_on_aws(emulator: Emulator) -> None:
    source = """
        import json, os, boto3

        def handler(event, context):
            boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(event))
    """
    queue, _ = make_queue(emulator)
    table, stream = make_table(emulator)
    function = deploy(emulator, source, Environment={"Variables": {"QUEUE": queue}})
    emulator.client("lambda").create_event_source_mapping(
        FunctionName=function, EventSourceArn=stream, StartingPosition="LATEST"
    )
    seen: list[Any] = []

    put(emulator, table, "p", "s", v="1")
    put(emulator, table, "p", "s", v="2")
    emulator.client("dynamodb").delete_item(TableName=table, Key={"PK": {"S": "p"}, "SK": {"S": "s"}})

    eventually(
        lambda: seen.extend(r for m in messages(emulator, queue) for r in m["Records"]) or len(seen) == 3
    )
    seen.sort(key=lambda record: int(record["dynamodb"]["SequenceNumber"]))
    insert, modify, remove = (record["dynamodb"] for record in seen)
    assert [record["eventName"] for record in seen] == ["INSERT", "MODIFY", "REMOVE"]
    assert {record["eventSourceARN"] for record in seen} == {stream}
    assert insert["Keys"] == {"PK": {"S": "p"}, "SK": {"S": "s"}}
    assert abs(insert["ApproximateCreationDateTime"] - time.time()) < 60
    assert "OldImage" not in insert
    assert (modify["OldImage"]["v"], modify["NewImage"]["v"]) == ({"S": "1"}, {"S": "2"})
    assert remove["OldImage"]["v"] == {"S": "2"}
    assert "NewImage" not in remove


def test_a_reported_failure_is_delivered_again_from_its_sequence_number(emulator: Emulator) -> None:
    consumer = Consumer(
        emulator,
        *("a", ("b", "report"), "c"),
        FunctionResponseTypes=["ReportBatchItemFailures"],
        MaximumRetryAttempts=2,
    )

    assert consumer.until(3) == [["a", "b", "c"], ["b", "c"], ["b", "c"]]


def test_a_batch_that_keeps_failing_goes_to_the_destination_and_the_stream_goes_on(
    emulator: Emulator,
) -> None:
    queue, arn = make_queue(emulator)
    consumer = Consumer(
        emulator,
        *("a", ("b", "raise")),
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )
    consumer.until(2)

    consumer.write("c")

    assert consumer.until(3) == [["a", "b"], ["a", "b"], ["c"]]
    failure = eventually(lambda: messages(emulator, queue))[0]
    assert failure["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert failure["DDBStreamBatchInfo"]["batchSize"] == 2


def test_a_destination_in_s3_gets_the_failed_batch_whole_and_tells_of_it(emulator: Emulator) -> None:
    s3, events = emulator.client("s3"), emulator.client("events")
    bucket, rule = unique("failures"), unique("rule")
    queue, queue_arn = make_queue(emulator)
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    events.put_rule(Name=rule, EventPattern=json.dumps(new_objects(bucket)))
    events.put_targets(Rule=rule, Targets=[{"Id": "1", "Arn": queue_arn}])
    only_b = {"Pattern": json.dumps({"dynamodb": {"Keys": {"SK": {"S": ["b"]}}}})}
    consumer = Consumer(
        emulator,
        *("a", ("b", "raise")),
        MaximumRetryAttempts=1,
        FilterCriteria={"Filters": [only_b]},
        DestinationConfig={"OnFailure": {"Destination": f"arn:aws:s3:::{bucket}"}},
    )
    consumer.until(2)

    (told,) = eventually(lambda: messages(emulator, queue))

    key = told["detail"]["object"]["key"]
    record = json.load(s3.get_object(Bucket=bucket, Key=key)["Body"])
    batch = record["DDBStreamBatchInfo"]
    assert (told["detail"]["reason"], told["detail"]["bucket"]["name"]) == ("PutObject", bucket)
    at = record["timestamp"][:19].replace(":", ".")
    place = rf"aws/lambda/[0-9a-f-]{{36}}/{batch['shardId']}/{at[:10].replace('-', '/')}/{at}-[0-9a-f-]{{36}}"
    assert re.fullmatch(place, key)
    assert record["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 2
    assert record["requestContext"]["functionArn"].startswith("arn:aws:lambda:")
    assert record["responseContext"]["functionError"] == "Unhandled"
    (failed,) = json.loads(record["payload"])["Records"]  # text, and only what the function was called with
    assert failed["dynamodb"]["NewImage"]["wanted"] == {"S": "raise"}
    assert failed["eventSourceARN"] == batch["streamArn"]


def test_bisecting_loses_the_poisoned_record_alone(emulator: Emulator) -> None:
    queue, arn = make_queue(emulator)
    consumer = Consumer(
        emulator,
        *("a", "b", ("c", "raise"), "d"),
        MaximumRetryAttempts=0,
        BisectBatchOnFunctionError=True,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )

    assert consumer.until(5) == [["a", "b", "c", "d"], ["a", "b"], ["c", "d"], ["c"], ["d"]]
    assert eventually(lambda: messages(emulator, queue))[0]["DDBStreamBatchInfo"]["batchSize"] == 1


def test_a_filter_lets_through_what_matches(emulator: Emulator) -> None:
    pattern = {"eventName": ["INSERT"], "dynamodb": {"Keys": {"SK": {"S": [{"prefix": "SENSOR#"}]}}}}
    consumer = Consumer(emulator, FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})

    consumer.write("RUN#1", "SENSOR#1")
    consumer.write("RUN#2")
    consumer.write("SENSOR#2")

    eventually(lambda: [key for call in consumer.now() for key in call] == ["SENSOR#1", "SENSOR#2"])


def test_a_slow_function_holds_up_its_own_table_alone(emulator: Emulator) -> None:
    slow, quick = Consumer(emulator), Consumer(emulator)
    quick.write("warm")
    quick.until(1)

    slow.write(("a", "sleep 6"))
    slow.until(1)
    slow.write("b")
    quick.write("c")

    assert quick.until(2, seconds=4) == [["warm"], ["c"]]
    assert slow.now() == [["a"]]


def test_a_warm_function_gets_a_record_within_half_a_second(emulator: Emulator) -> None:
    consumer = Consumer(emulator)
    consumer.write("warm")
    consumer.until(1)
    waits = []

    for number in range(10):
        started = time.monotonic()
        consumer.write(str(number))
        consumer.until(2 + number)
        waits.append(time.monotonic() - started)

    assert sorted(waits)[5] < 0.5

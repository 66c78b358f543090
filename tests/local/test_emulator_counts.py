"""What functions do is seen from outside them: their calls and invocations are counted, and they can be killed."""

import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from interlock.local.emulator import Emulator
from local.emulator_kit import deploy, eventually, finished, invoke, make_machine, make_queue, start

pytestmark = pytest.mark.embedded

CALLS = """
    import boto3

    def handler(event, context):
        dynamodb, s3 = boto3.client("dynamodb"), boto3.client("s3")
        dynamodb.list_tables()
        dynamodb.list_tables()
        boto3.client("stepfunctions").list_state_machines()
        boto3.client("sqs").list_queues()
        s3.create_bucket(Bucket="counted")
        s3.put_object(Bucket="counted", Key="a folder/a file", Body=b"")
        s3.list_objects_v2(Bucket="counted")
        s3.get_object(Bucket="counted", Key="a folder/a file")["Body"].read()
        boto3.client("lambda").list_functions()
        boto3.client("scheduler").list_schedules()
"""

WAITS = """
    import time, pathlib

    def handler(event, context):
        pathlib.Path(event).write_text("working")
        time.sleep(60)
"""


@pytest.fixture
def alone() -> Iterator[Emulator]:
    """Counts are of the whole emulator: what other tests left at work in a shared one would be among them."""
    with Emulator() as emulator:
        yield emulator


def test_calls_are_counted_by_service_and_operation(alone: Emulator) -> None:
    invoke(alone, deploy(alone, CALLS))

    assert alone.counts().calls == {
        "dynamodb.ListTables": 2,
        "stepfunctions.ListStateMachines": 1,
        "sqs.ListQueues": 1,
        "s3.CreateBucket": 1,
        "s3.PutObject": 1,
        "s3.ListObjectsV2": 1,
        "s3.GetObject": 1,
        "lambda.ListFunctions": 1,
        "scheduler.ListSchedules": 1,
    }


def test_calls_of_others_are_not_counted(alone: Emulator) -> None:
    before = alone.counts()

    alone.client("dynamodb").list_tables()
    make_queue(alone)

    assert alone.counts() == before


def test_invocations_are_counted_by_function(emulator: Emulator) -> None:
    name = deploy(emulator, "def handler(event, context): return event")

    invoke(emulator, name)
    invoke(emulator, name)

    assert emulator.counts().invocations[name] == 2


def test_a_killed_function_dies_in_the_middle_of_its_work(emulator: Emulator, tmp_path: Path) -> None:
    name, working = deploy(emulator, WAITS, Timeout=60), tmp_path / "working"
    answers = []
    caller = Thread(target=lambda: answers.append(invoke(emulator, name, str(working))))
    caller.start()
    eventually(working.exists)

    killed = emulator.kill_function(name)
    caller.join(10)

    assert killed == 1
    assert answers[0][0]["errorType"] == "Runtime.ExitError"


def test_a_function_that_does_nothing_is_not_killed(emulator: Emulator) -> None:
    name = deploy(emulator, "import os\ndef handler(event, context): return os.getpid()")
    pid, _ = invoke(emulator, name)

    killed = emulator.kill_function(name)

    assert killed == 0
    assert invoke(emulator, name) == (pid, None)


def test_an_execution_enters_its_first_state_at_once(emulator: Emulator) -> None:
    machine = make_machine(emulator, {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})

    def seconds() -> float:
        began = time.monotonic()
        finished(emulator, start(emulator, machine))
        return time.monotonic() - began

    # ministack sleeps 0.15 s before each; the fastest of a few says whether it still does.
    assert min(seconds() for _ in range(5)) < 0.14

"""Small things put on an emulator by tests: functions from source text, tables, queues, state machines."""

from __future__ import annotations

import io
import json
import textwrap
import time
import uuid
import zipfile
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from interlock.local.emulator import Emulator

ROLE = f"arn:aws:iam::{Emulator.account}:role/any"

Answer = TypeVar("Answer")


def unique(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:8]}"


def eventually(question: Callable[[], Answer], seconds: float = 10) -> Answer:
    """The first answer that is true, asked for until time is up."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, f"no answer within {seconds} s"
        time.sleep(0.02)
    return answer


def zipped(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, textwrap.dedent(text))
    return buffer.getvalue()


def deploy(emulator: Emulator, source: str, name: str = "function", **settings: Any) -> str:
    """A function whose `handler` is in this source; its name."""
    name = unique(name)
    emulator.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="code.handler" if "Handler" not in settings else settings.pop("Handler"),
        Code={"ZipFile": zipped({"code.py": source})},
        **{"Timeout": 10, "Role": ROLE, **settings},
    )
    return name


@cache
def shared(emulator: Emulator, source: str) -> str:
    """A function that tests may use together, since it keeps nothing; it is warm after the first."""
    return deploy(emulator, source)


def invoke(emulator: Emulator, function: str, event: Any = None) -> tuple[Any, str | None]:
    """The function's answer, and whether it is an error's."""
    response = emulator.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
    return json.load(response["Payload"]), response.get("FunctionError")


def make_queue(emulator: Emulator) -> tuple[str, str]:
    """A queue's URL and ARN."""
    name = unique("queue")
    url = emulator.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    return url, f"arn:aws:sqs:{emulator.region}:{emulator.account}:{name}"


def messages(emulator: Emulator, url: str) -> list[Any]:
    """Take what is in the queue now, as JSON."""
    sqs = emulator.client("sqs")
    taken = []
    while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in found:
            taken.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return taken


def make_table(emulator: Emulator) -> tuple[str, str]:
    """A table with `PK` and `SK` and a stream of both images: its name and its stream's ARN."""
    keys = [("PK", "HASH"), ("SK", "RANGE")]
    table = emulator.client("dynamodb").create_table(
        TableName=unique("table"),
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]
    return table["TableName"], table["LatestStreamArn"]


def item(pk: str, sk: str, **values: str) -> dict[str, Any]:
    return {name: {"S": value} for name, value in {"PK": pk, "SK": sk, **values}.items()}


def put(emulator: Emulator, table: str, pk: str, sk: str, **values: str) -> None:
    emulator.client("dynamodb").put_item(TableName=table, Item=item(pk, sk, **values))


def make_machine(emulator: Emulator, definition: dict[str, Any]) -> str:
    """A standard JSONata state machine; its ARN."""
    return emulator.client("stepfunctions").create_state_machine(
        name=unique("machine"),
        definition=json.dumps({"QueryLanguage": "JSONata", **definition}),
        roleArn=ROLE,
    )["stateMachineArn"]


def task(function: str, **fields: Any) -> dict[str, Any]:
    """A machine of one task that calls the function, with the state's fields as given."""
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": function, "Payload": "{% $states.input %}"},
        "Output": "{% $states.result.Payload %}",
        "End": True,
        **fields,
    }
    return {"StartAt": "Work", "States": {"Work": state, "Caught": {"Type": "Pass", "End": True}}}


def callback_task(function: str, **fields: Any) -> dict[str, Any]:
    """The same, waiting for a token that the function gets as `token` beside the state's input."""
    payload = "{% $merge([$states.input, {'token': $states.context.Task.Token}]) %}"
    return task(
        function,
        **{
            "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "Arguments": {"FunctionName": function, "Payload": payload},
            "Output": "{% $states.result %}",
            **fields,
        },
    )


def start(emulator: Emulator, machine: str, value: Any = None, **names: str) -> str:
    """Start an execution; its ARN."""
    return emulator.client("stepfunctions").start_execution(
        stateMachineArn=machine, input=json.dumps(value or {}), **names
    )["executionArn"]


def finished(emulator: Emulator, execution: str, seconds: float = 10) -> dict[str, Any]:
    """The execution's description once it runs no more."""
    states = emulator.client("stepfunctions")

    def done() -> dict[str, Any] | None:
        described = states.describe_execution(executionArn=execution)
        return described if described["status"] != "RUNNING" else None

    return eventually(done, seconds)


def run(emulator: Emulator, definition: dict[str, Any], value: Any = None) -> dict[str, Any]:
    """Make the machine and run it once."""
    return finished(emulator, start(emulator, make_machine(emulator, definition), value))

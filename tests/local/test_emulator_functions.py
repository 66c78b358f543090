"""Functions on the emulator fail, load and see their surroundings as in Lambda."""

import json
from typing import Any

import pytest

from interlock.local.emulator import Emulator
from interlock.local.emulator_lambda import EVENTS_AT_ONCE
from local.emulator_kit import deploy, eventually, invoke, make_queue, messages, unique, zipped

pytestmark = pytest.mark.embedded

RAISES = """
    class TableIsGone(Exception):
        pass

    def handler(event, context):
        raise TableIsGone("no such table")
"""


@pytest.mark.parametrize(
    ("source", "error_type", "message"),
    [
        pytest.param(RAISES, "TableIsGone", "no such table", id="an exception of its own"),
        pytest.param(
            "import os\ndef handler(event, context): os._exit(1)",
            "Runtime.ExitError",
            "Runtime exited without providing a reason",
            id="its process dies",
        ),
        pytest.param(
            "import sys\ndef handler(event, context): sys.exit(1)",
            "Runtime.ExitError",
            "Runtime exited without providing a reason",
            id="it exits",
        ),
        pytest.param(
            "import time\ndef handler(event, context): time.sleep(9)",
            "Sandbox.Timedout",
            "Task timed out after 1.00 seconds",
            id="it is too slow",
        ),
        pytest.param("raise ValueError('at import')", "ValueError", "at import", id="it fails at import"),
        pytest.param("x = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing", id="it has no handler"),
        pytest.param(
            "import os; os._exit(1)", "Runtime.ExitError", "exited", id="its process dies at import"
        ),
        pytest.param(
            "import moto",
            "Runtime.ImportModuleError",
            "No module named 'moto'",
            id="a package of the emulator's own Python is not in its zip",
        ),
        pytest.param(
            "def handler(event, context): return object()",
            "Runtime.MarshalError",
            "Object of type object is not JSON serializable",
            id="its answer is not JSON",
        ),
    ],
)
def test_a_failure_has_the_type_that_lambda_reports(
    emulator: Emulator, source: str, error_type: str, message: str
) -> None:
    answer, error = invoke(emulator, deploy(emulator, source, Timeout=1))

    assert error == "Unhandled"
    assert answer["errorType"] == error_type
    assert message in answer["errorMessage"]


def test_a_function_that_raised_keeps_its_process(emulator: Emulator) -> None:
    source = """
        import os

        def handler(event, context):
            raise RuntimeError(os.getpid())
    """
    function = deploy(emulator, source)

    pids = {invoke(emulator, function)[0]["errorMessage"] for _ in range(3)}

    assert len(pids) == 1


def test_a_function_whose_process_died_answers_again(emulator: Emulator) -> None:
    source = """
        import os

        def handler(event, context):
            if event == "die":
                os._exit(1)
            return "alive"
    """
    function = deploy(emulator, source)

    invoke(emulator, function, "die")

    assert invoke(emulator, function, "live") == ("alive", None)


def test_a_function_sees_its_own_settings_and_none_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    source = """
        import os

        def handler(event, context):
            return dict(os.environ)
    """
    with Emulator() as started_in_that_environment:
        function = deploy(started_in_that_environment, source, Environment={"Variables": {"TABLE": "t"}})
        seen, _ = invoke(started_in_that_environment, function)

        assert seen["TABLE"] == "t"
        assert seen["AWS_ENDPOINT_URL"] == started_in_that_environment.endpoint
        assert seen["AWS_REGION"] == started_in_that_environment.region
        assert seen["TZ"] == "UTC"
        assert seen.keys().isdisjoint({"AWS_PROFILE", "GATEWAY_PORT", "PYTHONPATH", "STATE_DIR"})


def test_a_function_has_boto3_and_reaches_the_emulator(emulator: Emulator) -> None:
    source = """
        import boto3

        def handler(event, context):
            return boto3.client("sqs").get_queue_url(QueueName=event)["QueueUrl"]
    """
    url, arn = make_queue(emulator)

    assert invoke(emulator, deploy(emulator, source), arn.split(":")[-1]) == (url, None)


def test_a_layer_is_importable(emulator: Emulator) -> None:
    layer = emulator.client("lambda").publish_layer_version(
        LayerName=unique("layer"), Content={"ZipFile": zipped({"python/shared.py": "ANSWER = 42"})}
    )["LayerVersionArn"]
    source = """
        import shared

        def handler(event, context):
            return shared.ANSWER
    """

    assert invoke(emulator, deploy(emulator, source, Layers=[layer])) == (42, None)


def test_what_a_function_prints_is_in_its_log(emulator: Emulator) -> None:
    source = """
        import os

        def handler(event, context):
            print("héllo from Python")
            os.system("echo hello from a child; printf '\\\\377\\\\n'")
    """
    function = deploy(emulator, source)

    for _ in range(2):
        assert invoke(emulator, function) == (None, None)

    events = emulator.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{function}")["events"]
    lines = [event["message"] for event in events]
    assert lines.count("héllo from Python") == 2
    assert lines.count("hello from a child") == 2
    assert not [line for line in lines if "\x00" in line]


def test_an_event_of_a_rule_is_tried_again_when_the_function_fails(emulator: Emulator) -> None:
    source = """
        import json, os, boto3

        def handler(event, context):
            boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(event))
            raise RuntimeError("not today")
    """
    url, _ = make_queue(emulator)
    function = deploy(emulator, source, Environment={"Variables": {"QUEUE": url}})
    events = emulator.client("events")
    rule = unique("rule")
    events.put_rule(Name=rule, EventPattern=json.dumps({"source": [rule]}))
    arn = f"arn:aws:lambda:{emulator.region}:{emulator.account}:function:{function}"
    events.put_targets(Rule=rule, Targets=[{"Id": "function", "Arn": arn}])
    seen: list[Any] = []

    events.put_events(Entries=[{"Source": rule, "DetailType": "happened", "Detail": "{}"}])

    eventually(lambda: seen.extend(messages(emulator, url)) or len(seen) == 2)
    assert {event["detail-type"] for event in seen} == {"happened"}


def test_a_burst_of_events_is_worked_off_by_a_few_processes(emulator: Emulator) -> None:
    queue, _ = make_queue(emulator)
    source = """
        import json, os, time, boto3

        def handler(event, context):
            time.sleep(0.1)
            url = event["detail"]["queue"]
            boto3.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(os.getpid()))
    """
    name, rule = deploy(emulator, source), unique("rule")
    events = emulator.client("events")
    events.put_rule(Name=rule, EventPattern=json.dumps({"source": [rule]}))
    arn = f"arn:aws:lambda:{emulator.region}:{emulator.account}:function:{name}"
    events.put_targets(Rule=rule, Targets=[{"Id": "1", "Arn": arn}])

    for _ in range(2):
        entry = {"Source": rule, "DetailType": "told", "Detail": json.dumps({"queue": queue})}
        events.put_events(Entries=[entry] * 10)

    pids: list[int] = []
    eventually(lambda: pids.extend(messages(emulator, queue)) or len(pids) >= 20, seconds=30)
    assert len(pids) == 20
    assert len(set(pids)) <= EVENTS_AT_ONCE


def asynchronously(emulator: Emulator, source: str, event: Any, **patience: Any) -> tuple[str, str]:
    """A function that keeps in a queue what it fails at, called without waiting; its name and the queue's URL."""
    queue, arn = make_queue(emulator)
    name = deploy(emulator, source)
    emulator.client("lambda").put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnFailure": {"Destination": arn}}, **patience
    )
    emulator.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event))
    return name, queue


def test_an_event_that_a_function_fails_at_every_time_is_kept_with_its_payload(emulator: Emulator) -> None:
    name, queue = asynchronously(emulator, RAISES, {"step": "CheckRuns"}, MaximumRetryAttempts=1)

    (kept,) = eventually(lambda: messages(emulator, queue))

    function = f"arn:aws:lambda:{emulator.region}:{emulator.account}:function:{name}:$LATEST"
    about = kept["requestContext"]
    assert (about["functionArn"], about["condition"]) == (function, "RetriesExhausted")
    assert about["approximateInvokeCount"] == 2
    assert kept["requestPayload"] == {"step": "CheckRuns"}
    assert kept["responseContext"]["functionError"] == "Unhandled"
    assert kept["responsePayload"]["errorType"] == "TableIsGone"
    assert emulator.counts().invocations[name] == 2


def test_an_event_that_is_not_let_in_waits_its_turn_at_no_cost_of_a_try(emulator: Emulator) -> None:
    done, _ = make_queue(emulator)
    source = """
        import boto3, time

        def handler(event, context):
            time.sleep(1.5)
            boto3.client("sqs").send_message(QueueUrl=event["queue"], MessageBody="1")
    """
    name = deploy(emulator, source)
    lambdas = emulator.client("lambda")
    lambdas.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    lambdas.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)

    for _ in range(2):
        payload = json.dumps({"queue": done})
        lambdas.invoke(FunctionName=name, InvocationType="Event", Payload=payload)

    worked: list[int] = []
    eventually(lambda: worked.extend(messages(emulator, done)) or len(worked) == 2)
    assert emulator.counts().invocations[name] == 2


def test_an_event_whose_target_is_gone_is_kept_with_the_reason(emulator: Emulator) -> None:
    queue, queue_arn = make_queue(emulator)
    events, rule = emulator.client("events"), unique("rule")
    rule_arn = events.put_rule(Name=rule, EventPattern=json.dumps({"source": [rule]}))["RuleArn"]
    gone = f"arn:aws:lambda:{emulator.region}:{emulator.account}:function:gone"
    target = {"Id": "1", "Arn": gone, "DeadLetterConfig": {"Arn": queue_arn}}
    events.put_targets(Rule=rule, Targets=[target])

    events.put_events(Entries=[{"Source": rule, "DetailType": "happened", "Detail": '{"n": 1}'}])

    def kept() -> list[Any]:
        asked = {"QueueUrl": queue, "MessageAttributeNames": ["All"]}
        found: list[Any] = emulator.client("sqs").receive_message(**asked).get("Messages", [])
        return found

    (message,) = eventually(kept)
    event = json.loads(message["Body"])
    told = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert (event["detail-type"], event["detail"]) == ("happened", {"n": 1})
    assert {name: told[name] for name in ("RULE_ARN", "TARGET_ARN", "ERROR_CODE")} == {
        "RULE_ARN": rule_arn,
        "TARGET_ARN": gone,
        "ERROR_CODE": "NO_RESOURCE",
    }

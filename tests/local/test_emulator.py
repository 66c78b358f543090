"""The emulator keeps to itself: loopback only, nothing of the user's environment, nothing left behind."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest

from interlock.local.emulator import Emulator, EmulatorDidNotStart
from local.emulator_kit import ROLE, deploy, eventually, invoke, make_queue, messages, unique, zipped
from local.processes import bound_addresses, is_alive, needs_proc

pytestmark = pytest.mark.embedded

SLEEPS = """
    import os, time

    def handler(event, context):
        open(event, "w").write(str(os.getpid()))
        time.sleep(60)
"""

PID = "import os\ndef handler(event, context): return os.getpid()"


@needs_proc
def test_it_listens_on_loopback_alone(emulator: Emulator) -> None:
    for service in ("lambda", "iot", "transfer", "sqs", "events"):  # each service is loaded at its first call
        emulator.client(service)
    emulator.client("iot").list_things()
    emulator.client("transfer").list_servers()
    invoke(emulator, deploy(emulator, PID))

    assert bound_addresses(emulator.pid) == {"0100007F"}


@needs_proc
def test_a_function_holds_no_listening_socket(emulator: Emulator) -> None:
    pid, _ = invoke(emulator, deploy(emulator, PID))

    assert bound_addresses(pid) == set()


def test_two_emulators_know_nothing_of_each_other(emulator: Emulator) -> None:
    _, arn = make_queue(emulator)

    with Emulator() as other:
        assert other.endpoint != emulator.endpoint
        assert not other.client("sqs").list_queues()["QueueUrls"]
        assert emulator.client("sqs").list_queues(QueueNamePrefix=arn.split(":")[-1])["QueueUrls"]


@needs_proc
def test_after_its_block_its_processes_and_files_are_gone() -> None:
    emulator = Emulator()

    def interrupted() -> tuple[int, int, Path]:
        with contextlib.suppress(KeyboardInterrupt), emulator:
            function, _ = invoke(emulator, deploy(emulator, PID))
            seen = emulator.pid, function, emulator.folder
            raise KeyboardInterrupt
        return seen

    server, function, folder = interrupted()

    assert not is_alive(server)
    eventually(lambda: not is_alive(function), seconds=1)
    assert not folder.exists()


@needs_proc
def test_when_its_parent_is_killed_all_of_it_ends(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    program = f"""
from local.emulator_kit import deploy
from interlock.local.emulator import Emulator
import json
with Emulator() as emulator:
    function = deploy(emulator, {SLEEPS!r}, Timeout=60)
    print(emulator.pid, emulator.folder, flush=True)
    emulator.client("lambda").invoke(FunctionName=function, Payload=json.dumps({str(note)!r}))
"""
    paths = os.pathsep.join(filter(None, sys.path))
    parent = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": paths}
    )
    assert parent.stdout is not None
    server, folder = parent.stdout.readline().split()
    function = eventually(lambda: int(note.read_text() or 0) if note.exists() else 0)
    assert is_alive(function)

    parent.send_signal(signal.SIGKILL)
    parent.communicate()

    eventually(lambda: not is_alive(int(server)), seconds=5)
    eventually(lambda: not is_alive(function), seconds=2)
    assert not Path(folder).exists()


@needs_proc
def test_a_function_ends_with_a_server_that_is_killed(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    with Emulator() as emulator:
        function = deploy(emulator, SLEEPS, Timeout=60)
        emulator.client("lambda").invoke(
            FunctionName=function, InvocationType="Event", Payload=json.dumps(str(note))
        )
        pid = eventually(lambda: int(note.read_text() or 0) if note.exists() else 0)

        os.kill(emulator.pid, signal.SIGKILL)

        eventually(lambda: not is_alive(pid), seconds=2)


def test_its_clients_know_nothing_of_the_user_s_aws(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text(
        "[default]\nregion = eu-west-1\nendpoint_url = http://192.0.2.1\nretry_mode = nonsense\n"
    )
    for name, value in {
        "AWS_PROFILE": "missing",
        "AWS_CONFIG_FILE": str(config),
        "AWS_ENDPOINT_URL_SQS": "http://192.0.2.1",
        "AWS_ACCESS_KEY_ID": "real",
        "AWS_REGION": "eu-west-1",
        "AWS_MAX_ATTEMPTS": "many",
        "HTTP_PROXY": "http://192.0.2.1:9",
        "http_proxy": "http://192.0.2.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    with Emulator() as fresh:
        client = fresh.client("sqs")

        assert client.create_queue(QueueName="q")["QueueUrl"].startswith(fresh.endpoint)
        assert client.meta.region_name == emulator.region


def test_a_region_of_its_own(emulator: Emulator) -> None:
    with Emulator(region="eu-central-1") as abroad:
        topic = abroad.client("sqs").create_queue(QueueName="q")["QueueUrl"]
        arn = abroad.client("sqs").get_queue_attributes(QueueUrl=topic, AttributeNames=["QueueArn"])

        assert arn["Attributes"]["QueueArn"] == f"arn:aws:sqs:eu-central-1:{emulator.account}:q"


def test_a_server_that_cannot_start_says_why_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    with pytest.raises(EmulatorDidNotStart, match="could not convert string to float: 'soon'"):
        Emulator(env={"MINISTACK_DOCKER_TIMEOUT": "soon"}).start()

    assert list(tmp_path.iterdir()) == []


def test_its_state_can_outlive_it(tmp_path: Path) -> None:
    keep = {"PERSIST_STATE": "1", "STATE_DIR": str(tmp_path)}
    with Emulator(env=keep) as emulator:
        emulator.client("sqs").create_queue(QueueName="kept")

    with Emulator(env=keep) as again:
        assert again.client("sqs").get_queue_url(QueueName="kept")["QueueUrl"].endswith("/kept")


def test_an_aws_service_s_event_reaches_the_rules_of_the_default_bus(emulator: Emulator) -> None:
    url, arn = make_queue(emulator)
    events, rule = emulator.client("events"), unique("rule")
    pattern = {"source": ["aws.glue"], "detail": {"jobName": [rule]}}
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": arn}])

    emulator.publish_service_event(
        "aws.glue", "Glue Job State Change", {"jobName": rule, "state": "SUCCEEDED"}, [f"job/{rule}"]
    )

    seen = eventually(lambda: messages(emulator, url))[0]
    assert seen["detail-type"] == "Glue Job State Change"
    assert seen["detail"]["state"] == "SUCCEEDED"
    assert seen["account"] == emulator.account
    assert seen["resources"] == [f"job/{rule}"]


def test_nobody_else_may_speak_for_an_aws_service(emulator: Emulator) -> None:
    entry = {"Source": "aws.glue", "DetailType": "Glue Job State Change", "Detail": "{}"}

    answer = emulator.client("events").put_events(Entries=[entry])

    assert answer["Entries"][0]["ErrorCode"] == "NotAuthorizedForSourceException"


def test_an_object_s_creation_reaches_function_and_bus(emulator: Emulator) -> None:
    source = """
        import json, os, boto3

        def handler(event, context):
            boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(event))
    """
    url, arn = make_queue(emulator)
    s3, events, bucket = emulator.client("s3"), emulator.client("events"), unique("bucket")
    function = deploy(emulator, source, Environment={"Variables": {"QUEUE": url}})
    target = f"arn:aws:lambda:{emulator.region}:{emulator.account}:function:{function}"
    rule = unique("rule")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [{"LambdaFunctionArn": target, "Events": ["s3:ObjectCreated:*"]}],
            "EventBridgeConfiguration": {},
        },
    )
    events.put_rule(
        Name=rule, EventPattern=json.dumps({"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}})
    )
    events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": arn}])
    seen: list[Any] = []

    s3.put_object(Bucket=bucket, Key="pipelines/a.yaml", Body=b"x")

    eventually(lambda: seen.extend(messages(emulator, url)) or len(seen) == 2)
    called = next(event for event in seen if "Records" in event)["Records"][0]
    told = next(event for event in seen if "detail" in event)
    assert called["s3"]["object"]["key"] == told["detail"]["object"]["key"] == "pipelines/a.yaml"
    assert told["detail-type"] == "Object Created"


def test_a_queue_s_message_that_a_function_reports_comes_again_alone(emulator: Emulator) -> None:
    source = """
        import json, os, boto3

        def handler(event, context):
            sqs = boto3.client("sqs")
            bodies = sorted(record["body"] for record in event["Records"])
            sqs.send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(bodies))
            again = [record["messageId"] for record in event["Records"] if record["body"] == "bad"]
            return {"batchItemFailures": [{"itemIdentifier": message} for message in again]}
    """
    sqs = emulator.client("sqs")
    log, _ = make_queue(emulator)
    url, arn = make_queue(emulator)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "2"})
    function = deploy(emulator, source, Environment={"Variables": {"QUEUE": log}})
    invoke(emulator, function, {"Records": []})  # a cold start could outlast the time-out
    messages(emulator, log)
    sqs.send_message_batch(
        QueueUrl=url, Entries=[{"Id": body, "MessageBody": body} for body in ("good", "bad")]
    )
    emulator.client("lambda").create_event_source_mapping(
        FunctionName=function,
        EventSourceArn=arn,
        BatchSize=10,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    seen: list[Any] = []

    eventually(lambda: seen.extend(messages(emulator, log)) or len(seen) >= 2)

    assert seen[:2] == [["bad", "good"], ["bad"]]


def test_a_plain_client_with_the_endpoint_alone_can_use_it(emulator: Emulator) -> None:
    # As a user's own AWS CLI would, with any credentials.
    other: Any = boto3.Session("any", "thing", region_name=emulator.region)
    function = other.client("lambda", endpoint_url=emulator.endpoint).create_function(
        FunctionName=unique("plain"),
        Runtime="python3.13",
        Handler="code.handler",
        Role=ROLE,
        Code={"ZipFile": zipped({"code.py": PID})},
    )

    assert function["FunctionArn"].split(":")[4] == emulator.account

"""What AWS services do on the embedded stack, they may do: by the policy of what they reach, or by the role they act under."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from interlock.local.emulator import Emulator, Permission
from local.emulator_kit import (
    deploy,
    eventually,
    finished,
    invoke,
    make_queue,
    make_table,
    messages,
    put,
    start,
    task,
    unique,
)
from local.test_emulator_permissions import a_role, may

pytestmark = pytest.mark.embedded

ECHO = "def handler(event, context): return event"
FAILS = "def handler(event, context): raise ValueError('on purpose')"


@pytest.fixture(scope="module")
def strict() -> Iterator[Emulator]:
    """An emulator in which roles and policies count."""
    with Emulator() as emulator:
        emulator.enforce_permissions()
        yield emulator


def granted(emulator: Emulator, who: str, resource: str) -> bool | None:
    """Whether somebody got what they wanted there; None while they did not want anything."""
    found = [one.granted for one in emulator.permissions() if (one.who, one.resource) == (who, resource)]
    return found[-1] if found else None


def arn_of(emulator: Emulator, function: str) -> str:
    return f"arn:aws:lambda:{emulator.region}:{emulator.account}:function:{function}"


def a_rule(emulator: Emulator, target: str) -> tuple[str, str]:
    """A rule of its own events on the default bus, for this target: their source, and its ARN."""
    events, name = emulator.client("events"), unique("rule")
    rule = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))["RuleArn"]
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": target}])
    return name, rule


def publish(emulator: Emulator, source: str) -> None:
    entry = {"Source": source, "DetailType": "any", "Detail": "{}"}
    emulator.client("events").put_events(Entries=[entry])


def let_in(emulator: Emulator, url: str, arn: str, source: str) -> None:
    policy = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": source}},
    }
    text = json.dumps({"Version": "2012-10-17", "Statement": [policy]})
    emulator.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": text})


def test_a_rule_reaches_a_queue_whose_policy_names_it_and_no_other(strict: Emulator) -> None:
    (url, queue), (other_url, other) = make_queue(strict), make_queue(strict)
    source, rule = a_rule(strict, queue)
    other_source, _ = a_rule(strict, other)
    let_in(strict, url, queue, rule)
    let_in(strict, other_url, other, rule)

    publish(strict, source)
    publish(strict, other_source)

    assert [event["source"] for event in eventually(lambda: messages(strict, url))] == [source]
    assert eventually(lambda: granted(strict, "events.amazonaws.com", other) is False)
    assert messages(strict, other_url) == []


def test_a_rule_reaches_a_function_whose_policy_names_it_and_no_other(strict: Emulator) -> None:
    invited, other = deploy(strict, ECHO), deploy(strict, ECHO)
    source, rule = a_rule(strict, arn_of(strict, invited))
    other_source, _ = a_rule(strict, arn_of(strict, other))
    for function in (invited, other):
        strict.client("lambda").add_permission(
            FunctionName=function,
            StatementId="rule",
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=rule,
        )

    publish(strict, source)
    publish(strict, other_source)

    assert eventually(lambda: strict.counts().invocations[invited])
    assert eventually(lambda: granted(strict, "events.amazonaws.com", arn_of(strict, other)) is False)
    assert strict.counts().invocations[other] == 0


def test_a_bucket_reaches_a_function_whose_policy_names_it_alone(strict: Emulator) -> None:
    function, bucket, s3 = deploy(strict, ECHO), unique("bucket"), strict.client("s3")
    s3.create_bucket(Bucket=bucket)
    told = {"LambdaFunctionArn": arn_of(strict, function), "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [told]}
    )

    s3.put_object(Bucket=bucket, Key="before", Body=b"")
    assert eventually(lambda: granted(strict, "s3.amazonaws.com", arn_of(strict, function)) is False)
    strict.client("lambda").add_permission(
        FunctionName=function,
        StatementId="bucket",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn=f"arn:aws:s3:::{bucket}",
        SourceAccount=strict.account,
    )
    s3.put_object(Bucket=bucket, Key="after", Body=b"")

    assert eventually(lambda: strict.counts().invocations[function]) == 1


@pytest.mark.parametrize("allowed", [True, False])
def test_a_machine_calls_what_its_role_allows(strict: Emulator, allowed: bool) -> None:
    function = deploy(strict, ECHO)
    resource = arn_of(strict, function if allowed else "another")
    machine = strict.client("stepfunctions").create_state_machine(
        name=unique("machine"),
        definition=json.dumps({"QueryLanguage": "JSONata", **task(arn_of(strict, function))}),
        roleArn=a_role(strict, may("lambda:InvokeFunction", resource)),
    )["stateMachineArn"]

    ended = finished(strict, start(strict, machine, {"a": 1}))

    assert ended["status"] == ("SUCCEEDED" if allowed else "FAILED")
    assert ended.get("error") == (None if allowed else "Lambda.AWSLambdaException")


@pytest.mark.parametrize("allowed", [True, False])
def test_a_schedule_fires_at_what_its_role_allows(strict: Emulator, allowed: bool) -> None:
    function, group = deploy(strict, ECHO), unique("group")
    resource = arn_of(strict, function if allowed else "another")
    scheduler = strict.client("scheduler")
    scheduler.create_schedule_group(Name=group)
    scheduler.create_schedule(
        Name="now",
        GroupName=group,
        ScheduleExpression=f"at({datetime.now(UTC):%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": arn_of(strict, function),
            "RoleArn": a_role(strict, may("lambda:InvokeFunction", resource)),
            "Input": "{}",
        },
    )

    assert eventually(
        lambda: granted(strict, f"schedules of {group}", arn_of(strict, function)) is allowed, seconds=5
    )
    assert eventually(lambda: strict.counts().invocations[function] == (1 if allowed else 0))


def a_reader(emulator: Emulator, *statements: dict[str, Any]) -> tuple[str, str]:
    """A function that a table's stream goes to; and the table, which one record was put into."""
    table, stream = make_table(emulator)
    function = deploy(emulator, ECHO, Role=a_role(emulator, *statements))
    emulator.client("lambda").create_event_source_mapping(
        EventSourceArn=stream, FunctionName=function, StartingPosition="TRIM_HORIZON"
    )
    put(emulator, table, "a", "b")
    return function, stream


READING = [
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
]


def test_a_stream_is_read_under_its_functions_role(strict: Emulator) -> None:
    reader, _ = a_reader(strict, *(may(action, "*") for action in READING))
    other, stream = a_reader(strict, *(may(action, "*") for action in READING[1:]))

    assert eventually(lambda: strict.counts().invocations[reader])
    refused = Permission(other, "dynamodb:DescribeStream", stream, granted=False)
    assert eventually(lambda: refused in strict.permissions())
    assert strict.counts().invocations[other] == 0


@pytest.mark.parametrize("allowed", [True, False])
def test_what_failed_is_kept_under_its_functions_role(strict: Emulator, allowed: bool) -> None:
    url, queue = make_queue(strict)
    statement = may("sqs:SendMessage", queue if allowed else f"{queue}-other")
    function = deploy(strict, FAILS, Role=a_role(strict, statement))
    strict.client("lambda").put_function_event_invoke_config(
        FunctionName=function,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": queue}},
    )

    strict.client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=b"{}")

    assert eventually(lambda: granted(strict, function, queue) is allowed)
    if allowed:
        assert len(eventually(lambda: messages(strict, url))) == 1
    else:
        assert messages(strict, url) == []


@pytest.mark.parametrize(
    ("there", "actions", "written"),
    [
        pytest.param(
            True, ["logs:CreateLogStream", "logs:PutLogEvents"], True, id="into the group that is there"
        ),
        pytest.param(True, ["logs:CreateLogStream"], False, id="not without the right to write"),
        pytest.param(
            False, ["logs:CreateLogStream", "logs:PutLogEvents"], False, id="into no group of its own"
        ),
    ],
)
def test_a_function_logs_under_its_role(
    strict: Emulator, there: bool, actions: list[str], written: bool
) -> None:
    function = deploy(strict, ECHO, Role=a_role(strict, *(may(action, "*") for action in actions)))
    logs, group = strict.client("logs"), f"/aws/lambda/{function}"
    if there:
        logs.create_log_group(logGroupName=group)

    invoke(strict, function, {"a": 1})

    groups = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    streams = logs.describe_log_streams(logGroupName=group)["logStreams"] if groups else []
    assert (bool(groups), bool(streams)) == (there, written)

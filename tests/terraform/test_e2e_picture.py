"""The comparison of two stacks can fail: whatever a run notices, one change of it is one line that names it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from interlock.local.emulator import Emulator
from interlock.local.stack import Stack, StackOptions
from terraform.declared_types import declared_types
from terraform.e2e_picture import COMPARED, NOT_COMPARED, Reader, differences
from terraform.provider import ROOT

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("picture")]

Change = Callable[[Stack], Any]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Emulator() as emulator:
        yield Stack(emulator, StackOptions("picture"), tmp_path_factory.mktemp("zips")).deploy()


def found_after(stack: Stack, change: Change) -> list[str]:
    reader = Reader(stack.cloud, stack.prefix)
    before = reader.picture()
    change(stack)
    return differences(before, reader.picture(), ("one", "the other"))


def function_setting(name: str, **settings: Any) -> Change:
    return lambda stack: stack.cloud.client("lambda").update_function_configuration(
        FunctionName=stack.function(name), **settings
    )


def queue_attribute(name: str, **attributes: str) -> Change:
    def change(stack: Stack) -> None:
        sqs = stack.cloud.client("sqs")
        url = sqs.get_queue_url(QueueName=f"{stack.prefix}-{name}")["QueueUrl"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)

    return change


def mapping_of(table: str, change: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> Change:
    def update(stack: Stack) -> None:
        functions = stack.cloud.client("lambda")
        (found,) = [
            each
            for each in functions.list_event_source_mappings()["EventSourceMappings"]
            if f"table/{stack.table(table)}/" in each["EventSourceArn"]
        ]
        functions.update_event_source_mapping(UUID=found["UUID"], **change(found))

    return update


def the_first_filter_alone(mapping: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"FilterCriteria": {"Filters": mapping["FilterCriteria"]["Filters"][:1]}}


def no_invocation_failures(stack: Stack) -> None:
    function = stack.function("event_sink")
    stack.cloud.client("lambda").delete_function_event_invoke_config(FunctionName=function)


def no_limit(stack: Stack) -> None:
    function = stack.function("config_sync")
    stack.cloud.client("lambda").delete_function_concurrency(FunctionName=function)


def rule_off(stack: Stack) -> None:
    stack.cloud.client("events").disable_rule(Name=f"{stack.prefix}-tick")


def target_without_dead_letters(stack: Stack) -> None:
    target = {"Id": "1", "Arn": stack.function_arn("event_sink")}
    stack.cloud.client("events").put_targets(
        Rule=f"{stack.prefix}-every-event", EventBusName=stack.bus, Targets=[target]
    )


def another_pattern(stack: Stack) -> None:
    stack.cloud.client("events").put_rule(
        Name=f"{stack.prefix}-alerts", EventBusName=stack.bus, EventPattern='{"source": ["interlock"]}'
    )


def another_definition(stack: Stack) -> None:
    states, machine = stack.cloud.client("stepfunctions"), stack.state_machine_arn
    definition = json.loads(states.describe_state_machine(stateMachineArn=machine)["definition"])
    definition["States"]["StartJob"]["TimeoutSeconds"] = 9
    states.update_state_machine(stateMachineArn=machine, definition=json.dumps(definition))


def no_expiry(stack: Stack) -> None:
    stack.cloud.client("dynamodb").update_time_to_live(
        TableName=stack.table("rerun"),
        TimeToLiveSpecification={"Enabled": False, "AttributeName": "ttl"},
    )


def nobody_notified(stack: Stack) -> None:
    stack.cloud.client("s3").put_bucket_notification_configuration(
        Bucket=stack.bucket, NotificationConfiguration={}
    )


def another_token(stack: Stack) -> None:
    stack.cloud.client("secretsmanager").put_secret_value(
        SecretId=f"{stack.prefix}/slack", SecretString="xoxb-other"
    )


def one_queue_more(stack: Stack) -> None:
    stack.cloud.client("sqs").create_queue(QueueName=f"{stack.prefix}-forgotten")


# What is changed, how, and what the line says of it: the end of its place, and a part of its values.
CHANGES: Mapping[str, tuple[Change, str, str]] = {
    "a time-out": (function_setting("watchdog", Timeout=61), "watchdog > Timeout", "60, the other has 61"),
    "a setting": (
        function_setting("event_sink", Environment={"Variables": {"EVENTS_TTL_DAYS": "90"}}),
        "event-sink > Environment > Variables > EVENTS_TABLE",
        'has "picture-interlock-events", the other has nothing',
    ),
    "a filter": (mapping_of("control", the_first_filter_alone), "FilterCriteria > Filters", "NewImage"),
    "a stream's retries": (
        mapping_of("joblog", lambda _: {"MaximumRetryAttempts": 3}),
        "stream-router > MaximumRetryAttempts",
        "1000, the other has 3",
    ),
    "where failed invocations go": (
        no_invocation_failures,
        "event-sink > InvokedLater",
        "invocation-failures-dead",
    ),
    "a function's limit": (no_limit, "config-sync > Reserved", "has 1, the other has nothing"),
    "a queue's attribute": (
        queue_attribute("alerts", VisibilityTimeout="30"),
        "alerts > VisibilityTimeout",
        '"90", the other has "30"',
    ),
    "a queue's redrive": (
        queue_attribute("alerts", RedrivePolicy=""),
        "alerts > RedrivePolicy",
        "maxReceiveCount",
    ),
    "a rule's state": (rule_off, "tick on default > State", '"ENABLED", the other has "DISABLED"'),
    "a target's dead letters": (
        target_without_dead_letters,
        "every-event on picture-interlock-events > Targets > 1 > DeadLetterConfig",
        "rule-failures-dead",
    ),
    "a pattern": (
        another_pattern,
        "alerts on picture-interlock-events > EventPattern > $or",
        "severity",
    ),
    "the state machine": (
        another_definition,
        "definition > States > StartJob > TimeoutSeconds",
        "930, the other has 9",
    ),
    "what expires": (
        no_expiry,
        "picture-interlock-rerun > TimeToLive > TimeToLiveStatus",
        '"ENABLED", the other has "DISABLED"',
    ),
    "a bucket's notification": (nobody_notified, "LambdaFunctionConfigurations", "the other has nothing"),
    "a secret": (another_token, "picture-interlock/slack", '"xoxb-local", the other has "xoxb-other"'),
    "something more": (one_queue_more, "queues > picture-interlock-forgotten", "one has nothing"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_of_one_stack_is_named(stack: Stack, what: str) -> None:
    change, place, values = CHANGES[what]

    found = found_after(stack, change)

    (named,) = [line for line in found if line.partition(": ")[0].endswith(place)]
    assert values in named


def test_each_type_of_the_module_is_compared_or_left_out_for_a_reason(stack: Stack) -> None:
    types = [each.split() for each in declared_types(ROOT / "terraform")]
    declared = {name for kind, name in types if kind == "resource"}

    assert declared == COMPARED.keys() | NOT_COMPARED.keys()
    assert not COMPARED.keys() & NOT_COMPARED.keys()
    assert set(COMPARED.values()) <= Reader(stack.cloud, stack.prefix).picture().keys()


def test_what_stays_the_same_is_no_difference(stack: Stack) -> None:
    def changes_back_and_forth(stack: Stack) -> None:
        function_setting("sla_monitor", MemorySize=512)(stack)
        function_setting("sla_monitor", MemorySize=256)(stack)

    assert found_after(stack, changes_back_and_forth) == []

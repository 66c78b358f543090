"""What the offline stand-in's `stub/emulator.py` lacks to put our module onto an emulator.

A type without an entry is made up and deployed nowhere, without a word; `test_stand_in_types.py` refuses that. Runs inside
the stand-in provider's process: `provider.py` appends the call of `extend` to its copy of that file.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

Values = Mapping[str, Any]  # a resource's attributes, by their names in Terraform
Put = Callable[[Any, Values, Values | None, Values], Mapping[str, Any] | None]


def extend(emulator: ModuleType) -> None:
    """Add our entries to the stand-in's table of types, and their functions to its class."""
    emulator.SPECS.update(specs(emulator.S))
    for name, function in PUT.items():
        setattr(emulator.Emulator, f"do_{name}", function)
    for name, undo in UNDO.items():
        setattr(emulator.Emulator, f"undo_{name}", undo)
    emulator.Emulator.do_dynamodb_table = encrypted(emulator.Emulator.do_dynamodb_table)


def specs(entry: Callable[..., dict[str, Any]]) -> dict[str, dict[str, Any]]:
    of_function, of_bucket, of_queue = (
        {"FunctionName": "{function_name}"},
        {"Bucket": "{bucket}"},
        {"QueueUrl": "{queue_url}"},
    )
    queue_is_there = ("GetQueueAttributes", {**of_queue, "AttributeNames": ["QueueArn"]})
    mapping = {"UUID": "{uuid}"}
    return {
        "aws_lambda_function_event_invoke_config": entry(
            "lambda",
            "PutFunctionEventInvokeConfig",
            ("GetFunctionEventInvokeConfig", of_function),
            ("DeleteFunctionEventInvokeConfig", of_function),
        ),
        "aws_lambda_event_source_mapping": entry(
            "lambda",
            None,
            ("GetEventSourceMapping", mapping),
            ("DeleteEventSourceMapping", mapping),
        ),
        "aws_cloudwatch_event_bus_policy": entry(
            "events",
            "PutPermission",
            ("DescribeEventBus", {"Name": "{event_bus_name}"}),
            ("RemovePermission", {"EventBusName": "{event_bus_name}", "RemoveAllPermissions": True}),
        ),
        "aws_sqs_queue_redrive_allow_policy": entry("sqs", None, queue_is_there),
        "aws_s3_bucket_notification": entry("s3", None, ("GetBucketNotificationConfiguration", of_bucket)),
        "aws_s3_bucket_public_access_block": entry(
            "s3", None, ("GetPublicAccessBlock", of_bucket), ("DeletePublicAccessBlock", of_bucket)
        ),
        # A bucket's versions end with the bucket: there is no call that takes versioning away.
        "aws_s3_bucket_versioning": entry("s3", "PutBucketVersioning", ("HeadBucket", of_bucket)),
        "aws_s3_bucket_server_side_encryption_configuration": entry(
            "s3", None, ("GetBucketEncryption", of_bucket), ("DeleteBucketEncryption", of_bucket)
        ),
        "aws_s3_bucket_lifecycle_configuration": entry(
            "s3", None, ("GetBucketLifecycleConfiguration", of_bucket), ("DeleteBucketLifecycle", of_bucket)
        ),
        "aws_s3_bucket_policy": entry(
            "s3", "PutBucketPolicy", ("GetBucketPolicy", of_bucket), ("DeleteBucketPolicy", of_bucket)
        ),
    }


def put_mapping(self: Any, values: Values, prior: Values | None, _: Values) -> Mapping[str, Any]:
    # The one attribute that is not called as the API calls it: it would be left out without a word.
    renamed = dict(values)
    if failed := first(first(values.get("destination_config")).get("on_failure")):
        renamed["destination_config"] = {"on_failure": {"destination": failed["destination_arn"]}}
    operation = "CreateEventSourceMapping" if prior is None else "UpdateEventSourceMapping"
    parameters = self.params("lambda", operation, renamed, {})
    if prior is not None:
        parameters["UUID"] = prior["uuid"]
    made = self.call("lambda", operation, parameters)
    return {
        "uuid": made["UUID"],
        "id": made["UUID"],
        "function_arn": made["FunctionArn"],
        "state": made["State"],
    }


def put_redrive_allow_policy(self: Any, values: Values, *_: Any) -> None:
    allowed = {"RedriveAllowPolicy": values["redrive_allow_policy"]}
    self.client("sqs").set_queue_attributes(QueueUrl=values["queue_url"], Attributes=allowed)


def put_notification(self: Any, values: Values, *_: Any) -> None:
    kinds = (
        ("lambda_function", "lambda_function_arn", "LambdaFunctionArn", "LambdaFunctionConfigurations"),
        ("queue", "queue_arn", "QueueArn", "QueueConfigurations"),
        ("topic", "topic_arn", "TopicArn", "TopicConfigurations"),
    )
    whole: dict[str, Any] = {"EventBridgeConfiguration": {}} if values.get("eventbridge") else {}
    for block, attribute, target, section in kinds:
        notified = [{target: each[attribute], **when(each)} for each in values.get(block) or []]
        whole |= {section: notified} if notified else {}
    self.client("s3").put_bucket_notification_configuration(
        Bucket=values["bucket"], NotificationConfiguration=whole
    )


def when(notified: Values) -> dict[str, Any]:
    rules = [
        {"Name": side, "Value": notified[f"filter_{side}"]}
        for side in ("prefix", "suffix")
        if notified.get(f"filter_{side}")
    ]
    events = {"Events": sorted(notified["events"])}
    return events | ({"Filter": {"Key": {"FilterRules": rules}}} if rules else {})


def put_no_notification(self: Any, state: Values) -> None:
    self.client("s3").put_bucket_notification_configuration(
        Bucket=state["bucket"], NotificationConfiguration={}
    )


def put_wrapped(operation: str, wrapper: str, *attributes: str) -> Put:
    """A bucket's setting whose attributes the API wants inside one parameter."""

    def put(self: Any, values: Values, *_: Any) -> None:
        inside = {name: values.get(name) for name in attributes}
        parameters = {"bucket": values["bucket"], wrapper: inside}
        self.call("s3", operation, self.params("s3", operation, parameters, {}))

    return put


def encrypted(put_table: Put) -> Put:
    """A table's own key, which the stand-in's function leaves out."""

    @functools.wraps(put_table)
    def put(self: Any, values: Values, prior: Values | None, known: Values) -> Mapping[str, Any] | None:
        made = put_table(self, values, prior, known)
        asked = first(values.get("server_side_encryption"))
        if asked.get("enabled") and asked != first((prior or {}).get("server_side_encryption")):
            key = {"KMSMasterKeyId": asked["kms_key_arn"]} if asked.get("kms_key_arn") else {}
            self.client("dynamodb").update_table(
                TableName=values["name"], SSESpecification={"Enabled": True, "SSEType": "KMS", **key}
            )
        return made

    return put


def first(blocks: Any) -> Any:
    """Of a block that may stand once, its attributes."""
    return blocks[0] if blocks else {}


PUT: Mapping[str, Put] = {
    "lambda_event_source_mapping": put_mapping,
    "sqs_queue_redrive_allow_policy": put_redrive_allow_policy,
    "s3_bucket_notification": put_notification,
    "s3_bucket_public_access_block": put_wrapped(
        "PutPublicAccessBlock",
        "PublicAccessBlockConfiguration",
        "block_public_acls",
        "block_public_policy",
        "ignore_public_acls",
        "restrict_public_buckets",
    ),
    "s3_bucket_server_side_encryption_configuration": put_wrapped(
        "PutBucketEncryption", "ServerSideEncryptionConfiguration", "rule"
    ),
    "s3_bucket_lifecycle_configuration": put_wrapped(
        "PutBucketLifecycleConfiguration", "LifecycleConfiguration", "rule"
    ),
}
UNDO: Mapping[str, Callable[[Any, Values], None]] = {"s3_bucket_notification": put_no_notification}

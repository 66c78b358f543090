"""What the stand-in's AWS provider has no answer to, and our module asks: it joins the copy's `stub/behave_aws.py`."""

from __future__ import annotations

from typing import Any

USABLE_KEY = {
    "enabled": True,
    "key_manager": "CUSTOMER",
    "key_spec": "SYMMETRIC_DEFAULT",
    "key_state": "Enabled",
    "key_usage": "ENCRYPT_DECRYPT",
}


def extend(behave_aws: Any) -> None:
    behave_aws.Behaviour.data_kms_key = key
    behave_aws.Behaviour.data_s3_bucket_notification = bucket_notification


def key(behaviour: Any, asked: dict[str, Any]) -> dict[str, Any]:
    """As the emulator knows it; without one, any ARN is that of a key that can be used."""
    arn = asked["key_id"]
    if not behaviour.emu:
        return {**USABLE_KEY, "arn": arn, "id": arn.rpartition("/")[2]}
    told = behaviour.emu.client("kms").describe_key(KeyId=arn)["KeyMetadata"]
    return {
        "arn": told["Arn"],
        "id": told["KeyId"],
        "enabled": told["Enabled"],
        "key_manager": told.get("KeyManager", "CUSTOMER"),
        "key_spec": told.get("KeySpec", "SYMMETRIC_DEFAULT"),
        "key_state": told["KeyState"],
        "key_usage": told["KeyUsage"],
    }


def bucket_notification(behaviour: Any, asked: dict[str, Any]) -> dict[str, Any]:
    """Whom the emulator's bucket notifies; without one there is no bucket, and it notifies nobody."""
    told: dict[str, Any] = {}
    if behaviour.emu:
        told = behaviour.emu.client("s3").get_bucket_notification_configuration(Bucket=asked["bucket"])
    return {
        "eventbridge": "EventBridgeConfiguration" in told,
        "lambda_function": [
            notified(each, lambda_function_arn="LambdaFunctionArn")
            for each in told.get("LambdaFunctionConfigurations", [])
        ],
        "queue": [notified(each, queue_arn="QueueArn") for each in told.get("QueueConfigurations", [])],
        "topic": [notified(each, topic_arn="TopicArn") for each in told.get("TopicConfigurations", [])],
    }


def notified(told: dict[str, Any], **target: str) -> dict[str, Any]:
    rules = told.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    filters = {rule["Name"].lower(): rule["Value"] for rule in rules}
    return {
        **{attribute: told[name] for attribute, name in target.items()},
        "events": told["Events"],
        "filter_prefix": filters.get("prefix", ""),
        "filter_suffix": filters.get("suffix", ""),
        "id": told.get("Id", ""),
    }

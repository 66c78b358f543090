"""What the offline stand-in's `stub/behave_aws.py` lacks: data sources that answer with what the emulator has.

Without an answer of their own their computed values are made up. Runs inside the stand-in provider's process, like
`emulator_additions.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

Config = Mapping[str, Any]  # what the configuration asks for


def extend(behave_aws: ModuleType) -> None:
    """Give the stand-in's provider an answer for each of these data sources."""
    behave_aws.Behaviour.data_s3_bucket_notification = bucket_notification
    behave_aws.Behaviour.data_kms_key = kms_key


def bucket_notification(self: Any, config: Config) -> dict[str, Any]:
    """Without an emulator no bucket exists, so none notifies anybody."""
    nobody: dict[str, Any] = {"eventbridge": False, "lambda_function": [], "queue": [], "topic": []}
    if not self.emu:
        return nobody
    found = self.emu.client("s3").get_bucket_notification_configuration(Bucket=config["bucket"])
    return {
        "eventbridge": "EventBridgeConfiguration" in found,
        "lambda_function": notified(found, "LambdaFunctionConfigurations", "LambdaFunctionArn"),
        "queue": notified(found, "QueueConfigurations", "QueueArn"),
        "topic": notified(found, "TopicConfigurations", "TopicArn"),
    }


def notified(found: Mapping[str, Any], section: str, target: str) -> list[dict[str, Any]]:
    attribute = {
        "LambdaFunctionArn": "lambda_function_arn",
        "QueueArn": "queue_arn",
        "TopicArn": "topic_arn",
    }[target]
    return [
        {
            attribute: each[target],
            "events": each["Events"],
            "filter_prefix": filtered(each, "prefix"),
            "filter_suffix": filtered(each, "suffix"),
            "id": each.get("Id", ""),
        }
        for each in found.get(section, [])
    ]


def filtered(notification: Mapping[str, Any], side: str) -> str:
    rules = notification.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    return next((rule["Value"] for rule in rules if rule["Name"].lower() == side), "")


def kms_key(self: Any, config: Config) -> dict[str, Any]:
    """The key as KMS describes it; without an emulator, an enabled key of the customer's that has the name asked for."""
    if self.emu:
        found = self.emu.client("kms").describe_key(KeyId=config["key_id"])["KeyMetadata"]
        managed_by = found.get("KeyManager", "CUSTOMER")
        arn, enabled, usage = found["Arn"], found["Enabled"], found["KeyUsage"]
    else:
        # Keys that AWS manages are asked for by their alias: `alias/aws/sqs`.
        managed_by = "AWS" if ":alias/aws/" in f":{config['key_id']}" else "CUSTOMER"
        arn, enabled, usage = config["key_id"], True, "ENCRYPT_DECRYPT"
    return {
        "arn": arn,
        "enabled": enabled,
        "key_manager": managed_by,
        "key_spec": "SYMMETRIC_DEFAULT",
        "key_usage": usage,
        "key_state": "Enabled" if enabled else "Disabled",
    }

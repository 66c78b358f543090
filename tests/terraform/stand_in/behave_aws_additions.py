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

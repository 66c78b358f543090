"""What no retry helped is kept on the embedded stack in AWS's own form: batches of a stream in S3, asynchronous events in SQS.

Runs inside the emulator's process; ministack knows no destination in S3, and counts a throttle as a failed try.
"""

from __future__ import annotations

import contextvars
import json
import logging
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from interlock.local.emulator_deliveries import may_keep

lambdas: Any = import_module("ministack.services.lambda_svc")
events: Any = import_module("ministack.services.eventbridge")
s3: Any = import_module("ministack.services.s3")

log = logging.getLogger("interlock.emulator")

JsonObject = dict[str, Any]

SHARD = "shardId-00000000000000000000-00000000"  # a stream has one here
THROTTLED_AGAIN_SECONDS = 1.0


@dataclass(frozen=True)
class GivenUp:
    """Records of a stream that Lambda passes by."""

    records: list[JsonObject]  # all of the batch, filtered ones included
    payload: JsonObject  # what the function was called with
    invocations: int
    condition: str
    result: JsonObject  # of the last invocation


def keep_batch(mapping: JsonObject, function: JsonObject, given_up: GivenUp) -> None:
    """To the mapping's destination: the whole invocation if that is a bucket, else what ministack sends."""
    destination = ((mapping.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination", "")
    if ":s3:" not in destination:
        lambdas._send_ddb_stream_failure_record(
            mapping,
            function,
            given_up.records,
            mapping["EventSourceArn"],
            given_up.result,
            given_up.condition,
        )
        return
    at = datetime.now(UTC)
    record = invocation_record(mapping, function, given_up, at)
    bucket, key = destination.rpartition(":")[2], object_key(mapping["UUID"], at)
    if not may_keep(function, destination, key):
        return
    status, _, answer = s3._put_object(bucket, key, json.dumps(record).encode(), {})
    if status != 200:
        log.warning("a failed batch is lost, %s does not take it: %s %s", bucket, status, answer)


def object_key(mapping_id: str, at: datetime) -> str:
    """https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html"""
    return f"aws/lambda/{mapping_id}/{SHARD}/{at:%Y/%m/%d}/{at:%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"


def invocation_record(
    mapping: JsonObject, function: JsonObject, given_up: GivenUp, at: datetime
) -> JsonObject:
    """As the page above has it: `payload` is the invocation's event, as text."""
    first, last = (given_up.records[index]["dynamodb"] for index in (0, -1))
    return {
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "functionArn": function["config"]["FunctionArn"],
            "condition": given_up.condition,
            "approximateInvokeCount": given_up.invocations,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled" if given_up.result.get("error") else None,
        },
        "version": "1.0",
        "timestamp": milliseconds(at),
        "DDBStreamBatchInfo": {
            "shardId": SHARD,
            "startSequenceNumber": first["SequenceNumber"],
            "endSequenceNumber": last["SequenceNumber"],
            "approximateArrivalOfFirstRecord": arrival(first),
            "approximateArrivalOfLastRecord": arrival(last),
            "batchSize": len(given_up.records),
            "streamArn": mapping["EventSourceArn"],
        },
        "payload": json.dumps(given_up.payload),
    }


def arrival(record: JsonObject) -> str:
    at = datetime.fromtimestamp(record["ApproximateCreationDateTime"], UTC)
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def milliseconds(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Patience:
    """How long Lambda tries an asynchronous event, and where it puts what it gives up."""

    retries: int
    max_age_seconds: int
    destination: str

    @staticmethod
    def of(function: JsonObject) -> Patience:
        chosen = function.get("event_invoke_config") or {}
        kept = (chosen.get("DestinationConfig") or {}).get("OnFailure") or {}
        return Patience(
            retries=int(chosen.get("MaximumRetryAttempts", 2)),
            max_age_seconds=int(chosen.get("MaximumEventAgeInSeconds", 21600)),
            destination=kept.get("Destination", ""),
        )


def invoke_asynchronously(function: JsonObject, event: Any) -> None:
    """Returns at once. A throttle costs no attempt: the event waits for its turn until it is too old.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
    """
    threading.Thread(
        target=contextvars.copy_context().run, args=(try_event, function, event), daemon=True
    ).start()


def try_event(function: JsonObject, event: Any) -> None:
    config = function["config"]
    account, region = lambdas._account_region_from_function_config(config)
    lambdas._request_account_id.set(account)
    lambdas._request_region.set(region)
    patience, name = Patience.of(function), config["FunctionName"]
    condition, invocations, result = tried(lambda: lambdas._execute_function(function, event), patience, name)
    if condition and patience.destination and may_keep(function, patience.destination):
        record = failed_event(config["FunctionArn"], event, condition, invocations, result)
        events._dispatch_to_sqs(lambdas.parse_arn(patience.destination), json.dumps(record))


def tried(call: Callable[[], JsonObject], patience: Patience, name: str) -> tuple[str, int, JsonObject]:
    """Why it was given up ("" if it was not), the number of invocations, and the last answer."""
    begun, failures = time.monotonic(), 0
    while True:
        result = call()
        if result.get("log"):
            log.info("%s, asynchronously (attempt %s):\n%s", name, failures + 1, result["log"])
        if not result.get("error"):
            return "", failures + 1, result
        failures += 0 if result.get("throttle") else 1
        if failures > patience.retries:
            return "RetriesExhausted", failures, result
        pause = THROTTLED_AGAIN_SECONDS if result.get("throttle") else backoff(failures)
        if time.monotonic() - begun + pause > patience.max_age_seconds:
            return "EventAgeExceeded", failures, result
        time.sleep(pause)


def backoff(failures: int) -> float:
    """One minute and two on AWS; seconds here, as ministack has it."""
    first: float = lambdas._LAMBDA_ASYNC_RETRY_BASE_SECONDS
    longest: float = lambdas._LAMBDA_ASYNC_RETRY_MAX_SECONDS
    return min(first * 2.0 ** (failures - 1), longest)


def failed_event(
    function_arn: str, event: Any, condition: str, invocations: int, result: JsonObject
) -> JsonObject:
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"""
    record = {
        "version": "1.0",
        "timestamp": milliseconds(datetime.now(UTC)),
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "functionArn": f"{function_arn}:$LATEST",
            "condition": condition,
            "approximateInvokeCount": invocations,
        },
        "requestPayload": event,
    }
    if not invocations:  # too old before it was ever let in
        return record
    answered = {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    return record | {"responseContext": answered, "responsePayload": result["body"]}

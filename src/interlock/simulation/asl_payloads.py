"""JSON that goes in and out of tasks and states: its limit, its text, and what a Lambda call answers."""

from __future__ import annotations

import json
from typing import Any

from interlock.simulation.asl_errors import DATA_LIMIT_EXCEEDED, FunctionError, StateError

# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
_LARGEST_BYTES = 256 * 1024
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def invoke_result(answer: Any, request: str) -> dict[str, Any]:
    # https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html
    return {
        "ExecutedVersion": "$LATEST",
        "Payload": answer,
        "SdkHttpMetadata": {"HttpHeaders": {}, "HttpStatusCode": 200},
        "SdkResponseMetadata": {"RequestId": request[:32]},
        "StatusCode": 200,
    }


def as_lambda_reports(error: FunctionError) -> StateError:
    cause = json.dumps({"errorMessage": error.message, "errorType": error.error_type})
    return StateError(error.error_type, cause)


def fitting(value: Any, what: str) -> str:
    """The value as JSON text, if Step Functions would carry it."""
    text = _ENCODER.encode(value)
    if len(text) * 4 > _LARGEST_BYTES and len(text.encode("utf-8", "surrogatepass")) > _LARGEST_BYTES:
        raise StateError(DATA_LIMIT_EXCEEDED, f"{what}: more than {_LARGEST_BYTES} bytes")
    return text


def parse_json(text: str) -> Any:
    return json.loads(text, parse_constant=_no_constant)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")

"""What single fields of a definition accept; ValueError says what was expected."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

LONGEST_SECONDS = 99_999_999
_INVOKE_ARGUMENTS = {"FunctionName", "Payload"}
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def seconds_from(low: int) -> Callable[[Any], int]:
    def convert(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float) or value % 1 != 0:
            raise ValueError(f"must be a whole number of seconds, not {value!r}")
        if not low <= value <= LONGEST_SECONDS:
            raise ValueError(f"must be from {low} to {LONGEST_SECONDS} seconds, not {value!r}")
        return int(value)

    return convert


def boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {value!r}")
    return value


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be a string, not {value!r}")
    return value


def instant(value: Any) -> datetime:
    if not _TIMESTAMP.fullmatch(text(value)):
        raise ValueError(f"must be a timestamp like 2024-08-18T17:33:00Z, not {value!r}")
    # "Step Functions considers the time value up to seconds and truncates milliseconds."
    return datetime.fromisoformat(value).replace(microsecond=0)


def invocation(value: Any) -> Any:
    if not isinstance(value, dict) or "FunctionName" not in value or not value.keys() <= _INVOKE_ARGUMENTS:
        raise ValueError("the simulator covers FunctionName, which is required, and Payload")
    if not value["FunctionName"] or not isinstance(value["FunctionName"], str):
        raise ValueError(f"FunctionName must be a name or an ARN, not {value['FunctionName']!r}")
    return value

"""Which HTTP status codes are failures, and which of them pass; read alike for `http` answers and a Lambda's `statusCode`."""

from __future__ import annotations

from typing import Any

from interlock.domain.run import FailureCategory

# Request Timeout, Too Early and Too Many Requests are about the moment, not about the request.
# https://www.iana.org/assignments/http-status-codes
_PASSING = frozenset({408, 425, 429})


def failure_category(status: Any) -> FailureCategory | None:
    """None for what is no failure: below 400, or not a status code at all."""
    try:
        code = int(status)
    except (TypeError, ValueError, OverflowError):
        return None
    if code < 400:
        return None
    return FailureCategory.TRANSIENT if code in _PASSING or code >= 500 else FailureCategory.PERMANENT

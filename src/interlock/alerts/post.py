"""One POST of JSON to an alert channel, and what its answer means: taken, try again later, or never."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import urllib3

from interlock.ports import DeliveryError

_TIMEOUT = urllib3.Timeout(connect=3.05, read=10)  # seconds; the claim of a thread outlasts two such posts
_LARGEST_ANSWER = 64 * 1024  # bytes
_LONGEST_WAIT = 900  # seconds
_UNREACHABLE_WAIT = 5  # seconds for everybody: the other alerts of the batch need not time out as well
# Refusals that pass: time-out, too early, too many. https://www.rfc-editor.org/rfc/rfc9110#name-408-request-timeout
_PASSING = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def post_json(
    http: urllib3.PoolManager, channel: str, url: str, body: Any, headers: Mapping[str, str] | None = None
) -> Answer:
    """Post once. A `DeliveryError` names `channel`, never the address or a header: they may be secret."""
    try:
        response = http.request(
            "POST",
            url,
            body=json.dumps(body).encode(),
            headers={"Content-Type": "application/json; charset=utf-8", **(headers or {})},
            timeout=_TIMEOUT,
            # SQS brings the message back, with a back-off that outlives this function. Redirects neither: the secret
            # is not for whoever they lead to.
            retries=False,
            preload_content=False,
        )
        try:
            return Answer(
                response.status, response.headers, response.read(_LARGEST_ANSWER, decode_content=False)
            )
        finally:
            response.close()
    except urllib3.exceptions.HTTPError as error:
        # `from None`: the error's own text holds the path, which is a webhook's secret.
        message = f"{channel} cannot be reached: {type(error).__name__}"
        raise DeliveryError(message, permanent=False, retry_after_seconds=_UNREACHABLE_WAIT) from None


def refuse_status(channel: str, answer: Answer) -> None:
    """Raise `DeliveryError` for every status but 2xx."""
    if 200 <= answer.status < 300:
        return
    passing = answer.status in _PASSING or answer.status >= 500
    raise DeliveryError(
        f"{channel} answered {answer.status}",
        permanent=not passing,
        retry_after_seconds=retry_after_seconds(answer.headers) if passing else None,
    )


def retry_after_seconds(headers: Mapping[str, str]) -> int | None:
    """`Retry-After`, whether seconds or a date, from 1 to 900; None when it is absent or unreadable."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return min(max(int(value[:9]), 1), _LONGEST_WAIT)
    try:
        # Against the answer's own Date: our clock and theirs need not agree.
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("Date", ""))
    except (ValueError, TypeError, OverflowError):  # TypeError: one has a zone, the other has none
        return None
    return min(max(int(wait.total_seconds()), 1), _LONGEST_WAIT)

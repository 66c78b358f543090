"""The one place where what botocore raises becomes `CallFailed`; every port on AWS calls through here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # botocore's own: connect time-outs and refused connections
    HTTPClientError,
    IncompleteReadError,
)
from botocore.parsers import ResponseParserError

from interlock.aws.attribute_value import Unstorable
from interlock.ports import CallFailed

# Also when the last try could not connect: of those the SDK makes, one before it may have got through.
_ANSWER_NEVER_READ = (ConnectionError, HTTPClientError, IncompleteReadError, ResponseParserError)
_LONGEST_MESSAGE = 1000


@contextmanager
def calling(call: str) -> Iterator[None]:
    """Around one AWS call, `<boto3 service>.<Operation>`: what botocore raises leaves as `CallFailed`."""
    try:
        yield
    except ClientError as error:
        # A 5xx says nothing about whether the write took place.
        # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
        unknown = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500
        message = error.response.get("Error", {}).get("Message", "")
        raise CallFailed(
            call, error_code(error), message[:_LONGEST_MESSAGE], unknown_outcome=unknown
        ) from error
    except (BotoCoreError, ResponseParserError) as error:
        name, message = type(error).__name__, str(error)[:_LONGEST_MESSAGE]
        raise CallFailed(
            call, name, message, unknown_outcome=isinstance(error, _ANSWER_NEVER_READ)
        ) from error
    except Unstorable as error:
        raise CallFailed(call, "ValidationException", str(error)) from error


def error_code(error: ClientError) -> str:
    """The service's own name for what went wrong."""
    return error.response.get("Error", {}).get("Code", "Unknown")

"""What an AWS job service's error means: may trying again help, and may the call have taken effect all the same?"""

from __future__ import annotations

import re
from collections.abc import Container

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    ParamValidationError,
    ProxyConnectionError,
    SSLError,
)
from botocore.parsers import ResponseParserError

from interlock.domain.plain_text import one_line
from interlock.ports import CallFailed, TriggerError

# What a job service's client may raise. Raise the `refusal` with `from None`: botocore's own message of a request that
# is not valid quotes the request, secrets included.
AWS_ERRORS = (ClientError, BotoCoreError, ResponseParserError, CallFailed)

_NEVER_SENT = (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError, CredentialRetrievalError)
_NEVER_HEARD = (HTTPClientError, IncompleteReadError, ResponseParserError, SSLError)
# Throttled or busy; the first of these come with HTTP 400, so the status alone does not tell.
# https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
_PASSING = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "LimitExceededException",
        "BandwidthLimitExceeded",
        "SlowDown",
        "PriorRequestNotComplete",
        "KmsThrottlingException",
        # The credentials are renewed by the next call. https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
    }
)
# The service broke while it worked, or gave up waiting for itself: the call may have taken effect.
_BROKEN = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "InternalServerException",
        "InternalServiceException",
        "ServiceException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "OperationTimeoutException",
        "RequestTimeout",
        "RequestTimeoutException",
    }
)
_PASSING_STATUS = frozenset({408, 425, 429})
# Whoever asks is refused, whatever is asked for. https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
_NO_ACCESS = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "KmsAccessDeniedException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "NotAuthorized",
        "OptInRequired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)


def code_of(error: Exception) -> str:
    """The service's own name for what went wrong, or that of botocore's error."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "Unknown"))
    return error.code if isinstance(error, CallFailed) else type(error).__name__


def refusal(
    what: str, error: Exception, *, passing: Container[str] = (), lasting: Container[str] = ()
) -> TriggerError:
    """`passing` and `lasting` are the service's own codes that pass or do not; in both cases the call did nothing."""
    code, message = code_of(error), f"{what}: {_words(error)}"
    if code in lasting:
        return TriggerError(message, permanent=True)
    if isinstance(error, CallFailed) and error.unknown_outcome:
        return TriggerError(message, permanent=False, unknown_outcome=True)
    if code in passing or code in _PASSING or isinstance(error, _NEVER_SENT):
        return TriggerError(message, permanent=False)
    status = _status(error)
    if _never_heard(error) or code in _BROKEN or status >= 500:
        return TriggerError(message, permanent=False, unknown_outcome=True)
    # What is left are bad requests, missing things and missing rights (4xx), and a client that is set up wrongly.
    return TriggerError(message, permanent=status not in _PASSING_STATUS)


def not_told(what: str, error: Exception) -> TriggerError:
    """The service did not say how a job goes on. Rights that are being changed come back, and the job knows nothing of them."""
    refused = refusal(what, error)
    no_access = code_of(error) in _NO_ACCESS or isinstance(error, NoCredentialsError)
    return TriggerError(str(refused), permanent=refused.permanent and not no_access)


def look_up_failed(what: str, error: Exception) -> TriggerError:
    """The service did not say whether an earlier try started the job: that stays unknown, whatever the reason."""
    refused = refusal(f"{what}: looking for the job that an earlier try may have started", error)
    return TriggerError(str(refused), permanent=refused.permanent, unknown_outcome=True)


def _status(error: Exception) -> int:
    if isinstance(error, ClientError):
        return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    return 0


def _never_heard(error: Exception) -> bool:
    return isinstance(error, _NEVER_HEARD)


def _words(error: Exception) -> str:
    if isinstance(error, ParamValidationError):
        names = re.findall(r"parameter:? (?:in \w+: )?\"?([\w.\-\[\]]+)", str(error))
        return f"the request is not valid: check {', '.join(dict.fromkeys(names)) or 'job.config'}"
    if isinstance(error, ClientError):
        return one_line(f"{code_of(error)}: {error.response.get('Error', {}).get('Message', '')}", 500)
    return one_line(str(error) if isinstance(error, CallFailed) else f"{code_of(error)}: {error}", 500)

"""Lambda functions: asked and waited for, or invoked with `async: true` and reported by a `JOB#` record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from interlock.domain.plain_text import one_line
from interlock.domain.run import JobEnd, Outcome
from interlock.ports import JobRequest, JobTrigger, StartedJob, TriggerError
from interlock.triggers.aws_refusal import AWS_ERRORS, refusal
from interlock.triggers.background import begin
from interlock.triggers.job_config import required_text, text_or_json
from interlock.triggers.status_code import failure_category
from interlock.triggers.unknown_outcome import answer_lost, found_nowhere

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

    from interlock.triggers.outside import Outside

# Said before the function's code is run, so nothing was started.
# https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
_PASSING = frozenset(
    {
        "CodeArtifactUserPendingException",
        "EC2ThrottledException",
        "EC2UnexpectedException",
        "EFSMountConnectivityException",
        "EFSMountTimeoutException",
        "ENILimitReachedException",
        "ENINotReadyException",
        "ResourceConflictException",  # the function is being created or changed
        "ResourceNotReadyException",
        "S3FilesMountConnectivityException",
        "S3FilesMountTimeoutException",
        "ServiceException",
        "SnapStartNotReadyException",
        "SnapStartRegenerationFailureException",  # Lambda tries that again by itself
        "SnapStartTimeoutException",
        "SubnetIPAddressLimitReachedException",
        "TooManyRequestsException",
    }
)
# These come as 502, though only somebody who repairs the function can help.
_LASTING = frozenset(
    {
        "EC2AccessDeniedException",
        "InvalidRuntimeException",
        "InvalidSecurityGroupIDException",
        "InvalidSubnetIDException",
        "InvalidZipFileException",
        "KMSAccessDeniedException",
        "KMSDisabledException",
        "KMSInvalidStateException",
        "KMSNotFoundException",
    }
)


class LambdaTrigger(JobTrigger):
    """Config: `functionName`, `payload` (without one: the period as JSON), `async`."""

    can_be_asked = False

    def __init__(self, outside: Outside) -> None:
        self._lambda: LambdaClient = outside.clients("lambda")
        self._in_background = outside.in_background

    def start(self, request: JobRequest) -> StartedJob:
        function = required_text(request.config, "functionName")
        payload = text_or_json(request, "payload").encode()
        handle = {"functionName": function, "runId": request.run_id}
        if request.config.get("async"):
            self._invoke(request, function, payload, asynchronous=True)
            return StartedJob(handle)
        call = partial(self._answer, request, function, payload)
        return StartedJob(handle, answer=begin(call, self._in_background))

    def find(self, request: JobRequest) -> None:
        return found_nowhere(request, f"Lambda function {request.config.get('functionName')}")

    def status(self, handle: Mapping[str, Any]) -> Outcome | None:
        raise TriggerError(
            f"Lambda function {handle['functionName']} cannot be asked for its end", permanent=True
        )

    def cancel(self, handle: Mapping[str, Any]) -> None:
        raise TriggerError(f"Lambda function {handle['functionName']} cannot be stopped", permanent=True)

    def _answer(self, request: JobRequest, function: str, payload: bytes) -> Outcome:
        answer = self._invoke(request, function, payload, asynchronous=False)
        return outcome_of(answer["body"], answer["error"])

    def _invoke(
        self, request: JobRequest, function: str, payload: bytes, *, asynchronous: bool
    ) -> dict[str, Any]:
        kind: Any = "Event" if asynchronous else "RequestResponse"
        what = f"Lambda function {function}"
        try:
            answer = self._lambda.invoke(FunctionName=function, InvocationType=kind, Payload=payload)
            # Read here: a connection that breaks while the payload comes in loses the answer as well.
            return {"body": answer["Payload"].read(), "error": answer.get("FunctionError")}
        except AWS_ERRORS as error:
            refused = refusal(what, error, passing=_PASSING, lasting=_LASTING)
            if refused.unknown_outcome:
                raise answer_lost(request, what, str(refused)) from None
            raise refused from None


def outcome_of(body: bytes, function_error: str | None) -> Outcome:
    """A function fails by raising, or by answering as an HTTP service does, with a `statusCode` of 400 or more."""
    try:
        answer = json.loads(body) if body else None
    except (ValueError, RecursionError):
        answer = None
    told = answer if isinstance(answer, dict) else {}
    if function_error:
        words = ": ".join(str(told[key]) for key in ("errorType", "errorMessage") if told.get(key))
        return Outcome(JobEnd.FAIL, error=f"FunctionError {function_error}: {one_line(words, 800)}")
    category = failure_category(told.get("statusCode"))
    if category is None:
        return Outcome(JobEnd.SUCCESS)
    text = one_line(str(told.get("body", "")), 800)
    return Outcome(JobEnd.FAIL, error=f"statusCode {told['statusCode']}: {text}", category=category)

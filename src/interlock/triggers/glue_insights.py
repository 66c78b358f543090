"""Glue calls a run a success when its script swallowed a failed Spark job: do its job run insights record one?

https://docs.aws.amazon.com/glue/latest/dg/monitor-job-insights.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from interlock.domain.plain_text import one_line
from interlock.ports import TriggerError
from interlock.triggers.aws_refusal import AWS_ERRORS, code_of, refusal

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_glue.type_defs import JobRunTypeDef

# Spark gave the job up. Its tasks and stages have records of their own, but are tried again, and mostly succeed then; and
# `GlueETLJobExceptionEvent` is the script's own exception, which ends a run that Glue itself calls FAILED.
_JOB_FAILED = "GlueExceptionAnalysisJobFailed"
# Of the matching records; what does not match is left out by the service, and a page may be empty.
_PAGES = 10
# Until 4.0 the streams stand beside those of continuous logging, since 5.0 in the error log group.
# https://docs.aws.amazon.com/glue/latest/dg/monitor-continuous-logging-enable.html
# https://docs.aws.amazon.com/glue/latest/dg/migrating-version-50.html
_GROUP, _GROUP_ARGUMENT = "/aws-glue/jobs/logs-v2", "--continuous-log-logGroup"
_GROUP_PREFIX, _GROUP_PREFIX_ARGUMENT = "/aws-glue/jobs", "--custom-logGroup-prefix"
_STREAM_PREFIX_ARGUMENTS = ("--continuous-log-logStreamPrefix", "--custom-logStream-prefix")


def recorded_failure(glue: GlueClient, clients: Callable[[str], Any], job: str, run_id: str) -> str | None:
    """What the insights of a run that Glue calls a success say against it. `TriggerError` when nobody can look.

    They are looked at once, when the run's end is known. Spark writes its record when the job fails, which is well before
    the run ends; one that comes later still is not waited for, since a good run has no stream at all: waiting for
    that would hold back every success.
    """
    what = f"job run insights of Glue run {run_id}"
    try:
        run = glue.get_job_run(JobName=job, RunId=run_id)["JobRun"]
        arguments = _arguments(glue, job, run)
        if arguments.get("--enable-job-insights", "false").lower() == "false":
            return None
        if any(name in arguments for name in _STREAM_PREFIX_ARGUMENTS):
            raise TriggerError(f"{what}: they stand in a log stream that other runs share", permanent=True)
        logs = clients("logs")
        return _first_failure(_messages(logs, _group(run, arguments), _stream(run_id), what))
    except AWS_ERRORS as error:
        raise refusal(what, error) from None


def _arguments(glue: GlueClient, job: str, run: JobRunTypeDef) -> Mapping[str, str]:
    """A run tells only of what it was given beside the arguments of its job."""
    defined = glue.get_job(JobName=job)["Job"]
    own, lasting = defined.get("DefaultArguments", {}), defined.get("NonOverridableArguments", {})
    return {**own, **run.get("Arguments", {}), **lasting}


def _group(run: JobRunTypeDef, arguments: Mapping[str, str]) -> str:
    major = run.get("GlueVersion", "").partition(".")[0]
    if major.isdecimal() and int(major) >= 5:
        group = f"{arguments.get(_GROUP_PREFIX_ARGUMENT, _GROUP_PREFIX)}/error"
    else:
        group = arguments.get(_GROUP_ARGUMENT, _GROUP)
    security = run.get("SecurityConfiguration")
    return f"{group}-{security}" if security else group


def _stream(run_id: str) -> str:
    return f"{run_id}-job-insights-rca-driver"


def _messages(logs: Any, group: str, stream: str, what: str) -> Iterator[str]:
    """Those that name a failed job. None without a stream, which is what a good run looks like."""
    # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
    asked: dict[str, Any] = {"logGroupName": group, "logStreamNames": [stream]}
    asked["filterPattern"] = f'"{_JOB_FAILED}"'
    for _ in range(_PAGES):
        try:
            page = logs.filter_log_events(**asked)
        except AWS_ERRORS as error:
            if code_of(error) == "ResourceNotFoundException":
                return
            raise
        yield from (str(event.get("message", "")) for event in page.get("events", []))
        if not page.get("nextToken"):
            return
        asked["nextToken"] = page["nextToken"]
    raise TriggerError(f"{what}: the log stream does not end within {_PAGES} pages", permanent=True)


def _first_failure(messages: Iterator[str]) -> str | None:
    for message in messages:
        record = _record(message)
        if record.get("Event") == _JOB_FAILED:
            why = one_line(str(record.get("Failure Reason") or "no reason given"), 800)
            return f"called a success, but its Glue job run insights record a failed Spark job: {why}"
    return None


def _record(message: str) -> Mapping[str, Any]:
    """The JSON behind the words that a log line begins with; empty for plain text."""
    start = message.find("{")
    if start < 0:
        return {}
    try:
        record: Mapping[str, Any] = json.JSONDecoder().raw_decode(message, start)[0]
    except (ValueError, RecursionError):
        return {}
    return record

"""Glue jobs. A start is made repeatable by a tag among the arguments: the runs of the job are looked through for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from interlock.domain.run import Outcome
from interlock.ports import JobRequest, JobTrigger, StartedJob, TriggerError
from interlock.triggers.aws_refusal import AWS_ERRORS, code_of, look_up_failed, not_told, refusal
from interlock.triggers.glue_insights import recorded_failure
from interlock.triggers.glue_states import outcome_of
from interlock.triggers.job_config import optional_mapping, required_text, scalar_text

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_glue.type_defs import JobRunTypeDef

    from interlock.triggers.outside import Outside

TAG = "--interlock_run_id"
# Too many runs of the job or the account: passes when one of them ends.
# https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-exceptions.html
_PASSING = frozenset({"ConcurrentRunsExceededException", "ResourceNumberLimitExceededException"})
# The runs come newest first, and the earlier try is minutes old: a thousand runs in between are more than an account has.
# https://docs.aws.amazon.com/glue/latest/webapi/API_GetJobRuns.html
_PAGES, _PAGE_SIZE = 5, 200
_CLOCKS_DIFFER = timedelta(minutes=5)  # Glue's and ours, at most


class GlueTrigger(JobTrigger):
    """Config: `jobName`, `arguments`, `verifyInsights`. Glue's own `MaxRetries` should be 0: Interlock counts the tries."""

    publishes_end = True

    def __init__(self, outside: Outside) -> None:
        self._glue: GlueClient = outside.clients("glue")
        self._clients = outside.clients

    def start(self, request: JobRequest) -> StartedJob:
        job = required_text(request.config, "jobName")
        try:
            started = self._glue.start_job_run(JobName=job, Arguments=_arguments(request))
        except AWS_ERRORS as error:
            raise refusal(f"Glue job {job}", error, passing=_PASSING) from None
        return _started(request, started["JobRunId"])

    def find(self, request: JobRequest) -> StartedJob | None:
        job = required_text(request.config, "jobName")
        try:
            runs = self._runs_since(request.since, job, request.run_id)
            tagged = (run for run in runs if run.get("Arguments", {}).get(TAG) == request.run_id)
            # A retry of Glue's own has the same arguments; the run we started is the one without a predecessor.
            run_id = next((run["Id"] for run in tagged if not run.get("PreviousRunId")), None)
        except AWS_ERRORS as error:
            raise look_up_failed(f"Glue job {job}", error) from None
        return None if run_id is None else _started(request, run_id)

    def status(self, handle: Mapping[str, Any]) -> Outcome | None:
        run = self._run(handle)
        return outcome_of(str(run.get("JobRunState", "")), run.get("ErrorMessage"))

    def cancel(self, handle: Mapping[str, Any]) -> None:
        job, run_id = handle["jobName"], handle["jobRunId"]
        try:
            answer = self._glue.batch_stop_job_run(JobName=job, JobRunIds=[run_id])
        except AWS_ERRORS as error:
            if code_of(error) == "EntityNotFoundException":
                return
            raise refusal(f"Glue job {job}", error) from None
        for failure in answer.get("Errors", []):
            # A run that has ended or is being stopped cannot be stopped, which is as good.
            if self._run(handle).get("JobRunState") in ("STARTING", "RUNNING", "WAITING"):
                code = failure.get("ErrorDetail", {}).get("ErrorCode", "Unknown")
                raise TriggerError(f"Glue job {job}: run {run_id} was not stopped: {code}", permanent=False)

    def disproof(self, handle: Mapping[str, Any]) -> str | None:
        if handle.get("verifyInsights") is False:
            return None
        return recorded_failure(self._glue, self._clients, handle["jobName"], handle["jobRunId"])

    def _run(self, handle: Mapping[str, Any]) -> JobRunTypeDef:
        try:
            return self._glue.get_job_run(JobName=handle["jobName"], RunId=handle["jobRunId"])["JobRun"]
        except AWS_ERRORS as error:
            raise not_told(f"Glue job {handle['jobName']}", error) from None

    def _runs_since(self, since: datetime | None, job: str, run_id: str) -> Iterator[JobRunTypeDef]:
        """Newest first; raises when there are so many that what is sought may lie beyond."""
        more: Any = {}
        for _ in range(_PAGES):
            page = self._glue.get_job_runs(JobName=job, MaxResults=_PAGE_SIZE, **more)
            for run in page["JobRuns"]:
                if since is not None and run.get("StartedOn", since) < since - _CLOCKS_DIFFER:
                    return
                yield run
            if not page.get("NextToken"):
                return
            more = {"NextToken": page["NextToken"]}
        raise TriggerError(
            f"unknown outcome: Glue job {job} has too many runs to look through; has one the argument {TAG} {run_id}?",
            permanent=True,
            unknown_outcome=True,
        )


def _started(request: JobRequest, run_id: str) -> StartedJob:
    # The choice goes along: by the time the run has ended, the config may say something else.
    verified = request.config.get("verifyInsights") is not False
    handle = {"jobName": request.config["jobName"], "jobRunId": run_id, "verifyInsights": verified}
    return StartedJob(handle, remote_id=run_id)


def _arguments(request: JobRequest) -> dict[str, str]:
    """What the user wrote counts before what we add, except for the tag. A name is given its `--` where it lacks it."""
    told = {"--par_day": request.values["PAR_DAY"], "--par_hour": request.values["PAR_HOUR"]}
    written = {
        name if name.startswith("--") else f"--{name}": scalar_text(value)
        for name, value in optional_mapping(request.config, "arguments").items()
    }
    # A daily run has no hour. An argument without a value would swallow the next one, so there is none.
    return {name: value for name, value in told.items() if value} | written | {TAG: request.run_id}

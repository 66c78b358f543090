"""Job runs of EMR Serverless applications. A start is repeatable by its client token, the run id, which is its name too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from interlock.domain.run import Outcome
from interlock.ports import JobRequest, JobTrigger, StartedJob, TriggerError
from interlock.triggers.aws_refusal import AWS_ERRORS, code_of, look_up_failed, not_told, refusal
from interlock.triggers.emr_states import JOB_RUN_CAN_BE_CANCELLED, job_run_outcome
from interlock.triggers.job_config import optional_mapping, required_text

if TYPE_CHECKING:
    from mypy_boto3_emr_serverless import EMRServerlessClient
    from mypy_boto3_emr_serverless.type_defs import JobRunSummaryTypeDef, JobRunTypeDef

    from interlock.triggers.outside import Outside

# The account is at its limit, or the application is changing its state: both pass.
# https://docs.aws.amazon.com/emr-serverless/latest/APIReference/API_StartJobRun.html
_PASSING = frozenset({"ServiceQuotaExceededException", "ConflictException"})
# https://docs.aws.amazon.com/emr-serverless/latest/APIReference/API_ListJobRuns.html
_PAGES, _PAGE_SIZE = 20, 50
_CLOCKS_DIFFER = timedelta(minutes=5)


class EmrServerlessTrigger(JobTrigger):
    """Config: `applicationId`, `executionRoleArn`, `jobDriver`, `configurationOverrides`, `executionTimeoutMinutes`.

    The placeholders alone tell a job run its period.
    """

    publishes_end = True

    def __init__(self, outside: Outside) -> None:
        self._emr: EMRServerlessClient = outside.clients("emr-serverless")

    def start(self, request: JobRequest) -> StartedJob:
        asked = _asked(request)
        try:
            started = self._emr.start_job_run(**asked)
        except AWS_ERRORS as error:
            raise _refused_start(asked["applicationId"], error) from None
        return _started(asked["applicationId"], started["jobRunId"])

    def find(self, request: JobRequest) -> StartedJob | None:
        """None is certain enough: should the list lag behind, the client token keeps the next start from being a second.

        For how long a token is remembered is not documented, so the list is asked first.
        """
        application = required_text(request.config, "applicationId")
        try:
            runs = self._runs_since(request.since, application, request.run_id)
            run_id = next((run["id"] for run in runs if run.get("name") == request.run_id), None)
        except AWS_ERRORS as error:
            raise look_up_failed(f"EMR Serverless application {application}", error) from None
        return None if run_id is None else _started(application, run_id)

    def status(self, handle: Mapping[str, Any]) -> Outcome | None:
        run = self._run(handle)
        return job_run_outcome(run["state"], run.get("stateDetails"))

    def cancel(self, handle: Mapping[str, Any]) -> None:
        application, run_id = handle["applicationId"], handle["jobRunId"]
        try:
            self._emr.cancel_job_run(applicationId=application, jobRunId=run_id)
        except AWS_ERRORS as error:
            if code_of(error) == "ResourceNotFoundException":
                return
            refused = refusal(f"EMR Serverless application {application}", error)
            # A run that has ended or is being cancelled cannot be cancelled, which is as good.
            if not refused.permanent or self._run(handle)["state"] in JOB_RUN_CAN_BE_CANCELLED:
                raise refused from None

    def _run(self, handle: Mapping[str, Any]) -> JobRunTypeDef:
        application, run_id = handle["applicationId"], handle["jobRunId"]
        try:
            return self._emr.get_job_run(applicationId=application, jobRunId=run_id)["jobRun"]
        except AWS_ERRORS as error:
            raise not_told(f"EMR Serverless application {application}, job run {run_id}", error) from None

    def _runs_since(
        self, since: datetime | None, application: str, run_id: str
    ) -> Iterator[JobRunSummaryTypeDef]:
        """Raises when there are so many that what is sought may lie beyond."""
        more: Any = {} if since is None else {"createdAtAfter": since - _CLOCKS_DIFFER}
        for _ in range(_PAGES):
            page = self._emr.list_job_runs(applicationId=application, maxResults=_PAGE_SIZE, **more)
            yield from page["jobRuns"]
            if not page.get("nextToken"):
                return
            more = {**more, "nextToken": page["nextToken"]}
        raise TriggerError(
            f"unknown outcome: EMR Serverless application {application} has too many job runs to look through; is "
            f"there one whose name is {run_id}?",
            permanent=True,
            unknown_outcome=True,
        )


def _started(application: str, run_id: str) -> StartedJob:
    return StartedJob({"applicationId": application, "jobRunId": run_id}, remote_id=run_id)


def _refused_start(application: str, error: Exception) -> TriggerError:
    refused = refusal(f"EMR Serverless application {application}", error, passing=_PASSING)
    # Or else the conflict is with an earlier try that used the token for another config: its job is looked for.
    conflict = code_of(error) == "ConflictException"
    return TriggerError(
        str(refused), permanent=refused.permanent, unknown_outcome=refused.unknown_outcome or conflict
    )


def _asked(request: JobRequest) -> dict[str, Any]:
    config = request.config
    driver = optional_mapping(config, "jobDriver")
    if not driver:
        raise TriggerError("job.config.jobDriver must be a mapping: sparkSubmit or hive", permanent=True)
    asked = {
        "applicationId": required_text(config, "applicationId"),
        "clientToken": request.run_id,
        "name": request.run_id,
        "executionRoleArn": required_text(config, "executionRoleArn"),
        "jobDriver": driver,
        "configurationOverrides": optional_mapping(config, "configurationOverrides") or None,
        "executionTimeoutMinutes": config.get("executionTimeoutMinutes"),
    }
    return {name: value for name, value in asked.items() if value is not None}

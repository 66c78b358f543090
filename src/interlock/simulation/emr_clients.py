"""boto3's clients of EMR and EMR Serverless, as far as the adapters call them, over `JobServices`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from interlock.simulation.job_answers import Publish, Words, begun, client_error, pipeline_of, state_of
from interlock.simulation.job_services import Job, JobServices, pipeline_being_started
from interlock.simulation.our_calls import OurCalls

_STEP_WORDS = Words(stopped="CANCELLED", timeout="FAILED", lasting="CANCELLED", succeeded="COMPLETED")
_JOB_RUN_WORDS = Words(stopped="CANCELLED", timeout="CANCELLED", lasting="CANCELLED", succeeded="SUCCESS")
_STEPS_A_PAGE = 50


class EmrClient:
    """https://docs.aws.amazon.com/emr/latest/APIReference/API_Operations.html"""

    def __init__(self, jobs: JobServices, calls: OurCalls, publish: Publish) -> None:
        self._jobs, self._calls, self._publish = jobs, calls, publish

    def add_job_flow_steps(self, JobFlowId: str, Steps: Sequence[Any]) -> dict[str, Any]:
        (step,) = Steps
        jar_step = step["HadoopJarStep"]
        config = {
            "clusterId": JobFlowId,
            "name": step["Name"],
            "jar": jar_step["Jar"],
            "args": jar_step["Args"],
        }
        with self._calls.calling("emr.AddJobFlowSteps", pipeline_being_started()):
            job = begun("AddJobFlowSteps", lambda: self._jobs.begin("emr", config, self._tell))
        return {"StepIds": [job.name]}

    def list_steps(self, ClusterId: str, Marker: str = "0") -> dict[str, Any]:
        with self._calls.calling("emr.ListSteps", pipeline_being_started()):
            steps = [self._step(job) for job in self._of(ClusterId)][::-1]
        end = int(Marker) + _STEPS_A_PAGE
        more = {"Marker": str(end)} if len(steps) > end else {}
        return {"Steps": steps[int(Marker) : end], **more}

    def describe_step(self, ClusterId: str, StepId: str) -> dict[str, Any]:
        job = self._find(ClusterId, StepId)
        with self._calls.calling("emr.DescribeStep", pipeline_of(job)):
            if job is None:
                raise client_error("DescribeStep", "InvalidRequestException")
            return {"Step": self._step(job)}

    def cancel_steps(self, ClusterId: str, StepIds: Sequence[str]) -> dict[str, Any]:
        (step_id,) = StepIds
        job = self._find(ClusterId, step_id)
        with self._calls.calling("emr.CancelSteps", pipeline_of(job)):
            stopped = job is not None and self._jobs.stop(job)
            if stopped and job is not None:
                self._tell(job)
        return {"CancelStepsInfoList": [{"StepId": step_id, "Status": "SUBMITTED" if stopped else "FAILED"}]}

    def _of(self, cluster: str) -> Iterator[Job]:
        steps = (job for job in self._jobs.jobs if job.service == "emr")
        return (job for job in steps if job.record.config["clusterId"] == cluster)

    def _find(self, cluster: str, step_id: str) -> Job | None:
        return next((job for job in self._of(cluster) if job.name == step_id), None)

    def _step(self, job: Job) -> dict[str, Any]:
        status: dict[str, Any] = {
            "State": self._state(job),
            "Timeline": {"CreationDateTime": job.record.started_at},
        }
        if job.has_ended(self._jobs.clock.now()) and job.play.error:
            status["FailureDetails"] = {"Message": job.play.error}
        return {"Id": job.name, "Name": job.record.config["name"], "Status": status}

    def _state(self, job: Job) -> str:
        return state_of(job, self._jobs.clock.now(), _STEP_WORDS)

    def _tell(self, job: Job) -> None:
        # https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-service-limits-cloudwatch-events.html
        detail = {
            "severity": "INFO",
            "actionOnFailure": "CONTINUE",
            "stepId": job.name,
            "name": job.record.config["name"],
            "clusterId": job.record.config["clusterId"],
            "state": self._state(job),
            "message": job.play.error or "Step ended",
        }
        self._publish("aws.emr", "EMR Step Status Change", detail)


class EmrServerlessClient:
    """https://docs.aws.amazon.com/emr-serverless/latest/APIReference/API_Operations.html"""

    def __init__(self, jobs: JobServices, calls: OurCalls, publish: Publish) -> None:
        self._jobs, self._calls, self._publish = jobs, calls, publish

    def start_job_run(self, applicationId: str, clientToken: str, **asked: Any) -> dict[str, Any]:
        config = {"applicationId": applicationId, "clientToken": clientToken, **asked}
        with self._calls.calling("emr-serverless.StartJobRun", pipeline_being_started()):
            same = (job for job in self._of(applicationId) if job.record.config["clientToken"] == clientToken)
            begin = self._jobs.begin
            job = next(same, None) or begun(
                "StartJobRun", lambda: begin("emr-serverless", config, self._tell)
            )
        return {"applicationId": applicationId, "jobRunId": job.name}

    def list_job_runs(
        self, applicationId: str, maxResults: int, createdAtAfter: datetime, nextToken: str = "0"
    ) -> dict[str, Any]:
        with self._calls.calling("emr-serverless.ListJobRuns", pipeline_being_started()):
            since = (job for job in self._of(applicationId) if job.record.started_at > createdAtAfter)
            runs = [{"id": job.name, "name": job.record.config["name"]} for job in since]
        end = int(nextToken) + maxResults
        more = {"nextToken": str(end)} if len(runs) > end else {}
        return {"jobRuns": runs[int(nextToken) : end], **more}

    def get_job_run(self, applicationId: str, jobRunId: str) -> dict[str, Any]:
        job = self._find(applicationId, jobRunId)
        with self._calls.calling("emr-serverless.GetJobRun", pipeline_of(job)):
            if job is None:
                raise client_error("GetJobRun", "ResourceNotFoundException")
            return {"jobRun": {"state": self._state(job), "stateDetails": job.play.error or ""}}

    def cancel_job_run(self, applicationId: str, jobRunId: str) -> dict[str, Any]:
        job = self._find(applicationId, jobRunId)
        with self._calls.calling("emr-serverless.CancelJobRun", pipeline_of(job)):
            if job is None:
                raise client_error("CancelJobRun", "ResourceNotFoundException")
            if not self._jobs.stop(job):
                raise client_error("CancelJobRun", "ValidationException")
            self._tell(job)
        return {"applicationId": applicationId, "jobRunId": jobRunId}

    def _of(self, application: str) -> Iterator[Job]:
        runs = (job for job in self._jobs.jobs if job.service == "emr-serverless")
        return (job for job in runs if job.record.config["applicationId"] == application)

    def _find(self, application: str, run_id: str) -> Job | None:
        return next((job for job in self._of(application) if job.name == run_id), None)

    def _state(self, job: Job) -> str:
        return state_of(job, self._jobs.clock.now(), _JOB_RUN_WORDS)

    def _tell(self, job: Job) -> None:
        # https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/using-eventbridge.html
        detail = {
            "jobRunId": job.name,
            "applicationId": job.record.config["applicationId"],
            "state": self._state(job),
            "previousState": "RUNNING",
        }
        self._publish("aws.emr-serverless", "EMR Serverless Job Run State Change", detail)

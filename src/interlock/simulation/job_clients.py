"""boto3's clients of the job services, as far as the adapters call them, over `JobServices`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from io import BytesIO
from typing import Any

from botocore.exceptions import ReadTimeoutError

from interlock.simulation.invocations import TIMER
from interlock.simulation.job_answers import Publish, Words, begun, client_error, pipeline_of, state_of
from interlock.simulation.job_services import Job, JobServices, no_one, pipeline_being_started
from interlock.simulation.our_calls import OurCalls
from interlock.simulation.scenario import JobResult
from interlock.simulation.waiting import answer_at
from interlock.triggers.outside import ANSWER_SECONDS

_RUN_WORDS = Words(stopped="STOPPED", timeout="TIMEOUT", lasting="ERROR")
_EXECUTION_WORDS = Words(stopped="ABORTED", timeout="TIMED_OUT", lasting="ABORTED")


class GlueClient:
    """https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-runs.html"""

    def __init__(self, jobs: JobServices, calls: OurCalls, publish: Publish) -> None:
        self._jobs, self._calls, self._publish = jobs, calls, publish

    def start_job_run(self, JobName: str, Arguments: Mapping[str, str]) -> dict[str, Any]:
        with self._calls.calling("glue.StartJobRun", pipeline_being_started()):
            config = {"jobName": JobName, "arguments": dict(Arguments)}
            job = begun("StartJobRun", lambda: self._jobs.begin("glue", config, self._tell))
        return {"JobRunId": job.name}

    def get_job_runs(self, JobName: str, MaxResults: int) -> dict[str, Any]:
        with self._calls.calling("glue.GetJobRuns", pipeline_being_started()):
            of_job = (job for job in reversed(self._jobs.jobs) if _is_run_of(job, JobName))
            runs = [self._run(job) for job in of_job][:MaxResults]
        return {"JobRuns": runs}

    def get_job_run(self, JobName: str, RunId: str) -> dict[str, Any]:
        job = self._find(JobName, RunId)
        with self._calls.calling("glue.GetJobRun", pipeline_of(job)):
            if job is None:
                raise client_error("GetJobRun", "EntityNotFoundException")
            return {"JobRun": self._run(job)}

    def get_job(self, JobName: str) -> dict[str, Any]:
        runs = (job for job in reversed(self._jobs.jobs) if _is_run_of(job, JobName))
        with self._calls.calling("glue.GetJob", pipeline_of(next(runs, None))):
            return {"Job": {"Name": JobName, "DefaultArguments": {"--enable-job-insights": "true"}}}

    def batch_stop_job_run(self, JobName: str, JobRunIds: list[str]) -> dict[str, Any]:
        found = [(run_id, self._find(JobName, run_id)) for run_id in JobRunIds]
        first = found[0][1]
        with self._calls.calling("glue.BatchStopJobRun", pipeline_of(first)):
            stopped = {run_id: job is not None and self._stop(job) for run_id, job in found}
        errors = [
            {"JobName": JobName, "JobRunId": run_id, "ErrorDetail": {"ErrorCode": "InvalidInputException"}}
            for run_id, done in stopped.items()
            if not done
        ]
        return {"Errors": errors}

    def _stop(self, job: Job) -> bool:
        stopped = self._jobs.stop(job)
        if stopped:
            self._tell(job)
        return stopped

    def _find(self, name: str, run_id: str) -> Job | None:
        runs = (job for job in self._jobs.jobs if _is_run_of(job, name) and job.name == run_id)
        return next(runs, None)

    def _run(self, job: Job) -> dict[str, Any]:
        run = {
            "Id": job.name,
            "JobName": job.record.config["jobName"],
            "Arguments": job.record.config["arguments"],
            "JobRunState": self._state(job),
            "GlueVersion": "5.0",
        }
        if job.has_ended(self._jobs.clock.now()) and job.play.error:
            run["ErrorMessage"] = job.play.error
        return run

    def _state(self, job: Job) -> str:
        return state_of(job, self._jobs.clock.now(), _RUN_WORDS)

    def _tell(self, job: Job) -> None:
        # https://docs.aws.amazon.com/glue/latest/dg/automating-awsglue-with-cloudwatch-events.html
        detail = {
            "jobName": job.record.config["jobName"],
            "jobRunId": job.name,
            "state": self._state(job),
            "severity": "INFO",
            "message": job.play.error or "Job run ended",
        }
        self._publish("aws.glue", "Glue Job State Change", detail)


def _is_run_of(job: Job, name: str) -> bool:
    return job.service == "glue" and job.record.config["jobName"] == name


class StatesClient:
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_Operations.html"""

    def __init__(self, jobs: JobServices, calls: OurCalls, publish: Publish) -> None:
        self._jobs, self._calls, self._publish = jobs, calls, publish

    def start_execution(self, stateMachineArn: str, name: str, input: str) -> dict[str, Any]:
        execution = f"{stateMachineArn.replace(':stateMachine:', ':execution:')}:{name}"
        with self._calls.calling("stepfunctions.StartExecution", pipeline_being_started(), "a job"):
            same = self._find(execution)
            if same is None:
                config = {"stateMachineArn": stateMachineArn, "input": _parsed(input)}
                begin = self._jobs.begin
                begun("StartExecution", lambda: begin("stepfunctions", config, self._tell, execution))
            elif same.has_ended(self._jobs.clock.now()) or same.record.config["input"] != _parsed(input):
                raise client_error("StartExecution", "ExecutionAlreadyExists")
        return {"executionArn": execution}

    def describe_execution(self, executionArn: str) -> dict[str, Any]:
        job = self._find(executionArn)
        with self._calls.calling("stepfunctions.DescribeExecution", pipeline_of(job), "a job"):
            if job is None:
                raise client_error("DescribeExecution", "ExecutionDoesNotExist")
            return self._execution(job)

    def stop_execution(self, executionArn: str, **_: Any) -> dict[str, Any]:
        job = self._find(executionArn)
        with self._calls.calling("stepfunctions.StopExecution", pipeline_of(job), "a job"):
            if job is None:
                raise client_error("StopExecution", "ExecutionDoesNotExist")
            if self._jobs.stop(job):
                self._tell(job)
        return {}

    def _find(self, execution: str) -> Job | None:
        jobs = self._jobs.jobs
        return next((job for job in jobs if job.service == "stepfunctions" and job.name == execution), None)

    def _execution(self, job: Job) -> dict[str, Any]:
        state = state_of(job, self._jobs.clock.now(), _EXECUTION_WORDS)
        ended = {"error": "Failed", "cause": job.play.error} if state != "RUNNING" and job.play.error else {}
        return {"executionArn": job.name, "status": state, **ended}

    def _tell(self, job: Job) -> None:
        # https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
        self._publish("aws.states", "Step Functions Execution Status Change", self._execution(job))


class LambdaClient:
    """https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html"""

    def __init__(self, jobs: JobServices, calls: OurCalls, call_back: Callable[[Job], None]) -> None:
        self._jobs, self._calls, self._call_back = jobs, calls, call_back

    def invoke(self, FunctionName: str, InvocationType: str, Payload: bytes) -> dict[str, Any]:
        asynchronous = InvocationType == "Event"
        config = {"functionName": FunctionName, "payload": _parsed(Payload.decode())}
        tell = self._call_back if asynchronous else no_one
        begin = self._jobs.begin
        with self._calls.calling("lambda.Invoke", pipeline_being_started(), "a job"):
            job = self._jobs.repeated("lambda") or begun("Invoke", lambda: begin("lambda", config, tell))
            if asynchronous:
                return {"StatusCode": 202, "Payload": BytesIO(b"")}
            clock = self._jobs.clock
            gives_up_at = clock.now() + timedelta(seconds=ANSWER_SECONDS + 10)
            answer_at(clock, gives_up_at if job.ends_at is None else min(job.ends_at, gives_up_at))
            if not job.has_ended(clock.now()):
                raise ReadTimeoutError(endpoint_url="lambda")
            clock.give_way(TIMER)  # the job's own report was written before the function returned
        return _function_answer(job)


def _function_answer(job: Job) -> dict[str, Any]:
    play = job.play
    if play.answer is None and play.result is JobResult.FAIL:
        told = {"errorType": "Error", "errorMessage": play.error or "the job failed"}
        return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": BytesIO(_json(told))}
    return {"StatusCode": 200, "Payload": BytesIO(_json(play.answer))}


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text

"""boto3's clients of the job services, as far as the adapters call them, over `JobServices`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from io import BytesIO
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from interlock.domain.run import FailureCategory
from interlock.simulation.aws_clients import refusal
from interlock.simulation.clock import VirtualClock
from interlock.simulation.faults import SERVER_ERRORS
from interlock.simulation.invocations import TIMER
from interlock.simulation.job_services import Job, JobServices, Refused, no_one, pipeline_being_started
from interlock.simulation.our_calls import OurCalls
from interlock.simulation.scenario import JobResult
from interlock.simulation.waiting import answer_at
from interlock.triggers.outside import ANSWER_SECONDS

# Of an event on the default bus: source, detail-type, detail.
Publish = Callable[[str, str, Mapping[str, Any]], None]


class GlueClient:
    """https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-runs.html"""

    def __init__(self, jobs: JobServices, calls: OurCalls, publish: Publish) -> None:
        self._jobs, self._calls, self._publish = jobs, calls, publish

    def start_job_run(self, JobName: str, Arguments: Mapping[str, str]) -> dict[str, Any]:
        with self._calls.calling("glue.StartJobRun", pipeline_being_started()):
            config = {"jobName": JobName, "arguments": dict(Arguments)}
            job = _begun("StartJobRun", lambda: self._jobs.begin("glue", config, self._tell))
        return {"JobRunId": job.name}

    def get_job_runs(self, JobName: str, MaxResults: int) -> dict[str, Any]:
        with self._calls.calling("glue.GetJobRuns", pipeline_being_started()):
            of_job = (job for job in reversed(self._jobs.jobs) if _is_run_of(job, JobName))
            runs = [self._run(job) for job in of_job][:MaxResults]
        return {"JobRuns": runs}

    def get_job_run(self, JobName: str, RunId: str) -> dict[str, Any]:
        job = self._find(JobName, RunId)
        with self._calls.calling("glue.GetJobRun", _pipeline_of(job)):
            if job is None:
                raise _client_error("GetJobRun", "EntityNotFoundException")
        return {"JobRun": self._run(job)}

    def get_job(self, JobName: str) -> dict[str, Any]:
        runs = (job for job in reversed(self._jobs.jobs) if _is_run_of(job, JobName))
        with self._calls.calling("glue.GetJob", _pipeline_of(next(runs, None))):
            return {"Job": {"Name": JobName, "DefaultArguments": {"--enable-job-insights": "true"}}}

    def batch_stop_job_run(self, JobName: str, JobRunIds: list[str]) -> dict[str, Any]:
        found = [(run_id, self._find(JobName, run_id)) for run_id in JobRunIds]
        first = found[0][1]
        with self._calls.calling("glue.BatchStopJobRun", _pipeline_of(first)):
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
        states = {"stopped": "STOPPED", "timeout": "TIMEOUT", "lasting": "ERROR"}
        return _state(job, self._jobs.clock, states)

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
        with self._calls.calling("stepfunctions.StartExecution", pipeline_being_started()):
            same = self._find(execution)
            if same is None:
                config = {"stateMachineArn": stateMachineArn, "input": _parsed(input)}
                begin = self._jobs.begin
                _begun("StartExecution", lambda: begin("stepfunctions", config, self._tell, execution))
            elif same.has_ended(self._jobs.clock.now()) or same.record.config["input"] != _parsed(input):
                raise _client_error("StartExecution", "ExecutionAlreadyExists")
        return {"executionArn": execution}

    def describe_execution(self, executionArn: str) -> dict[str, Any]:
        job = self._find(executionArn)
        with self._calls.calling("stepfunctions.DescribeExecution", _pipeline_of(job)):
            if job is None:
                raise _client_error("DescribeExecution", "ExecutionDoesNotExist")
        return self._execution(job)

    def stop_execution(self, executionArn: str, **_: Any) -> dict[str, Any]:
        job = self._find(executionArn)
        with self._calls.calling("stepfunctions.StopExecution", _pipeline_of(job)):
            if job is None:
                raise _client_error("StopExecution", "ExecutionDoesNotExist")
            if self._jobs.stop(job):
                self._tell(job)
        return {}

    def _find(self, execution: str) -> Job | None:
        jobs = self._jobs.jobs
        return next((job for job in jobs if job.service == "stepfunctions" and job.name == execution), None)

    def _execution(self, job: Job) -> dict[str, Any]:
        states = {"stopped": "ABORTED", "timeout": "TIMED_OUT", "lasting": "ABORTED"}
        state = _state(job, self._jobs.clock, states)
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
        with self._calls.calling("lambda.Invoke", pipeline_being_started()):
            job = self._jobs.repeated("lambda") or _begun("Invoke", lambda: begin("lambda", config, tell))
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


def _pipeline_of(job: Job | None) -> str | None:
    return None if job is None else job.record.pipeline_id


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _state(job: Job, clock: VirtualClock, states: Mapping[str, str]) -> str:
    """What the service says of the job, in its own words."""
    if job.stopped:
        return states["stopped"]
    if not job.has_ended(clock.now()):
        return "RUNNING"
    if job.play.state is not None:
        return job.play.state
    if job.play.result is JobResult.SUCCEED:
        return "SUCCEEDED"
    if job.play.category is FailureCategory.TIMEOUT:
        return states["timeout"]
    # A job that can still speak says itself that its failure will last; of a silent one only the state can tell.
    silent = not job.play.sends_event and job.play.category is FailureCategory.PERMANENT
    return states["lasting"] if silent else "FAILED"


def _begun(operation: str, begin: Callable[[], Job]) -> Job:
    try:
        return begin()
    except Refused as refused:
        raise _client_error(operation, str(refused)) from None


def _client_error(operation: str, code: str) -> ClientError:
    status = 500 if code in SERVER_ERRORS else 400
    return refusal(operation, code, "the scenario refuses this call", status)

"""AWS Glue as its API speaks (AWS JSON 1.1), and as it tells of a job's end on the default bus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.local.job_services import JobRun, JobRuns, RunState, TooManyRuns
from interlock.local.stand_in import Answer, Asked, Event, aws_operation, aws_refusal


class Glue:
    """`Dialect`. A job is known by its name. https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-runs.html"""

    service = "glue"

    def operation(self, asked: Asked) -> str:
        return aws_operation(asked)

    def answer(self, operation: str, asked: Asked, runs: JobRuns) -> Answer:
        known = {
            "StartJobRun": _start,
            "GetJob": _get_job,
            "GetJobRuns": _get_runs,
            "GetJobRun": _get_run,
            "BatchStopJobRun": _stop,
        }
        if operation not in known:
            knows = ", ".join(known)
            return aws_refusal("InvalidInputException", f"this stand-in knows {knows}, not {operation}")
        job = str(asked.body.get("JobName"))
        if not runs.knows(job):
            return aws_refusal("EntityNotFoundException", f"Job {job} is not found")
        return known[operation](job, asked.body, runs)

    def end_event(self, run: JobRun) -> Event:
        # https://docs.aws.amazon.com/glue/latest/dg/automating-awsglue-with-cloudwatch-events.html
        detail = {
            "jobName": run.job,
            "jobRunId": run.id,
            "state": str(run.state),
            "severity": "ERROR" if run.state is RunState.FAILED else "INFO",
            "message": run.error or "Job run succeeded",
        }
        return Event("aws.glue", "Glue Job State Change", detail)


def _start(job: str, request: Mapping[str, Any], runs: JobRuns) -> Answer:
    try:
        run = runs.begin(job, dict(request.get("Arguments") or {}), lambda number: f"jr_{number:06d}").run
    except TooManyRuns:
        return aws_refusal("ConcurrentRunsExceededException", f"Concurrent runs exceeded for {job}")
    return Answer(200, {"JobRunId": run.id}, starts_job=True)


def _get_job(job: str, _: Mapping[str, Any], __: JobRuns) -> Answer:
    """Its runs have insights, which are in the emulator's logs, if anywhere."""
    return Answer(200, {"Job": {"Name": job, "DefaultArguments": {"--enable-job-insights": "true"}}})


def _get_runs(job: str, request: Mapping[str, Any], runs: JobRuns) -> Answer:
    newest_first = list(reversed(runs.of(job)))[: int(request.get("MaxResults", 200))]
    return Answer(200, {"JobRuns": [_described(run) for run in newest_first]})


def _get_run(job: str, request: Mapping[str, Any], runs: JobRuns) -> Answer:
    run = runs.find(str(request.get("RunId")), job)
    if run is None:
        return aws_refusal("EntityNotFoundException", "the run is not found")
    return Answer(200, {"JobRun": _described(run)})


def _stop(job: str, request: Mapping[str, Any], runs: JobRuns) -> Answer:
    successful, errors = [], []
    for run_id in request.get("JobRunIds") or []:
        run = runs.find(run_id, job)
        if run is None or not run.is_alive:
            detail = {"ErrorCode": "JobRunNotInTerminalStateException", "ErrorMessage": "the run has ended"}
            errors.append({"JobName": job, "JobRunId": run_id, "ErrorDetail": detail})
            continue
        run.stop.set()
        successful.append({"JobName": job, "JobRunId": run_id})
    return Answer(200, {"SuccessfulSubmissions": successful, "Errors": errors})


def _described(run: JobRun) -> dict[str, Any]:
    described: dict[str, Any] = {
        "Id": run.id,
        "JobName": run.job,
        "GlueVersion": "5.0",
        "JobRunState": str(run.state),
        "Arguments": dict(run.arguments),
        "StartedOn": run.started_at,
    }
    described |= {"ErrorMessage": run.error} if run.error else {}
    return described | ({"CompletedOn": run.ended_at} if run.ended_at else {})

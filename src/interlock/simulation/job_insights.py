"""CloudWatch Logs, as far as it holds the job run insights of played Glue runs."""

from __future__ import annotations

import json
from typing import Any

from interlock.simulation.aws_clients import refusal
from interlock.simulation.job_services import Job, JobServices
from interlock.simulation.our_calls import OurCalls
from interlock.simulation.scenario import Insight

_GROUP = "/aws-glue/jobs/error"


class LogsClient:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html"""

    def __init__(self, jobs: JobServices, calls: OurCalls) -> None:
        self._jobs, self._calls = jobs, calls

    def filter_log_events(
        self, logGroupName: str, logStreamNames: list[str], filterPattern: str
    ) -> dict[str, Any]:
        named = (job for job in self._jobs.jobs if job.service == "glue" and _stream(job) in logStreamNames)
        job = next(named, None)
        pipeline = None if job is None else job.record.pipeline_id
        with self._calls.calling("logs.FilterLogEvents", pipeline, logGroupName):
            insight = None if job is None or logGroupName != _GROUP else job.play.insight
            if insight is None:
                raise refusal("FilterLogEvents", "ResourceNotFoundException", "the log stream does not exist")
        message = _message(insight)
        wanted = filterPattern.strip('"') in message
        return {"events": [{"message": message}] if wanted else []}


def _stream(job: Job) -> str:
    return f"{job.name}-job-insights-rca-driver"


def _message(insight: Insight) -> str:
    event = f"GlueExceptionAnalysis{insight.failed.capitalize()}Failed"
    return f"[Glue Exception Analysis] {json.dumps({'Event': event, 'Failure Reason': insight.reason})}"

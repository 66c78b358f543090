"""`Functions` on Lambda: our own functions, invoked without waiting for them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from interlock.aws.errors import calling
from interlock.ports import DueRun

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class LambdaFunctions:
    """Asynchronous invocations: Lambda queues them, and retries or dead-letters what fails."""

    def __init__(self, client: LambdaClient, orchestrator_arn: str, config_sync_arn: str) -> None:
        self._client = client
        self._orchestrator_arn, self._config_sync_arn = orchestrator_arn, config_sync_arn

    def orchestrate(self, runs: Sequence[DueRun]) -> None:
        self._invoke(self._orchestrator_arn, {"step": "CheckRuns", "runs": [_run(due) for due in runs]})

    def sync_configs(self) -> None:
        self._invoke(self._config_sync_arn, {})

    def _invoke(self, arn: str, payload: Mapping[str, Any]) -> None:
        with calling("lambda.Invoke"):
            self._client.invoke(FunctionName=arn, InvocationType="Event", Payload=json.dumps(payload))


def _run(due: DueRun) -> dict[str, Any]:
    return {
        "pipelineId": due.key.pipeline_id,
        "scheduleId": due.key.schedule_id,
        "date": due.key.date,
        "waitsFor": due.waits_for,
        "tries": due.tries,
    }

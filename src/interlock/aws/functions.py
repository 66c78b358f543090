"""`Functions` and `SlaMonitor` on Lambda: our own functions, invoked without waiting for them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from interlock.aws.errors import calling
from interlock.domain.promise import PromiseKind
from interlock.domain.run import RunKey
from interlock.ports import DueRun

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class LambdaFunctions:
    """Asynchronous invocations: Lambda queues them, and retries or dead-letters what fails."""

    def __init__(
        self, client: LambdaClient, orchestrator_arn: str, config_sync_arn: str, watchdog_arn: str
    ) -> None:
        self._client, self._watchdog_arn = client, watchdog_arn
        self._orchestrator_arn, self._config_sync_arn = orchestrator_arn, config_sync_arn

    def orchestrate(self, runs: Sequence[DueRun]) -> None:
        payload = {"step": "CheckRuns", "runs": [_run(due) for due in runs]}
        _invoke(self._client, self._orchestrator_arn, payload)

    def sync_configs(self) -> None:
        _invoke(self._client, self._config_sync_arn, {})

    def sweep(self) -> None:
        _invoke(self._client, self._watchdog_arn, {"sweep": True})


class LambdaSlaMonitor:
    """`SlaMonitor`, as the stream router reaches it."""

    def __init__(self, client: LambdaClient, arn: str) -> None:
        self._client, self._arn = client, arn

    def mirror_deadline(self, kind: PromiseKind, key: RunKey) -> None:
        _invoke(self._client, self._arn, {"action": "mirror", **promise_payload(kind, key)})


def promise_payload(kind: PromiseKind, key: RunKey) -> dict[str, Any]:
    """Which promise, as sla-monitor reads it."""
    run = {"pipelineId": key.pipeline_id, "scheduleId": key.schedule_id, "date": key.date}
    return {"kind": str(kind), "run": run}


def _invoke(client: LambdaClient, arn: str, payload: Mapping[str, Any]) -> None:
    with calling("lambda.Invoke"):
        client.invoke(FunctionName=arn, InvocationType="Event", Payload=json.dumps(payload))


def _run(due: DueRun) -> dict[str, Any]:
    return {
        "pipelineId": due.key.pipeline_id,
        "scheduleId": due.key.schedule_id,
        "date": due.key.date,
        "waitsFor": due.waits_for,
        "tries": due.tries,
    }

"""boto3 clients of the services that our own functions call, as far as `aws/` calls them: in memory, each call counted."""

from __future__ import annotations

import hashlib
import json
from bisect import insort
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

from botocore.exceptions import ClientError

from interlock.simulation.asl import StateMachineWalker
from interlock.simulation.asl_errors import ExecutionAlreadyExists, InvalidToken, TaskTimedOut
from interlock.simulation.our_calls import OurCalls, current_invocation

_PAGE = 1000
PutEvent = Callable[[Mapping[str, Any]], None]
InvokeAsync = Callable[[str, Mapping[str, Any], str | None], None]  # of which pipeline, if of one


def refusal(operation: str, code: str, message: str, status: int = 400) -> ClientError:
    """What boto3 raises when the service refuses."""
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]  # nobody reads the rest of the metadata
        operation,
    )


class WorkflowClient:
    """Step Functions, for our own state machine."""

    def __init__(self, machine: StateMachineWalker, calls: OurCalls) -> None:
        self._machine, self._calls = machine, calls
        self.pipeline_of_token: dict[str, str] = {}
        self.pipeline_of_execution: dict[str, str] = {}

    def start_execution(self, *, name: str, input: str, **_: Any) -> dict[str, Any]:
        pipeline = json.loads(input)["run"]["pipelineId"]
        with self._calls.calling("stepfunctions.StartExecution", pipeline, "our own"):
            try:
                arn = self._machine.start(name, input)
            except ExecutionAlreadyExists:
                raise refusal("StartExecution", "ExecutionAlreadyExists", "the name is taken") from None
            self.pipeline_of_execution[name] = pipeline
        return {"executionArn": arn}

    def send_task_success(self, *, taskToken: str, output: str) -> dict[str, Any]:
        return self._send(
            "SendTaskSuccess", taskToken, lambda: self._machine.send_task_success(taskToken, output)
        )

    def send_task_failure(self, *, taskToken: str, error: str, cause: str) -> dict[str, Any]:
        return self._send(
            "SendTaskFailure", taskToken, lambda: self._machine.send_task_failure(taskToken, error, cause)
        )

    def _send(self, operation: str, token: str, send: Callable[[], None]) -> dict[str, Any]:
        pipeline = self.pipeline_of_token.get(token)
        with self._calls.calling(f"stepfunctions.{operation}", pipeline, "our own"):
            try:
                send()
            except TaskTimedOut:
                raise refusal(operation, "TaskTimedOut", "the task is closed") from None
            except InvalidToken:
                raise refusal(operation, "InvalidToken", "no task has this token") from None
        return {}


class EventsClient:
    """EventBridge: what is put goes to the rules' targets."""

    def __init__(self, calls: OurCalls, put: PutEvent) -> None:
        self._calls, self._put = calls, put

    def put_events(self, *, Entries: list[Mapping[str, Any]]) -> dict[str, Any]:
        details = [json.loads(entry["Detail"]) for entry in Entries]
        with self._calls.calling("events.PutEvents", details[0].get("pipelineId")):
            current_invocation().tally.events += len(Entries)
            for entry, detail in zip(Entries, details, strict=True):
                self._put({**entry, "Detail": detail})
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "simulated"} for _ in Entries]}


class OurFunctionsClient:
    """Lambda, for functions of ours that are invoked without waiting."""

    def __init__(self, calls: OurCalls, invoke: InvokeAsync) -> None:
        self._calls, self._invoke = calls, invoke

    def invoke(self, *, FunctionName: str, Payload: str, **_: Any) -> dict[str, Any]:
        payload = json.loads(Payload)
        runs = [payload["run"]] if "run" in payload else payload.get("runs", ())
        pipelines = {run["pipelineId"] for run in runs}
        pipeline = pipelines.pop() if len(pipelines) == 1 else None
        with self._calls.calling("lambda.Invoke", pipeline, FunctionName):
            if not payload or "sweep" in payload:
                current_invocation().routine["lambda.Invoke"] += 1  # the look at all configs carries nothing
            self._invoke(FunctionName, payload, pipeline)
        return {"StatusCode": 202}


class SecretsClient:
    """Secrets Manager; `values` is the scenario's to change."""

    def __init__(self, calls: OurCalls) -> None:
        self._calls = calls
        self.values: dict[str, str] = {}

    def get_secret_value(self, *, SecretId: str) -> dict[str, Any]:
        with self._calls.calling("secretsmanager.GetSecretValue", None):
            if SecretId not in self.values:
                raise refusal("GetSecretValue", "ResourceNotFoundException", f"there is no secret {SecretId}")
            return {"SecretString": self.values[SecretId]}


class BucketClient:
    """S3, holding the users' config files."""

    def __init__(self, calls: OurCalls) -> None:
        self._calls = calls
        self.files: dict[str, bytes] = {}
        self._etags: dict[str, str] = {}
        self._listed: list[str] = []  # names in order

    def put(self, name: str, text: bytes) -> None:
        """A user writes a file: no call of ours."""
        if name not in self.files:
            insort(self._listed, name)
        self.files[name] = text
        self._etags[name] = f'"{hashlib.md5(text, usedforsecurity=False).hexdigest()}"'

    def remove(self, name: str) -> None:
        """A user deletes a file."""
        del self.files[name], self._etags[name]
        self._listed.remove(name)

    def list_objects_v2(self, *, ContinuationToken: str = "", **_: Any) -> dict[str, Any]:
        with self._calls.calling("s3.ListObjectsV2", None):
            first = int(ContinuationToken or 0)
            names = self._listed[first : first + _PAGE]
            page = {"Contents": [{"Key": name, "ETag": self._etags[name]} for name in names]}
            more = len(self._listed) > first + _PAGE
            return page | ({"NextContinuationToken": str(first + _PAGE)} if more else {})

    def get_object(self, *, Key: str, **_: Any) -> dict[str, Any]:
        with self._calls.calling("s3.GetObject", Key.rpartition(".")[0]):
            if Key not in self.files:
                raise refusal("GetObject", "NoSuchKey", "there is no such file", 404)
            return {"Body": BytesIO(self.files[Key]), "ETag": self._etags[Key]}

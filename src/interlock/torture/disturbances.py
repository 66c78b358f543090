"""What AWS does to us: calls that fail, functions that die, records that come twice, ticks that do not come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from interlock.torture.chance import Chance
from interlock.torture.profiles import Profile
from interlock.torture.setting import HOUR, Setting
from interlock.torture.writers import Entry

_TABLES = ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "TransactGetItems")
# Every call that each of our functions makes, by its name in scenarios; a test holds this to what worlds call.
CALLS: dict[str, tuple[str, ...]] = {
    "stream-router": (
        *(f"dynamodb.{call}" for call in _TABLES),
        "events.PutEvents",
        "lambda.Invoke",
        "stepfunctions.SendTaskFailure",
        "stepfunctions.SendTaskSuccess",
        "stepfunctions.StartExecution",
    ),
    "orchestrator": (
        *(f"dynamodb.{call}" for call in _TABLES),
        "airflow.cancel_run",
        "airflow.get_dag",
        "airflow.get_run",
        "airflow.list_tasks",
        "airflow.token",
        "airflow.trigger",
        "databricks.cancel_run",
        "databricks.get_run",
        "databricks.list_runs",
        "databricks.run_now",
        "databricks.submit",
        "emr-serverless.CancelJobRun",
        "emr-serverless.GetJobRun",
        "emr-serverless.ListJobRuns",
        "emr-serverless.StartJobRun",
        "emr.AddJobFlowSteps",
        "emr.CancelSteps",
        "emr.DescribeStep",
        "emr.ListSteps",
        "glue.BatchStopJobRun",
        "glue.GetJob",
        "glue.GetJobRun",
        "glue.GetJobRuns",
        "glue.StartJobRun",
        "http.request",
        "lambda.Invoke",
        "logs.FilterLogEvents",
        "secretsmanager.GetSecretValue",
        "stepfunctions.DescribeExecution",
        "stepfunctions.SendTaskFailure",
        "stepfunctions.SendTaskSuccess",
        "stepfunctions.StartExecution",
        "stepfunctions.StopExecution",
    ),
    "sla-monitor": (
        "dynamodb.GetItem",
        "dynamodb.PutItem",
        "dynamodb.DeleteItem",
        "dynamodb.Query",
        "dynamodb.TransactGetItems",
        "scheduler.CreateSchedule",
        "scheduler.DeleteSchedule",
        "scheduler.UpdateSchedule",
    ),
    "watchdog": (
        *(f"dynamodb.{call}" for call in _TABLES),
        "events.PutEvents",
        "lambda.Invoke",
        "stepfunctions.StartExecution",
    ),
    "event-sink": ("dynamodb.PutItem",),
    "alert-dispatcher": (
        "dynamodb.GetItem",
        "dynamodb.UpdateItem",
        "slack.chat.postMessage",
        "sqs.ChangeMessageVisibility",
    ),
    "config-sync": (
        "dynamodb.GetItem",
        "dynamodb.PutItem",
        "dynamodb.DeleteItem",
        "dynamodb.Query",
        "s3.GetObject",
        "s3.ListObjectsV2",
        "scheduler.CreateSchedule",
        "scheduler.DeleteSchedule",
        "scheduler.UpdateSchedule",
    ),
}
_FUNCTIONS = {
    "stream-router": 5.0,
    "orchestrator": 6,
    "sla-monitor": 1,
    "watchdog": 2,
    "event-sink": 0.7,
    "alert-dispatcher": 1,
    "config-sync": 0.7,
}
ERRORS = {
    "crash": 4.0,
    "timeout": 3,
    "ThrottlingException": 2,
    "InternalServerError": 1.5,
    "AccessDeniedException": 0.5,
}


@dataclass(frozen=True, slots=True)
class Disturbances:
    """Of a whole world, or of one pipeline's calls."""

    chance: Chance
    setting: Setting
    profile: Profile
    services: tuple[str, ...]  # of the jobs that the world has
    pipeline: str | None = None

    def entries(self) -> list[Entry]:
        """In any order; all is over at the end of the busy time."""
        chance, profile = self.chance, self.profile
        found = [self._fault() for _ in range(chance.times(profile.faults))]
        for _ in range(chance.times(profile.deliveries)):
            found.append(self._redelivery())
        if chance.likely(profile.pauses):
            found += self._pause()
        found += [self._loss("job_event") for _ in range(chance.times(profile.lost_job_events))]
        found += [self._loss("stream") for _ in range(chance.times(profile.lost_records))]
        return found

    def _fault(self) -> Entry:
        chance = self.chance
        fault: dict[str, Any] = {"call": self._call(), "error": chance.of(ERRORS)}
        if chance.likely(0.5):
            fault["when"] = "after"
        times = chance.of({1: 6, 2: 2, 4: 1})
        if times > 1:
            fault["times"] = times
        if self.pipeline is not None:
            fault["pipeline"] = self.pipeline
        return self._second(), {"fault": fault}

    def _call(self) -> str:
        """Of a service that the world has something to do with."""
        function = self.chance.of(_FUNCTIONS)
        ours = [call for call in CALLS[function] if call.split(".")[0] in (*_OURS, *self.services)]
        theirs = [call for call in ours if call.split(".")[0] in self.services]
        return self.chance.one(theirs if theirs and self.chance.likely(0.5) else ours)

    def _second(self) -> int:
        return self.chance.second(0, self.setting.busy)

    def _redelivery(self) -> Entry:
        chance = self.chance
        again: dict[str, Any] = {"all": True} if chance.likely(0.2) else {"last": chance.whole(1, 25)}
        if chance.likely(0.4):
            again["reverse"] = True
        return self._second(), {"redeliver": again}

    def _loss(self, what: str) -> Entry:
        return self._second(), {"drop": {"next": self.chance.whole(1, 3), "what": what}}

    def _pause(self) -> Iterator[Entry]:
        what, second = self.chance.one(("watchdog", "watchdog", "scheduler")), self._second()
        end = min(second + self.chance.one((600, HOUR, HOUR)), self.setting.busy)
        yield second, {what: {"pause": True}}
        yield end, {what: {"pause": False}}


_OURS = (
    *("dynamodb", "events", "stepfunctions", "scheduler", "secretsmanager", "lambda", "s3"),
    *("slack", "sqs", "logs"),
)

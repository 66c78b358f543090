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
CHANNELS = {
    "stream": 4.0,
    "bus": 1.5,
    "queue": 1.5,
    "scheduler": 2,
    "invocation": 2,
    "job_event": 1.5,
}
_OURS = (
    *("dynamodb", "events", "stepfunctions", "scheduler", "secretsmanager", "lambda", "s3"),
    *("slack", "sqs", "logs"),
)
_WITH_OUTAGES = ("dynamodb", "dynamodb", "stepfunctions", "events", "slack", "scheduler")
_STALE_READERS = ("watchdog", "orchestrator")


@dataclass(frozen=True, slots=True)
class Disturbances:
    """Of a whole world, or of what concerns one pipeline."""

    chance: Chance
    setting: Setting
    profile: Profile
    services: tuple[str, ...]  # of the jobs that the world has
    pipeline: str | None = None

    def entries(self) -> list[Entry]:
        """In any order; what may last is over at the end of the busy time."""
        chance, profile = self.chance, self.profile
        found = [self._fault() for _ in range(chance.times(profile.faults))]
        found += [self._stall() for _ in range(chance.times(profile.stalls))]
        for _ in range(chance.times(profile.outages)):
            found += self._outage()
        for _ in range(chance.times(profile.deliveries)):
            found += self._delivery()
        if chance.likely(profile.pauses):
            found += self._pause()
        found += [self._loss("job_event") for _ in range(chance.times(profile.lost_job_events))]
        found += [self._loss("stream") for _ in range(chance.times(profile.lost_records))]
        return found

    def _fault(self) -> Entry:
        chance = self.chance
        function, call = self._call()
        if self.pipeline is None and chance.likely(0.05):
            return self._stale()
        fault: dict[str, Any] = {"call": call, "error": chance.of(ERRORS)}
        if chance.likely(0.5):
            fault["when"] = "after"
        times = chance.of({1: 6, 2: 2, 4: 1})
        if times > 1:
            fault["times"] = times
        return self._lasting(self._aimed(fault, function))

    def _stall(self) -> Entry:
        """A function that is frozen at a call while everything else goes on; some are killed there."""
        chance = self.chance
        function, call = self._call()
        fault: dict[str, Any] = {"call": call, "error": "stall"}
        fault["for"] = chance.of({"1s": 2, "5s": 2, "20s": 3, "50s": 2, "90s": 1, "10m": 0.5})
        if chance.likely(0.5):
            fault["when"] = "after"
        return self._lasting(self._aimed(fault, function))

    def _stale(self) -> Entry:
        """Of the index, which alone is read without consistency."""
        fault: dict[str, Any] = {"call": "dynamodb.Query", "error": "stale", "times": self.chance.whole(1, 3)}
        if self.chance.likely(0.5):
            fault["function"] = self.chance.one(_STALE_READERS)
        return self._lasting(fault)

    def _outage(self) -> Iterator[Entry]:
        """All calls of one service fail for some minutes, or all of one name, as where a permission is gone."""
        chance, second = self.chance, self.chance.second(0, self.setting.busy - 36 * 60)
        service = chance.one((*self.services * 3, *_WITH_OUTAGES))
        error = chance.one(("ThrottlingException", "InternalServerError", "timeout", "AccessDeniedException"))
        calls = sorted({call for some in CALLS.values() for call in some if call.split(".")[0] == service})
        if chance.likely(0.4) and calls:
            calls = [chance.one(calls)]
        lasts = f"{chance.one((2, 5, 20, 35))}m"
        for call in calls:
            fault: dict[str, Any] = {"call": call, "error": error, "times": 1000, "lasts": lasts}
            yield second, {"fault": fault if self.pipeline is None else fault | {"pipeline": self.pipeline}}

    def _aimed(self, fault: dict[str, Any], function: str) -> dict[str, Any]:
        """Often at one function, at a later call, at one pipeline."""
        chance = self.chance
        if chance.likely(0.6):
            fault["function"] = function
        if chance.likely(0.35):
            fault["skip"] = chance.of({1: 4, 2: 2, 3: 1, 5: 1, 9: 1})
        if self.pipeline is not None:
            fault["pipeline"] = self.pipeline
        return fault

    def _lasting(self, fault: dict[str, Any]) -> Entry:
        """Nothing of it is left when the world calms down."""
        second = min(self._second(), self.setting.busy - 60)
        left = (self.setting.busy - second) // 60
        return second, {"fault": fault | {"lasts": f"{min(left, self.chance.one((5, 20, 60)))}m"}}

    def _call(self) -> tuple[str, str]:
        """A function of ours, and a call of it to a service that the world has something to do with."""
        function = self.chance.of(_FUNCTIONS)
        ours = [call for call in CALLS[function] if call.split(".")[0] in (*_OURS, *self.services)]
        theirs = [call for call in ours if call.split(".")[0] in self.services]
        return function, self.chance.one(theirs if theirs and self.chance.likely(0.4) else ours)

    def _second(self) -> int:
        return self.chance.second(0, self.setting.busy)

    def _delivery(self) -> Iterator[Entry]:
        chance, second = self.chance, self.chance.second(0, self.setting.busy * 3 // 4)
        odd: dict[str, Any] = {"what": chance.of(CHANNELS), "next": chance.of({1: 4, 3: 2, 10: 1})}
        if self.pipeline is not None or chance.likely(0.1):
            odd["pipeline"] = self.pipeline or "p1"
        match chance.of({"delay": 4, "duplicate": 4, "batch": 1, "redeliver": 2}):
            case "delay":
                yield second, {"delay": odd | {"by": chance.one(("1s", "5s", "30s", "2m", "10m"))}}
            case "duplicate":
                yield second, {"duplicate": odd | {"after": chance.one(("0s", "0s", "3s", "1m", "20m"))}}
            case "batch":
                yield second, {"batch": {"size": chance.one((1, 2, 3, 1000))}}
            case _:
                again: dict[str, Any] = {"all": True} if chance.likely(0.2) else {"last": chance.whole(1, 25)}
                yield second, {"redeliver": again | ({"reverse": True} if chance.likely(0.4) else {})}

    def _loss(self, what: str) -> Entry:
        return self._second(), {"drop": {"next": self.chance.whole(1, 3), "what": what}}

    def _pause(self) -> Iterator[Entry]:
        """Of the watchdog or of Scheduler; of both, nobody is left who could start what fell due."""
        whats = self.chance.of({("watchdog",): 4, ("scheduler",): 3, ("watchdog", "scheduler"): 2})
        second = self.chance.second(0, self.setting.busy * 3 // 4)
        end = min(second + self.chance.one((600, HOUR, HOUR)), self.setting.busy)
        for what in whats:
            yield second, {what: {"pause": True}}
            yield end, {what: {"pause": False}}

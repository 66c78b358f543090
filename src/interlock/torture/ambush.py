"""Trouble at the very instant at which a run's rules come to hold: faults that strike at random seldom find it.

The start is frozen while its data changes its mind, its answer is lost, or two messages of one run are told at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from interlock.torture.chance import Chance
from interlock.torture.setting import Setting

START_CALLS = {
    "glue": ("glue.StartJobRun", "glue.GetJobRuns"),
    "emr": ("emr.AddJobFlowSteps", "emr.ListSteps"),
    "emr-serverless": ("emr-serverless.StartJobRun",),
    "step-function": ("stepfunctions.StartExecution",),
    "lambda": ("lambda.Invoke",),
    "databricks": ("databricks.run_now", "databricks.submit"),
    "airflow": ("airflow.trigger", "airflow.get_run"),
    "http": ("http.request",),
    "command": (),
}
_READS_AND_WRITES = ("dynamodb.GetItem", "dynamodb.TransactGetItems", "dynamodb.UpdateItem")
_WAKES = ("stepfunctions.SendTaskSuccess",)
_TELLING = ("dynamodb.GetItem", "dynamodb.UpdateItem", "slack.chat.postMessage")


@dataclass(frozen=True, slots=True)
class Ambush:
    """Lies in wait for one pipeline."""

    chance: Chance
    setting: Setting
    pipeline: str
    job_type: str

    def frozen_start(self, ready_at: int) -> tuple[int, list[dict[str, Any]]]:
        """For how many seconds the start stands still, and the faults that see to it."""
        chance = self.chance
        call = chance.one((*_READS_AND_WRITES, *_READS_AND_WRITES, *_WAKES, *START_CALLS[self.job_type]))
        seconds = chance.one((4, 20, 50, 90))
        fault: dict[str, Any] = {"call": call, "error": "stall", "for": f"{seconds}s"}
        if call not in _WAKES:
            fault["function"] = "orchestrator"
        skip = chance.whole(0, 3) if call in _READS_AND_WRITES else 0
        return seconds, [self._armed(fault | ({"skip": skip} if skip else {}), ready_at)]

    def start_beside_its_closing(self, ready_at: int) -> Iterator[dict[str, Any]]:
        """The start of a run whose workflow is stopped: frozen until the tick that closes the run has read it.

        That stands still in its turn, while the start notes what it is about to do, calls the service, and dies.
        """
        chance, write, waits = self.chance, "dynamodb.UpdateItem", 70 - ready_at % 60
        own: dict[str, Any] = {"function": "orchestrator", "error": "stall"}
        skip = chance.of({0: 1, 1: 2, 2: 1})
        yield self._at_hand(
            own | {"call": write, "for": f"{waits}s"} | ({"skip": skip} if skip else {}), ready_at
        )
        yield self._at_hand(own | {"call": write, "for": "20s"}, ready_at)
        for call in START_CALLS[self.job_type][:1]:
            yield self._at_hand(own | {"call": call, "for": chance.one(("20s", "50s"))}, ready_at)
            if chance.likely(0.7):
                yield self._at_hand(own | {"call": call, "error": "crash", "when": "after"}, ready_at)

    def lost_start(self, ready_at: int) -> Iterator[dict[str, Any]]:
        """Its answer, or the function that waits for it."""
        chance, calls = self.chance, START_CALLS[self.job_type]
        if calls:
            error = chance.one(("crash", "timeout", "InternalServerError", "ThrottlingException"))
            fault: dict[str, Any] = {"call": chance.one(calls), "error": error, "times": chance.whole(1, 2)}
            yield self._armed(fault, ready_at)

    def token_that_expires(self, window_ends: int) -> Iterator[dict[str, Any]]:
        """The task is about to time out when somebody is about to wake it."""
        fault: dict[str, Any] = {"call": _WAKES[0], "error": "stall", "for": self.chance.one(("4s", "20s"))}
        yield self._armed(fault, window_ends)

    def told_at_once(self, ready_at: int) -> Iterator[dict[str, Any]]:
        """The worker with one message of the run stands still while another one gets the next."""
        fault = {
            "call": self.chance.one(_TELLING),
            "function": "alert-dispatcher",
            "error": "stall",
            "for": "20s",
        }
        yield self._armed(fault, ready_at)
        yield {"delay": {"what": "queue", "by": "5s", "pipeline": self.pipeline}}

    def _armed(self, fault: dict[str, Any], ready_at: int) -> dict[str, Any]:
        return self._at_hand(fault | ({"when": "after"} if self.chance.likely(0.5) else {}), ready_at)

    def _at_hand(self, fault: dict[str, Any], ready_at: int) -> dict[str, Any]:
        """Nothing of it is left when the world calms down."""
        left = max((self.setting.busy - ready_at) // 60, 1)
        return {"fault": fault | {"pipeline": self.pipeline, "lasts": f"{min(left, 30)}m"}}

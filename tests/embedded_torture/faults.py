"""What the functions of one world suffer: a plan made from its seed, and what was struck of it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from embedded_torture.fault_hook import PLAN, STRIKES

# How often each is chosen.
_KINDS = {"crash": 5, "time-out": 5, "throttle": 2, "stall": 2}
_FUNCTIONS = {
    "orchestrator": 8,
    "stream-router": 6,
    "event-sink": 2,
    "alert-dispatcher": 2,
    "watchdog": 2,
    "sla-monitor": 2,
    "config-sync": 1,
}
# About so many calls of each are about one world.
_CALLS = {
    "orchestrator": 40,
    "stream-router": 40,
    "event-sink": 15,
    "alert-dispatcher": 8,
    "watchdog": 12,
    "sla-monitor": 5,
    "config-sync": 5,
}
# Calls that a count over all of a function's would seldom meet.
_RARE_CALLS = {
    "orchestrator": (
        "stepfunctions.SendTaskSuccess",
        "dynamodb.TransactGetItems",
        "dynamodb.PutItem",
        "glue.StartJobRun",
        "glue.GetJobRuns",
        "emr.AddJobFlowSteps",
        "emr-serverless.StartJobRun",
        "stepfunctions.StartExecution",
        "lambda.Invoke",
        "secretsmanager.GetSecretValue",
        "glue.BatchStopJobRun",
    ),
    "stream-router": (
        "stepfunctions.StartExecution",
        "stepfunctions.SendTaskSuccess",
        "events.PutEvents",
        "lambda.Invoke",
        "dynamodb.UpdateItem",
        "dynamodb.DeleteItem",
    ),
    "event-sink": ("dynamodb.PutItem",),
    "alert-dispatcher": ("dynamodb.UpdateItem", "dynamodb.GetItem", "sqs.ChangeMessageVisibility"),
    "watchdog": (
        "lambda.Invoke",
        "dynamodb.UpdateItem",
        "dynamodb.DeleteItem",
        "stepfunctions.StartExecution",
    ),
    "sla-monitor": ("scheduler.CreateSchedule", "scheduler.DeleteSchedule", "dynamodb.UpdateItem"),
    "config-sync": ("s3.GetObject", "dynamodb.PutItem", "dynamodb.UpdateItem"),
}
# An asynchronous event is tried three times and then kept for `interlock redrive`: fewer invocations than that are ended.
_MOST_ENDED = 2


@dataclass(frozen=True)
class Fault:
    """One call that is hit: the `nth` of a function that is about one world."""

    id: str
    world: str  # its number, as pipelines are called
    function: str  # as AWS knows it, without what all begin with
    call: str | None  # `<boto3 service>.<Operation>`; None: any
    nth: int  # from 1, among those that match
    kind: str  # crash, time-out, throttle or stall
    when: str  # before or after its effect
    tries: str  # `one`: what the SDK repeats gets through; `all`: that is hit too
    seconds: float  # of a stall

    @property
    def ends_invocation(self) -> bool:
        return self.kind == "crash" or (self.kind != "stall" and self.tries == "all")

    def __str__(self) -> str:
        times = " and whenever the SDK repeats it" if self.tries == "all" and self.kind != "crash" else ""
        return f"{self.kind} {self.when} the {self.nth}. {self.call or 'call'} of {self.function}{times}"


@dataclass(frozen=True)
class Strike:
    """A fault that happened."""

    fault: Fault
    at: float  # epoch seconds
    did: str  # the call


def planned(chosen: random.Random, world: str) -> tuple[Fault, ...]:
    """Two to nine for a world."""
    faults: list[Fault] = []
    for number in range(chosen.randint(2, 9)):
        fault = _fault(chosen, world, f"{world}-{number}")
        ended = sum(each.ends_invocation for each in faults if each.function == fault.function)
        if not fault.ends_invocation or ended < _MOST_ENDED:
            faults.append(fault)
    return tuple(faults)


def _fault(chosen: random.Random, world: str, name: str) -> Fault:
    function = _one(chosen, _FUNCTIONS)
    kind = _one(chosen, _KINDS)
    any_call = chosen.random() < 0.6
    return Fault(
        id=name,
        world=world,
        function=function,
        call=None if any_call else chosen.choice(_RARE_CALLS[function]),
        nth=chosen.randint(1, _CALLS[function]) if any_call else chosen.randint(1, 3),
        kind=kind,
        when="before" if kind == "throttle" else chosen.choice(("before", "after", "after")),
        tries=chosen.choice(("one", "all")),
        seconds=round(chosen.uniform(0.5, 2.5), 1),
    )


def _one(chosen: random.Random, weights: dict[str, int]) -> str:
    return chosen.choices(list(weights), list(weights.values()))[0]


def write_plan(folder: Path, faults: Iterable[Fault]) -> None:
    """For the hook in the functions' processes."""
    (folder / PLAN).write_text(json.dumps([asdict(fault) for fault in faults]), encoding="utf-8")


def strikes(folder: Path, faults: Iterable[Fault]) -> Iterator[Strike]:
    """What was struck so far."""
    known, written = {fault.id: fault for fault in faults}, folder / STRIKES
    for line in written.read_text(encoding="utf-8").splitlines() if written.exists() else ():
        told = json.loads(line)
        yield Strike(known[told["fault"]], told["at"], told["did"])

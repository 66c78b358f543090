"""What the state machine hands to each step, and the errors by which a step tells it where to go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interlock.domain.run import RunKey
from interlock.ports import ControlTable, JobLog, Secrets, StateMachine, Triggers


@dataclass(frozen=True, slots=True)
class Task:
    """One invocation by the state machine."""

    key: RunKey
    execution: str  # the execution's name: a row that names another one has moved on
    token: str | None = None  # of the states that sleep
    error: str | None = None  # what the state before died of, for RecordFailure
    tries: int = 0  # of CompleteRun or RecordFailure, before this one


@dataclass(frozen=True, slots=True)
class OrchestratorPorts:
    control: ControlTable
    joblog: JobLog
    machine: StateMachine
    triggers: Triggers
    secrets: Secrets


# The state machine matches these by class name: its Retry and Catch are the readers.


class RunOver(Exception):
    """The row has ended or belongs to another execution: there is nothing left to do here."""


class NoLongerReady(Exception):
    """The rules held when the run was woken and do not at its start: it goes back to waiting."""


class StartRefused(Exception):
    """The job service refuses for now; the attempt goes on trying."""


class BadTask(ValueError):
    """The payload is not one that the state machine sends."""


def read_key(run: Mapping[str, Any]) -> RunKey:
    """The run that a payload names."""
    try:
        return RunKey(str(run["pipelineId"]), str(run["scheduleId"]), str(run["date"]))
    except (KeyError, TypeError) as error:
        raise BadTask(f"`run` needs pipelineId, scheduleId and date: {str(error)[:100]}") from error

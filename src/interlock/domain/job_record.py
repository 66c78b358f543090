"""A `JOB#` record: what somebody says about the job of one attempt. Whether to believe it is decided here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from interlock.domain.bad_input import BadInput
from interlock.domain.run import Outcome, Run, RunKey, RunStatus


class InvalidRecord(BadInput):
    """A record from outside that cannot be read; the message says what is wrong and what to write instead."""


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One terminal report. Instants are aware UTC."""

    key: RunKey
    attempt: int  # from 1
    at: datetime
    outcome: Outcome
    run_id: str | None = None  # None: the reporter did not say


def applies_to(record: JobRecord, run: Run, remote_id: str | None) -> bool:
    """Whether the record tells of the run's current attempt: of another attempt or run id it tells nothing.

    A run that waits believes it only while its own start is under way: an end can be reported before the handle is stored.
    """
    if record.attempt != run.attempt or record.run_id not in (None, run.run_id, remote_id):
        return False
    if run.status is RunStatus.RUNNING:
        return True
    return run.status is RunStatus.WAITING and run.may_have_started

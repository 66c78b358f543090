"""What the four witnesses of a run say: its row and history, the events table, Glue's own record of starts, Slack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.domain.event import Event, EventType
from interlock.domain.run import Run, RunStatus
from interlock.local.job_services import JobRun
from interlock.local.slack_endpoint import SlackMessage


@dataclass(frozen=True, slots=True)
class Transition:
    """A state that an execution entered."""

    state: str
    at: datetime
    tries: int  # of its task: more than one after a crash


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that must be so, and what was seen."""

    said: str
    holds: bool
    seen: str


@dataclass(frozen=True)
class Record:
    """What the witnesses say of one run."""

    run: Run | None
    events: Sequence[Event] = ()
    jobs: Sequence[JobRun] = ()  # Glue's own record
    threads: Sequence[Sequence[SlackMessage]] = ()
    transitions: Sequence[Transition] = ()

    def of_type(self, *types: EventType) -> list[Event]:
        return [event for event in self.events if event.type in types]

    def had(self, event_type: EventType, attempts: Sequence[int]) -> Claim:
        """One such event for each of these attempts, no more."""
        seen = [event.attempt for event in self.of_type(event_type)]
        said = f"{event_type} is in the events table for attempts {list(attempts) or 'none'}"
        return Claim(said, sorted(seen, key=str) == sorted(attempts, key=str), f"for attempts {seen}")

    def ended(self, status: RunStatus, attempt: int) -> Claim:
        seen = f"{self.run.status} at attempt {self.run.attempt}" if self.run else "there is no row"
        holds = self.run is not None and (self.run.status, self.run.attempt) == (status, attempt)
        return Claim(f"the run's row says {status} at attempt {attempt}", holds, seen)

    def job_states(self, *states: str) -> Claim:
        seen = [str(job.state) for job in self.jobs]
        return Claim(
            f"the job's starts, by Glue's own record, are {list(states)}", seen == list(states), f"{seen}"
        )

    def told(self, *contents: str) -> Claim:
        """One Slack thread with these messages in this order; none at all without contents."""
        seen = [[message.text.splitlines()[0] for message in thread] for thread in self.threads]
        if not contents:
            return Claim("Slack heard nothing of it", not seen, f"{seen}")
        holds = len(self.threads) == 1 and len(self.threads[0]) == len(contents)
        holds = holds and all(
            content in message.text for content, message in zip(contents, self.threads[0], strict=True)
        )
        return Claim(f"Slack has one thread with {list(contents)}", holds, f"{seen}")

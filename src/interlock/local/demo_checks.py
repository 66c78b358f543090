"""Did the demo's story really happen? Each act is held against four witnesses: events, run rows, Glue's starts, Slack.

Pure: takes what was witnessed, returns an act with its claims; one that does not hold says what was there instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.domain.event import Event, EventType
from interlock.domain.readiness import RuleVerdict
from interlock.domain.run import RunStatus
from interlock.local.demo_record import Claim, Record
from interlock.local.slack_endpoint import SlackMessage

START_WITHIN_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Act:
    """One act as the table at the end shows it."""

    title: str
    happened: str
    measured: str
    claims: tuple[Claim, ...]

    @property
    def broken(self) -> list[Claim]:
        return [claim for claim in self.claims if not claim.holds]


@dataclass(frozen=True, slots=True)
class Look:
    """What the run's row said after something had arrived."""

    after: str
    status: RunStatus
    verdicts: tuple[RuleVerdict, ...]

    @property
    def explains(self) -> bool:
        """The run waits, and each rule has its reason and since when."""
        told = {verdict.key for verdict in self.verdicts if verdict.reason and verdict.since}
        return self.status is RunStatus.WAITING and told == {"flights", "weather"}


@dataclass(frozen=True, slots=True)
class Crash:
    """The orchestrator, killed between a start and its answer."""

    processes: int  # how many were in the middle of their work, and are dead
    at: float  # epoch seconds
    job_run: str  # the start that Glue had accepted


def data_was_late(record: Record, looks: Sequence[Look], counts: Sequence[int], last_at: float) -> Act:
    """`counts`: the flights that had arrived at each look after the first. `last_at`: when the last reading came."""
    seen = [verdict.seen for look in looks for verdict in look.verdicts if verdict.key == "flights"]
    silent = [look.after for look in looks if not look.explains]
    early = [job.id for job in record.jobs if job.started_at <= last_at]
    waited = last_at - record.run.created_at.timestamp() if record.run else 0.0
    return Act(
        "Data is late, the run waits and says why",
        f"Its row kept each rule's value seen, value wanted and since when: flights {_listed(counts)}, weather never.",
        f"waited {waited:.1f} s",
        (
            record.had(EventType.RUN_OPENED, [1]),
            Claim(f"the row saw the flights grow: {list(counts)}", seen == [None, *counts], f"{seen}"),
            Claim(
                "at every look it waited, with a reason and its time for each rule",
                not silent,
                f"not after {silent}",
            ),
            Claim("nothing started before the last reading", not early, f"{early} did"),
        ),
    )


def started_promptly(record: Record, last_at: float) -> Act:
    delay = record.jobs[0].started_at - last_at if record.jobs else None
    measured = "it never started" if delay is None else f"{delay:.2f} s"
    return Act(
        "The last reading arrives, the job starts",
        "PutItem of the last sensor, one stream hop, StartJobRun at Glue.",
        f"{measured} from write to start",
        (
            Claim(
                f"the job started within {START_WITHIN_SECONDS:g} s of the last reading",
                delay is not None and 0 <= delay <= START_WITHIN_SECONDS,
                measured,
            ),
            _once("its rules were seen to hold", record, EventType.VALIDATION_PASSED, attempt=1),
        ),
    )


def failed_and_retried(record: Record, error: str, back_off_seconds: float, records: int) -> Act:
    """`error`: part of what the first attempt's job said. `records`: what the second one must have processed.

    A third attempt follows in another act.
    """
    first, second = (*record.jobs, None, None)[:2]
    pause = second.started_at - first.ended_at if first and second and first.ended_at else None
    measured = "no second start" if pause is None else f"{pause:.2f} s from failure to second start"
    errors = [event.message for event in record.of_type(EventType.JOB_FAILED)]
    processed = [event.detail.get("recordsProcessed") for event in record.of_type(EventType.JOB_COMPLETED)]
    return Act(
        "The job fails once and is retried",
        f"Attempt 1 found half a file; attempt 2 processed {records} flights. One Slack thread: failure, recovery.",
        measured,
        (
            record.job_states("FAILED", "SUCCEEDED", "SUCCEEDED"),
            record.had(EventType.JOB_TRIGGERED, [1, 2, 3]),
            record.had(EventType.JOB_FAILED, [1]),
            record.had(EventType.JOB_RETRIED, [2]),
            record.had(EventType.JOB_COMPLETED, [2, 3]),
            Claim(f"it failed because {error!r}", any(error in text for text in errors), f"{errors}"),
            Claim(
                f"the back-off of {back_off_seconds:g} s was kept",
                pause is not None and pause >= back_off_seconds - 1,
                measured,
            ),
            Claim(f"the job reported {records} records", processed[:1] == [records], f"{processed}"),
            record.told("Job failed", "Recovered", "Late data", "Recovered"),
        ),
    )


def survived_crash(record: Record, crash: Crash | None) -> Act:
    tries = max((each.tries for each in record.transitions if each.state == "StartJob"), default=0)
    ids = [event.detail.get("jobId") for event in record.of_type(EventType.JOB_TRIGGERED)]
    mended = [each.at.timestamp() for each in record.transitions if each.state == "AwaitJob"]
    found = f"{mended[0] - crash.at:.2f} s" if crash and mended else "never"
    return Act(
        "A function is crashed in the middle of a start",
        "The orchestrator was killed after Glue took the start, before the answer. The retry found that job.",
        f"starts at Glue: {len(record.jobs)}; found {found} after the crash",
        (
            Claim(
                "the orchestrator was killed during StartJobRun",
                crash is not None and crash.processes >= 1,
                f"{crash}",
            ),
            Claim("the step was tried again", tries >= 2, f"StartJob was tried {tries} times"),
            record.job_states("SUCCEEDED"),
            Claim(
                "the run knows the very job that was started before the crash",
                crash is not None and ids == [crash.job_run],
                f"it knows {ids}",
            ),
            record.had(EventType.JOB_COMPLETED, [1]),
            record.ended(RunStatus.SUCCEEDED, 1),
            record.told(),
        ),
    )


def went_unnoticed(record: Record, last_at: float) -> Act:
    """A day on which nothing goes wrong."""
    start = record.jobs[0] if record.jobs else None
    measured = f"{start.started_at - last_at:.2f} s from write to start" if start else "it never started"
    if start and start.ended_at and record.run:
        measured += f", {max(0.0, record.run.updated_at.timestamp() - start.ended_at):.2f} s from job end to SUCCEEDED"
    return Act(
        "An ordinary day: all data on time",
        "9 February ran as it should. Nobody was disturbed.",
        measured,
        (
            record.job_states("SUCCEEDED"),
            record.had(EventType.JOB_COMPLETED, [1]),
            record.ended(RunStatus.SUCCEEDED, 1),
            record.told(),
        ),
    )


def expired(record: Record, rule: str, requests: int, starts: int) -> Act:
    """`rule`: the one that was missing, as the config has it. Of all pipelines: start requests to Glue, starts it made."""
    ends = record.of_type(EventType.VALIDATION_EXHAUSTED)
    unmet = [reason.get("rule") for event in ends for reason in event.detail.get("unmet", [])]
    closed = record.run.window_ends_at if record.run else None
    late = (ends[0].at - closed).total_seconds() if ends and closed else None
    measured = "it never expired" if late is None else f"{late:.2f} s after its minute"
    return Act(
        "Data that never comes: the run expires",
        f"It named the one rule of two that was missing: {rule}. No job was started.",
        measured,
        (
            record.ended(RunStatus.EXPIRED, 1),
            record.had(EventType.VALIDATION_EXHAUSTED, [1]),
            Claim(f"it named {rule} and nothing else", unmet == [rule], f"it named {unmet}"),
            Claim("it expired after its window, not before", late is not None and late >= 0, measured),
            record.had(EventType.JOB_TRIGGERED, []),
            Claim(
                "Glue was asked for no start but those it made", requests == starts, f"{requests}, {starts}"
            ),
            record.told("SLA", "SLA", f"{rule.partition('.')[0]} was never reported"),
        ),
    )


@dataclass(frozen=True)
class Refusal:
    """A malformed config that was uploaded, and what came of it."""

    file: str
    mistakes: Sequence[tuple[str, str]]  # path and suggestion that each must name
    seconds: float  # from its upload until the events table told of it
    events: Sequence[Event]  # CONFIG_INVALID of its pipeline
    threads: Sequence[Sequence[SlackMessage]]
    stored_as_before: bool
    after: dict[str, list[datetime]]  # pipeline -> instants of its events


def refused(refusal: Refusal) -> Act:
    told = [str(mistake) for event in refusal.events for mistake in event.detail.get("mistakes", [])]
    at = refusal.events[0].at if refusal.events else None
    measured = f"{refusal.seconds:.2f} s from upload to refusal" if at else "never refused"
    stopped = [
        name for name, instants in refusal.after.items() if not at or not any(i > at for i in instants)
    ]
    named = [
        Claim(
            f"it named {path} and said {suggestion!r}",
            any(_places(line, refusal.file, path) and suggestion in line for line in told),
            f"{told}",
        )
        for path, suggestion in refusal.mistakes
    ]
    return Act(
        "A malformed config is refused, the others run on",
        f"{len(told)} mistakes told with file, line, path and suggestion. The last good config stayed in force.",
        measured,
        (
            Claim("CONFIG_INVALID was told once", len(refusal.events) == 1, f"{len(refusal.events)} times"),
            *named,
            Claim("the last good config stayed in force", refusal.stored_as_before, "it was replaced"),
            Claim("every pipeline ran on", not stopped, f"no event afterwards of {stopped}"),
            Record(None, threads=refusal.threads).told("Config refused"),
        ),
    )


def _places(line: str, file: str, path: str) -> bool:
    """`file:line: path: what is wrong`"""
    where, _, rest = line.partition(": ")
    name, _, number = where.rpartition(":")
    return name == file and number.isdigit() and rest.startswith(f"{path}: ")


def _once(said: str, record: Record, event_type: EventType, attempt: int) -> Claim:
    seen = [event.attempt for event in record.of_type(event_type) if event.attempt == attempt]
    return Claim(said, len(seen) == 1, f"{event_type} {len(seen)} times for attempt {attempt}")


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))

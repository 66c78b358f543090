"""What has come of a story: rows, jobs, events and messages as they are found, against what had to come. Names what differs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.aws import keys
from interlock.aws.keys import RowKind
from interlock.domain.event import EventType
from interlock.local.session import Session
from load.story import Part, Write
from load.stream import Stream

_MESSAGE = re.compile(r": (?P<run>load-\d+, [\d-]+), attempt \d+\n.*event (?P<id>[0-9a-f]+)", re.DOTALL)
_QUEUES = ("alerts", "alerts-dead", "stream-failures-dead", "rule-failures-dead", "invocation-failures-dead")

Counts = Counter[str]


@dataclass(frozen=True)
class Outcome:
    """Counts by name. What had to come and what was found have the same form."""

    runs: Counts  # "load-0001/2026-03-01 SUCCEEDED at attempt 1"
    jobs: Counts  # started, by run and attempt
    events: Counts  # stored, by run and type
    messages: Counts  # in Slack, by run
    sensor_records: Counts  # that a stream brought, by pipeline
    wrong: Counts  # what must not be there at all

    def differences(self, expected: Outcome) -> Iterator[str]:
        for what in ("runs", "jobs", "events", "messages", "sensor_records", "wrong"):
            found, wanted = getattr(self, what), getattr(expected, what)
            for name in sorted(found.keys() | wanted.keys()):
                have, need = found[name], wanted[name]
                if have != need:
                    said = "lost" if have < need else "too many" if need else "unexpected"
                    yield f"{said}: {what} of {name}: {have}, expected {need}"


def expected(parts: Sequence[Part], loaded: Sequence[Part]) -> Outcome:
    """From the story alone: what was written for, and what was only declared."""
    named = [(part, date, f"{part.id}/{date.date}") for part in parts for date in part.dates]
    events = Counter({f"{run} {kind}": n for _, date, run in named for kind, n in date.events.items()})
    events.update(f"{part.id} {EventType.CONFIG_LOADED}" for part in loaded)
    return Outcome(
        runs=Counter(f"{run} SUCCEEDED at attempt {date.attempts}" for _, date, run in named),
        jobs=Counter(f"{run} attempt {n + 1}" for _, date, run in named for n in range(date.attempts)),
        events=events,
        messages=Counter({run: date.told for _, date, run in named if date.told}),
        # A repetition changes nothing, so that no stream tells of it.
        # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
        sensor_records=Counter(
            {part.id: sum(isinstance(step, Write) for step in part.steps) for part in parts}
        ),
        wrong=Counter(),
    )


def found(session: Session, stream: Stream) -> Outcome:
    control = list(_rows(session, "control"))
    events = [_text(row) for row in _rows(session, "events") if "eventType" in row]
    return Outcome(
        runs=Counter(_run_text(_text(row)) for row in control if row["SK"]["S"].startswith(RowKind.RUN)),
        jobs=Counter(
            f"{job.job}/{job.arguments['--date']} attempt {job.arguments['--attempt']}"
            for job in session.glue.runs()
        ),
        events=Counter(f"{_about(row)} {row['eventType']}" for row in events),
        messages=Counter(_run_of_message(message.text) for message in session.slack.messages),
        sensor_records=Counter(stream.sensor_records),
        wrong=_wrong(session, control),
    )


def completed_at(session: Session) -> Mapping[tuple[str, str, int], float]:
    """Epoch seconds of each success, by pipeline, date and attempt, as its event tells."""
    rows = [_text(row) for row in _rows(session, "events") if "eventType" in row]
    return {
        (str(keys.pipeline_of(row["PK"])), row["date"], int(row["attempt"])): int(row["SK"].split("#")[0])
        / 1000
        for row in rows
        if row["eventType"] == EventType.JOB_COMPLETED
    }


def _wrong(session: Session, control: Sequence[Mapping[str, Any]]) -> Counts:
    """What is left when everything is over, and every alert that was told twice."""
    wrong = Counter(
        f"{row['PK']['S']} {row['SK']['S']}, a promise of a run that is over"
        for row in control
        if row["SK"]["S"].startswith(RowKind.DUE)
    )
    told = Counter(found["id"] for found in map(_MESSAGE.search, _texts(session)) if found)
    wrong.update({f"alert {name}, told again": times - 1 for name, times in told.items() if times > 1})
    for name in _QUEUES:
        wrong[f"messages in queue {name}"] = _waiting_in(session, f"{session.stack.prefix}-{name}")
    running = session.emulator.client("stepfunctions").list_executions(
        stateMachineArn=session.stack.state_machine_arn, statusFilter="RUNNING", maxResults=1000
    )["executions"]
    wrong.update(f"execution {execution['name']}, still running" for execution in running)
    return wrong


def _texts(session: Session) -> list[str]:
    return [message.text for message in session.slack.messages]


def _waiting_in(session: Session, queue: str) -> int:
    sqs = session.emulator.client("sqs")
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    return sum(map(int, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()))


def _run_of_message(text: str) -> str:
    message = _MESSAGE.search(text)
    return message["run"].replace(", ", "/") if message else text.splitlines()[0]


def _run_text(row: Mapping[str, str]) -> str:
    key = keys.parse_run_key(row["PK"], row["SK"])
    return f"{key.pipeline_id}/{key.date} {row['status']} at attempt {row['attempt']}"


def _about(row: Mapping[str, str]) -> str:
    pipeline = str(keys.pipeline_of(row["PK"]))
    return f"{pipeline}/{row['date']}" if row.get("date") else pipeline


def _text(row: Mapping[str, Any]) -> dict[str, str]:
    """Its texts and numbers as text."""
    return {name: str(value[kind]) for name, value in row.items() for kind in ("S", "N") if kind in value}


def _rows(session: Session, table: str) -> Iterator[Mapping[str, Any]]:
    pages = session.emulator.client("dynamodb").get_paginator("scan")
    for page in pages.paginate(TableName=session.stack.table(table), ConsistentRead=table == "control"):
        yield from page["Items"]

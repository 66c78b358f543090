"""The whole play on one embedded stack: configs loaded, the story written, old batches brought once more, all of it counted."""

from __future__ import annotations

import json
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.aws import keys
from interlock.domain.run import RunKey
from interlock.local.job_services import Arguments, JobFailed, JobRun, LocalJob
from interlock.local.session import Session, embedded_stack
from load.machine import Machine
from load.outcome import Outcome, completed_at, found
from load.story import Kind, Part
from load.stream import Stream
from load.upstream import Pace, Upstream

JOB_SECONDS = 0.3
LOST_ANSWERS = 0.05  # of stream batches, which are therefore delivered twice
_LATE_BATCHES = 20  # delivered once more when everything is over
QUIET_SECONDS = 5.0  # without a call of any function: all is over
_MOST_SECONDS = 300.0  # until it is quiet
_LOAD_SECONDS = 600.0
_MOST_KEYS = 100  # of a BatchGetItem
_BY_THE_CLOCK = ("watchdog", "config_sync")  # they are called whatever happens


@dataclass(frozen=True)
class Latencies:
    """Seconds, each list in no order."""

    start: Sequence[float]  # the last needed reading is written -> the job starts
    end: Sequence[float]  # the job ends -> its run is SUCCEEDED
    routed: Sequence[float]  # a reading is in the table -> stream-router has done with its batch


@dataclass(frozen=True)
class Played:
    """What a play came to, and what it took."""

    begun: Sequence[Part]  # all, but for want of time
    writing_seconds: float
    writes: int
    outcome: Outcome
    after_redelivery: Outcome
    redelivered: int  # records, once everything was over
    stream: Stream
    machine: Machine
    latencies: Latencies
    calls: Counter[str]  # of our functions to AWS, while the story was written


def play(
    parts: Sequence[Part],
    pace: Pace,
    tell: Callable[[str], None],
    quiet: float = QUIET_SECONDS,
) -> Played:
    with embedded_stack({part.id: _job(part.kind) for part in parts}) as session:
        tell(f"{len(parts):,} configs loaded by config-sync in {_load(session, parts):.1f} s")
        session.warm_up()
        session.emulator.lose_answers(LOST_ANSWERS, seed=1)
        calls_before = session.calls()
        with Stream(session) as stream:
            upstream = Upstream(session, parts, pace, stream, tell)
            with Machine(session.emulator.pid) as machine:
                began = time.monotonic()
                upstream.play()
                writing = time.monotonic() - began
            _wait_until_quiet(session, quiet)
            outcome, latencies = found(session, stream), _latencies(session, upstream, stream)
            calls = session.calls() - calls_before
            redelivered = _deliver_again(session, stream)
            _wait_until_quiet(session, quiet)
            after = found(session, stream)
        return Played(
            begun=upstream.begun,
            writing_seconds=writing,
            writes=upstream.writes,
            outcome=outcome,
            after_redelivery=after,
            redelivered=redelivered,
            stream=stream,
            machine=machine,
            latencies=latencies,
            calls=calls,
        )


def _job(kind: Kind) -> LocalJob:
    def work(arguments: Arguments, run: JobRun) -> None:
        run.sleep(JOB_SECONDS)
        if kind is Kind.FLAKY and arguments["--attempt"] == "1":
            raise JobFailed("the first attempt fails")

    return LocalJob(work)


def _load(session: Session, parts: Sequence[Part]) -> float:
    """Seconds from the moment that config-sync hears of them until it has stored the last.

    They are in the bucket before it is told of any, as when Interlock is installed beside a bucket full of them: it would
    else be called once for each.
    """
    s3, bucket = session.emulator.client("s3"), session.stack.bucket
    heard = s3.get_bucket_notification_configuration(Bucket=bucket)
    del heard["ResponseMetadata"]
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    *before, last = parts
    for part in before:
        session.upload_pipeline(f"{part.id}.yaml", part.config())
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=heard)
    began = time.monotonic()
    session.upload_pipeline(f"{last.id}.yaml", last.config())
    while not _are_stored(session, parts):
        if time.monotonic() - began > _LOAD_SECONDS:
            raise RuntimeError(f"config-sync has not read all files; see {session.emulator.log_path}")
        time.sleep(0.5)
    return time.monotonic() - began


def _are_stored(session: Session, parts: Sequence[Part]) -> bool:
    table = session.stack.table("control")
    for start in range(0, len(parts), _MOST_KEYS):
        some = [_wire_key(keys.config_key(part.id)) for part in parts[start : start + _MOST_KEYS]]
        asked = {table: {"Keys": some, "ProjectionExpression": "PK"}}
        answer = session.emulator.client("dynamodb").batch_get_item(RequestItems=asked)
        if len(answer["Responses"][table]) < len(some):
            return False
    return True


def _wire_key(key: tuple[str, str]) -> dict[str, Any]:
    return {"PK": {"S": key[0]}, "SK": {"S": key[1]}}


def _wait_until_quiet(session: Session, seconds: float) -> None:
    """Until no function is called any more, but for what the clock calls."""
    deadline = time.monotonic() + _MOST_SECONDS
    last, since = _invoked(session), time.monotonic()
    while time.monotonic() - since < seconds and time.monotonic() < deadline:
        time.sleep(0.5)
        now = _invoked(session)
        if now != last:
            last, since = now, time.monotonic()


def _invoked(session: Session) -> Mapping[str, int]:
    return {name: times for name, times in session.invocations().items() if name not in _BY_THE_CLOCK}


def _latencies(session: Session, upstream: Upstream, stream: Stream) -> Latencies:
    jobs = {
        (job.job, job.arguments["--date"], int(job.arguments["--attempt"])): job
        for job in session.glue.runs()
    }
    starts = [
        jobs[pipeline, date, 1].started_at - at
        for (pipeline, date), at in upstream.needed_at.items()
        if (pipeline, date, 1) in jobs
    ]
    ends = []
    for run, told_at in completed_at(session).items():
        pipeline, date, _ = run
        job = jobs.get(run)
        # The event's own time is that of the decision; the row's move follows it.
        moves = sorted(stream.moves[keys.run_key(RunKey(pipeline, "stream", date))])
        moved = bisect_left(moves, told_at)
        if job is not None and job.ended_at is not None and moved < len(moves):
            ends.append(max(0.0, moves[moved] - job.ended_at))
    return Latencies(starts, ends, list(stream.seconds))


def _deliver_again(session: Session, stream: Stream) -> int:
    """Some batches long done come once more, as a redrive would bring them; how many records."""
    step = max(1, len(stream.firsts) // _LATE_BATCHES)
    records = 0
    for number in stream.firsts[::step][:_LATE_BATCHES]:
        batch = _batch(session, number)
        answer = session.emulator.client("lambda").invoke(
            FunctionName=session.stack.function("stream_router"), Payload=json.dumps({"Records": batch})
        )
        told = json.load(answer["Payload"])
        if told != {"batchItemFailures": []}:
            raise RuntimeError(f"stream-router failed at a batch that came once more: {told}")
        records += len(batch)
    return records


def _batch(session: Session, first: str) -> list[dict[str, Any]]:
    """A hundred records of the control stream from this sequence number on, as Lambda hands them to a function."""
    dynamodb, streams = session.emulator.client("dynamodb"), session.emulator.client("dynamodbstreams")
    arn = dynamodb.describe_table(TableName=session.stack.table("control"))["Table"]["LatestStreamArn"]
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(
        StreamArn=arn,
        ShardId=shard["ShardId"],
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        SequenceNumber=first,
    )["ShardIterator"]
    return [
        _as_delivered(record, arn)
        for record in streams.get_records(ShardIterator=iterator, Limit=100)["Records"]
    ]


def _as_delivered(record: Mapping[str, Any], arn: str) -> dict[str, Any]:
    at = record["dynamodb"]["ApproximateCreationDateTime"].timestamp()
    return {
        **record,
        "dynamodb": {**record["dynamodb"], "ApproximateCreationDateTime": at},
        "eventSourceARN": arn,
    }

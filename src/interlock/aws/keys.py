"""The only place that builds or parses a table key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from interlock.aws.table import Key
from interlock.domain.bad_input import BadInput
from interlock.domain.event import EventType
from interlock.domain.promise import PromiseKind
from interlock.domain.run import RunKey
from interlock.ports import DUE_SHARDS

CONFIG = "CONFIG"
CALENDAR = "CALENDAR"
_PIPELINE = "PIPELINE#"
_NOBODY = "PIPELINE#-"  # events that belong to no pipeline; `-` alone is refused as a pipeline id
CONFIG_FILES = "CONFIG_FILES"  # partition of the rows that record each config file
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
_LONGEST_SORT_KEY = 1024  # bytes
_LATEST_EPOCH_MS = 253_402_300_799_999  # the end of the year 9999: no datetime is later


class RowKind(StrEnum):
    """What a row of the control or joblog table is, by its sort key."""

    CONFIG = "CONFIG"
    SENSOR = "SENSOR#"
    RUN = "RUN#"
    RERUN_REQUEST = "RERUN_REQUEST#"
    JOB = "JOB#"
    NOTICE = "NOTICE#"
    CONFIG_FILE = "FILE#"
    DUE = "DUE#"
    WATCHDOG = "WATCHDOG"


@dataclass(frozen=True, slots=True)
class ParsedKey:
    """A key taken apart: `rest` is what follows the kind in the sort key."""

    kind: RowKind
    pipeline_id: str
    rest: str


class UnreadableKey(BadInput):
    """A key that nobody of ours, and no documented outsider, would write."""


def partition(pipeline_id: str) -> str:
    return f"{_PIPELINE}{pipeline_id}"


def pipeline_of(partition_key: str) -> str | None:
    """The pipeline of a partition key; None when it is not a pipeline's."""
    if not partition_key.startswith(_PIPELINE) or partition_key == _NOBODY:
        return None
    return partition_key[len(_PIPELINE) :] or None


def parse_key(partition_key: str, sort_key: str) -> ParsedKey | None:
    """None for rows of other kinds (calendars, baselines, garbage): they concern no route."""
    if partition_key == CONFIG_FILES and sort_key.startswith(RowKind.CONFIG_FILE):
        return ParsedKey(RowKind.CONFIG_FILE, "-", sort_key[len(RowKind.CONFIG_FILE) :])
    pipeline_id = pipeline_of(partition_key)
    if partition_key == _NOBODY:
        pipeline_id = "-"
    if pipeline_id is None:
        return None
    if sort_key == CONFIG:
        return ParsedKey(RowKind.CONFIG, pipeline_id, "")
    if (partition_key, sort_key) == WATCHDOG_KEY:
        return ParsedKey(RowKind.WATCHDOG, pipeline_id, "")
    for kind in _PREFIXED:
        if sort_key.startswith(kind):
            return ParsedKey(kind, pipeline_id, sort_key[len(kind) :])
    return None


_PREFIXED = (
    RowKind.SENSOR,
    RowKind.RUN,
    RowKind.JOB,
    RowKind.RERUN_REQUEST,
    RowKind.NOTICE,
    RowKind.DUE,
)


# What the watchdog remembers: which of its parts fail, and how far its sweep has come.
WATCHDOG_KEY: Key = (_NOBODY, RowKind.WATCHDOG)
SWEEP_KEY: Key = (_NOBODY, "SWEEP")


def config_key(pipeline_id: str) -> Key:
    return partition(pipeline_id), CONFIG


def calendar_key(name: str) -> Key:
    return f"CALENDAR#{name}", CALENDAR


def sensor_key(pipeline_id: str, key: str) -> Key:
    return partition(pipeline_id), f"{RowKind.SENSOR}{key}"


def run_key(key: RunKey) -> Key:
    return partition(key.pipeline_id), f"{RowKind.RUN}{key.schedule_id}#{key.date}"


def runs_prefix(schedule_id: str, date_prefix: str) -> str:
    return f"{RowKind.RUN}{schedule_id}#{date_prefix}"


def parse_run_key(partition_key: str, sort_key: str) -> RunKey:
    """The run of a `RUN#` or `RERUN_REQUEST#` row."""
    parsed = parse_key(partition_key, sort_key)
    schedule_id, separator, date = (parsed.rest if parsed else "").partition("#")
    if parsed is None or not separator or schedule_id not in ("cron", "stream") or not date:
        raise UnreadableKey(f"{sort_key[:200]!r} is not RUN#<cron|stream>#<date>")
    return RunKey(parsed.pipeline_id, schedule_id, date)


def rerun_request_key(key: RunKey) -> Key:
    return partition(key.pipeline_id), f"{RowKind.RERUN_REQUEST}{key.schedule_id}#{key.date}"


def baseline_key(key: RunKey) -> Key:
    return partition(key.pipeline_id), f"BASELINE#{key.schedule_id}#{key.date}"


DUE_RUN = "DUE#check#"


def due_key(key: RunKey) -> Key:
    return partition(key.pipeline_id), f"{DUE_RUN}{key.schedule_id}#{key.date}"


def parse_due_key(partition_key: str, sort_key: str) -> RunKey:
    """The run of a `DUE#check#` row."""
    pipeline_id = pipeline_of(partition_key)
    schedule_id, _, date = sort_key.removeprefix(DUE_RUN).partition("#")
    if pipeline_id is None or not sort_key.startswith(DUE_RUN) or not date:
        raise UnreadableKey(f"{sort_key[:200]!r} is not DUE#check#<cron|stream>#<date>")
    return RunKey(pipeline_id, schedule_id, date)


def promise_key(kind: PromiseKind, key: RunKey) -> Key:
    return partition(key.pipeline_id), f"{RowKind.DUE}{kind}#{key.schedule_id}#{key.date}"


def promises_prefix(kind: PromiseKind | None) -> str:
    return f"{RowKind.DUE}{kind}#" if kind else RowKind.DUE


def parse_promise_key(partition_key: str, sort_key: str) -> tuple[PromiseKind, RunKey]:
    """The kind and the run of a `DUE#` row that is no check."""
    pipeline_id = pipeline_of(partition_key)
    parts = sort_key.split("#")
    if pipeline_id is None or len(parts) != 4 or parts[1] not in _KINDS or not parts[3]:
        raise UnreadableKey(f"{sort_key[:200]!r} is not DUE#<kind>#<cron|stream>#<date>")
    return PromiseKind(parts[1]), RunKey(pipeline_id, parts[2], parts[3])


_KINDS = frozenset(PromiseKind)


DEPENDENT = "DEPENDENT#"


def dependent_key(pipeline_id: str, dependent_id: str) -> Key:
    """In the upstream's partition: whose runs wait for its runs."""
    return partition(pipeline_id), f"{DEPENDENT}{dependent_id}"


def due_shard(key: RunKey) -> int:
    # Any stable spread will do; a pipeline's rows stay together.
    return sum(key.pipeline_id.encode()) % DUE_SHARDS


def due_partition(shard: int) -> str:
    return f"due#{shard}"


def notice_key(pipeline_id: str | None, subject: str) -> Key:
    """A subject may name a key of the longest kind."""
    return partition(pipeline_id or "-"), _cut(f"{RowKind.NOTICE}{subject}")


def config_file_key(source: str) -> Key:
    """S3's keys are as long as ours, without what ours begins with."""
    return CONFIG_FILES, _cut(f"{RowKind.CONFIG_FILE}{source}")


def _cut(sort: str) -> str:
    """One that is too long is kept apart from its like by a hash."""
    if len(sort.encode()) <= _LONGEST_SORT_KEY:
        return sort
    digest = sha256(sort.encode()).hexdigest()[:16]
    return f"{sort.encode()[: _LONGEST_SORT_KEY - 17].decode(errors='ignore')}#{digest}"


def job_key(key: RunKey, at: datetime, attempt: int) -> Key:
    return partition(key.pipeline_id), f"{jobs_prefix(key)}{_epoch_ms(at)}#{attempt}"


def jobs_prefix(key: RunKey) -> str:
    """Of the sort keys of a run's `JOB#` rows."""
    return f"{RowKind.JOB}{key.schedule_id}#{key.date}#"


def parse_job_key(partition_key: str, sort_key: str) -> tuple[RunKey, int, int]:
    """The run, the epoch milliseconds and the attempt of a `JOB#` row."""
    parsed = parse_key(partition_key, sort_key)
    parts = parsed.rest.split("#") if parsed else []
    if parsed is None or len(parts) != 4 or parts[0] not in ("cron", "stream"):
        raise UnreadableKey(f"{sort_key[:200]!r} is not JOB#<cron|stream>#<date>#<epoch ms>#<attempt>")
    schedule_id, date, epoch_ms, attempt = parts
    if not (_is_whole(epoch_ms, 15) and int(epoch_ms) <= _LATEST_EPOCH_MS):
        raise UnreadableKey(f"{sort_key[:200]!r}: {epoch_ms[:40]!r} is not a time in epoch milliseconds")
    if not (_is_whole(attempt, 6) and int(attempt) >= 1):
        raise UnreadableKey(f"{sort_key[:200]!r}: {attempt[:40]!r} is not an attempt, a whole number from 1")
    return RunKey(parsed.pipeline_id, schedule_id, date), int(epoch_ms), int(attempt)


def _is_whole(text: str, most_digits: int) -> bool:
    # isascii: str.isdigit() also takes digits that int() or a reader would not expect.
    return text.isascii() and text.isdigit() and len(text) <= most_digits


def remote_key(job_type: str, remote_id: str) -> Key:
    return f"REMOTE#{job_type}#{remote_id}", "RUN"


POOL = "POOL#"


def pool_key(name: str) -> Key:
    return f"{POOL}{name}", "SLOTS"


def event_key(pipeline_id: str | None, at: datetime, event_type: EventType, event_id: str) -> Key:
    return partition(pipeline_id or "-"), f"{_epoch_ms(at)}#{event_type}#{event_id}"


def thread_key(pipeline_id: str | None, thread: str) -> Key:
    return partition(pipeline_id or "-"), f"THREAD#{thread}"


def _epoch_ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


RERUN = "RERUN#"


def rerun_key(key: RunKey, number: int) -> Key:
    # Padded, so that the rows sort by number.
    return partition(key.pipeline_id), f"{RERUN}{key.schedule_id}#{key.date}#{number:06d}"

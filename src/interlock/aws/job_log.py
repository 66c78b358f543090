"""The joblog table: `JOB#` records, ours and outsiders', and which run a remote job belongs to. Implements `ports.JobLog`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from interlock.aws import keys
from interlock.aws.run_item import plain, storable
from interlock.aws.table import Item, Table
from interlock.domain.bad_input import BadInput
from interlock.domain.job_record import InvalidRecord, JobRecord
from interlock.domain.run import FailureCategory, JobEnd, Outcome, RunKey
from interlock.domain.schedule import period_of

_KEPT = timedelta(days=30)
_LONGEST_TEXT = 1000
_MOST_READ = 1000  # records of one run: it has a few, unless somebody writes any number
_LARGEST_METRICS = 4000  # bytes of JSON
_REPORT = ("recordsProcessed", "durationSeconds", "metrics")


class DynamoJobLog:
    """Stores over one `Table`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def put(self, record: JobRecord) -> None:
        partition, sort = keys.job_key(record.key, record.at, record.attempt)
        item: Item = {
            "PK": partition,
            "SK": sort,
            "event": str(record.outcome.end),
            "ttl": int((record.at + _KEPT).timestamp()),
        }
        if record.run_id:
            item["runId"] = record.run_id
        if record.outcome.error:
            item["error"] = record.outcome.error
        if record.outcome.category:
            item["category"] = str(record.outcome.category)
        if record.outcome.may_live:
            item["mayLive"] = True
        if record.outcome.start_unknown:
            item["startUnknown"] = True
        self._table.put(item | storable(record.outcome.report))

    def of_attempt(self, key: RunKey, attempt: int) -> list[JobRecord]:
        rows = self._table.query(keys.partition(key.pipeline_id), keys.jobs_prefix(key), limit=_MOST_READ)
        records = [record for record in map(_readable, rows) if record is not None]
        return [record for record in records if record.attempt == attempt]

    def remember_remote(
        self, job_type: str, remote_id: str, key: RunKey, attempt: int, now: datetime
    ) -> None:
        partition, sort = keys.remote_key(job_type, remote_id)
        self._table.put(
            {
                "PK": partition,
                "SK": sort,
                "pipelineId": key.pipeline_id,
                "scheduleId": key.schedule_id,
                "date": key.date,
                "attempt": attempt,
                "ttl": int((now + _KEPT).timestamp()),
            }
        )

    def run_of_remote(self, job_type: str, remote_id: str) -> tuple[RunKey, int] | None:
        item = self._table.get(keys.remote_key(job_type, remote_id))
        if item is None:
            return None
        return RunKey(item["pipelineId"], item["scheduleId"], item["date"]), int(item["attempt"])


def _readable(item: Mapping[str, Any]) -> JobRecord | None:
    with suppress(BadInput):
        return read_job_record(item)
    return None


def read_job_record(item: Mapping[str, Any]) -> JobRecord:
    """A `JOB#` row as a record, whoever wrote it; `InvalidRecord` or `UnreadableKey` says what is wrong."""
    key, epoch_ms, attempt = keys.parse_job_key(item["PK"], item["SK"])
    try:
        period_of(key.date)
    except ValueError as error:
        raise InvalidRecord(str(error)) from error
    return JobRecord(
        key=key,
        attempt=attempt,
        at=datetime.fromtimestamp(epoch_ms / 1000, UTC),
        run_id=_text(item, "runId"),
        outcome=Outcome(
            end=_end(item.get("event")),
            error=_text(item, "error"),
            category=_category(item.get("category")),
            report=_report(item),
            may_live=item.get("mayLive") is True,
            start_unknown=item.get("startUnknown") is True,
        ),
    )


def _end(event: Any) -> JobEnd:
    try:
        return JobEnd(str(event).lower())
    except ValueError:
        ends = ", ".join(JobEnd)
        raise InvalidRecord(f"event is {str(event)[:80]!r}; write one of {ends}") from None


def _category(category: Any) -> FailureCategory | None:
    if category is None:
        return None
    try:
        return FailureCategory(str(category).upper())
    except ValueError:
        categories = ", ".join(FailureCategory)
        raise InvalidRecord(
            f"category is {str(category)[:80]!r}; write one of {categories}, or leave it out"
        ) from None


def _text(item: Mapping[str, Any], name: str) -> str | None:
    value = item.get(name)
    return None if value is None else str(plain(value))[:_LONGEST_TEXT]


def _report(item: Mapping[str, Any]) -> dict[str, Any]:
    """The run's own figures; one that is no figure is left out rather than believed."""
    report: dict[str, Any] = {}
    for name in _REPORT:
        value = plain(item.get(name))
        if isinstance(value, bool) or not isinstance(value, (int, float, dict)):
            continue
        if (name == "metrics") == isinstance(value, dict) and len(
            json.dumps(value, default=str)
        ) <= _LARGEST_METRICS:
            report[name] = json.loads(json.dumps(value, default=str))
    return report

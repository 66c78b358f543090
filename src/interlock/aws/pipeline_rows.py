"""One pipeline's rows from date to date, across the tables, and a rerun request put among them: for the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from interlock.aws import keys
from interlock.aws.job_log import read_job_record
from interlock.aws.run_item import plain, read_run
from interlock.aws.table import Item, Table, absent
from interlock.domain.bad_input import BadInput
from interlock.domain.execution_date import period_start
from interlock.domain.job_record import JobRecord
from interlock.domain.run import Run, RunKey

_PAGE = 500  # rows
_ANSWERS = ("RERUN_REJECTED", "DRY_RUN_WOULD_RERUN")


@dataclass(frozen=True, slots=True)
class Dates:
    """Some execution dates of one schedule of a pipeline, the first and the last included."""

    pipeline_id: str
    schedule_id: str
    first: str
    last: str

    def includes(self, run_date: str) -> bool:
        # The hours of the last day too: `2026-03-01T18` begins with `2026-03-01`.
        return self.first <= run_date and (run_date <= self.last or run_date.startswith(self.last))


@dataclass(frozen=True, slots=True)
class RerunRow:
    """Who had a partition run again; or who asks for it, and is not answered yet."""

    key: RunKey
    requested_by: str
    reason: str


class PipelineRows:
    """Reads page by page, consistently; writes nothing but requests."""

    def __init__(self, control: Table, joblog: Table, rerun: Table) -> None:
        self._control, self._joblog, self._rerun = control, joblog, rerun

    def runs(self, dates: Dates) -> list[Run]:
        return [read_run(row) for row in _rows(self._control, keys.RowKind.RUN, dates)]

    def requests(self, dates: Dates) -> list[RerunRow]:
        """Those that wait to be decided."""
        rows = _rows(self._control, keys.RowKind.RERUN_REQUEST, dates)
        return [_rerun_row(row, keys.RowKind.RERUN_REQUEST) for row in rows]

    def reruns(self, dates: Dates) -> list[RerunRow]:
        """Those that were accepted in the last 30 days."""
        return [_rerun_row(row, keys.RERUN) for row in _rows(self._rerun, keys.RERUN, dates)]

    def job_records(self, dates: Dates) -> tuple[list[JobRecord], int]:
        """What jobs reported, and how many rows could not be read."""
        read: list[JobRecord] = []
        unreadable = 0
        for row in _rows(self._joblog, keys.RowKind.JOB, dates):
            try:
                read.append(read_job_record(row))
            except BadInput:
                unreadable += 1
        return read, unreadable

    def ask(self, key: RunKey, reason: str, requested_by: str, *, force: bool) -> None:
        """Put a rerun request; `Lost` while another one waits to be decided."""
        partition, sort = keys.rerun_request_key(key)
        request: Item = {"PK": partition, "SK": sort, "reason": reason, "requestedBy": requested_by}
        self._control.put(request | ({"force": True} if force else {}), only_if=(absent("PK"),))

    def request(self, key: RunKey) -> RerunRow | None:
        row = self._control.get(keys.rerun_request_key(key))
        return _rerun_row(row, keys.RowKind.RERUN_REQUEST) if row else None

    def answer(self, key: RunKey) -> Mapping[str, Any]:
        """What was said last of a request that opened nothing: its event's detail, with `why` if it was refused."""
        subjects = (f"{subject}#{key.schedule_id}#{key.date}" for subject in _ANSWERS)
        found = [self._control.get(keys.notice_key(key.pipeline_id, subject)) for subject in subjects]
        rows = sorted((plain(row) for row in found if row), key=lambda row: str(row.get("updatedAt")))
        events = rows[-1].get("events") if rows else None
        detail = events[0].get("detail") if isinstance(events, list) and events else None
        return detail if isinstance(detail, dict) else {}


def _rows(table: Table, kind: str, dates: Dates) -> Iterator[Item]:
    prefix = f"{kind}{dates.schedule_id}#"
    day_before = period_start(dates.first) - timedelta(days=1)
    # Later than the last hour of the day before, and not later than the first date itself.
    after = f"{prefix}{day_before.date().isoformat()}~"
    while True:
        page = table.query(keys.partition(dates.pipeline_id), prefix, _PAGE, after)
        for row in page:
            run_date = str(row["SK"])[len(prefix) :].partition("#")[0]
            if dates.includes(run_date):
                yield row
            elif run_date > dates.last:
                return
        if len(page) < _PAGE:
            return
        after = str(page[-1]["SK"])


def _rerun_row(row: Mapping[str, Any], kind: str) -> RerunRow:
    schedule_id, _, rest = str(row["SK"])[len(kind) :].partition("#")
    key = RunKey(keys.pipeline_of(row["PK"]) or "", schedule_id, rest.partition("#")[0])
    return RerunRow(key, str(row.get("requestedBy") or ""), str(row.get("reason") or ""))

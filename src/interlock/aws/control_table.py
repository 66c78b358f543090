"""The control table: configs, sensors, runs, notices and the ledger of promises. Implements `ports.ControlTable`."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from interlock.aws import keys
from interlock.aws.outbox import readable_events
from interlock.aws.promise_item import baseline_item, epoch_ms, promise_item, read_baseline, read_promise
from interlock.aws.run_item import (
    announcement_item,
    instant_text,
    parse_instant_text,
    plain,
    read_run,
    run_item,
)
from interlock.aws.table import Clause, Either, Item, Op, Table, absent, equals
from interlock.domain.bad_input import BadInput
from interlock.domain.baseline import Baseline
from interlock.domain.event import Announcement
from interlock.domain.pipeline import Pipeline
from interlock.domain.pipeline_codec import StoredPipelineUnreadable, decode_pipeline
from interlock.domain.promise import Promise, PromiseKind
from interlock.domain.run import Outcome, Run, RunKey, RunStatus
from interlock.domain.schedule import Calendar
from interlock.ports import (
    WORKFLOW_ENDED,
    Attributes,
    CallFailed,
    DuePromise,
    DueRun,
    Lost,
    RecentRows,
    StoredConfig,
)

if TYPE_CHECKING:
    from interlock.domain.pool import Pool
    from interlock.domain.upstream_outcome import RunSeen

log = logging.getLogger(__name__)

# Longer than any function holds what it read: a row that is made anew counts its versions anew.
_EMPTY_POOL_KEPT = timedelta(days=1)
_NOTICE_KEPT = timedelta(days=90)
_MOST_TOLD = 100  # facts that a notice remembers: they may alternate, and their records may come again
# A condition has at most 300 operators, and each comparison is joined by one more.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
_MOST_COMPARED = 100
_REQUEST_FIELDS = ("reason", "requestedBy", "force")


class DynamoControlTable:
    """Stores over one `Table`: the same code on DynamoDB and in memory."""

    def __init__(self, table: Table) -> None:
        self._table = table

    # -- configs

    def pipeline(self, pipeline_id: str) -> Pipeline | None:
        item = self._table.get(keys.config_key(pipeline_id))
        try:
            return decode_pipeline(item["config"]) if item else None
        except (KeyError, StoredPipelineUnreadable) as error:
            raise BadInput(
                f"the stored config is not one of ours: {str(error)[:300]}; sync it anew"
            ) from error

    def config(self, pipeline_id: str) -> StoredConfig | None:
        item = self._table.get(keys.config_key(pipeline_id))
        if item is None:
            return None
        version = item.get("version")
        return StoredConfig(
            pipeline_id=pipeline_id,
            # Whoever wrote over the row: the next sync puts the file's config back.
            text=str(item.get("config")),
            source=str(item.get("source")),
            etag=str(item.get("etag")),
            version=int(version) if isinstance(version, Decimal) else 0,
            loaded_at=_instant(item.get("updatedAt")),
        )

    def put_config(self, config: StoredConfig, announcement: Announcement) -> None:
        partition, sort = keys.config_key(config.pipeline_id)
        now = instant_text(announcement.at)
        self._table.put(
            {
                "PK": partition,
                "SK": sort,
                "config": config.text,
                "source": config.source,
                "etag": config.etag,
                "updatedAt": now,
                "createdAt": now,
                "version": config.version,
                "events": [announcement_item(announcement)],
            }
        )

    def remove_config(self, pipeline_id: str) -> None:
        self._table.delete(keys.config_key(pipeline_id))

    def calendars(self, names: Iterable[str]) -> Mapping[str, Calendar]:
        found: dict[str, Calendar] = {}
        for name in names:
            item = self._table.get(keys.calendar_key(name))
            if item is None:
                continue
            try:
                found[name] = Calendar.from_mapping(name, plain(item))
            except ValueError as error:
                raise BadInput(str(error)) from error
        return found

    # -- runs

    def run(self, key: RunKey) -> Run | None:
        item = self._table.get(keys.run_key(key))
        return read_run(item) if item else None

    def runs_of_date(self, pipeline_id: str, schedule_id: str, date_prefix: str) -> list[Run]:
        prefix = keys.runs_prefix(schedule_id, date_prefix)
        return [read_run(item) for item in self._table.query(keys.partition(pipeline_id), prefix)]

    def snapshot(
        self, key: RunKey, sensor_keys: Sequence[str]
    ) -> tuple[Run | None, Mapping[str, Attributes]]:
        run, sensors, _ = self.snapshot_with_runs(key, sensor_keys, ())
        return run, sensors

    def snapshot_with_runs(
        self, key: RunKey, sensor_keys: Sequence[str], others: Iterable[RunKey]
    ) -> tuple[Run | None, Mapping[str, Attributes], Mapping[RunKey, RunSeen]]:
        wanted = {keys.sensor_key(key.pipeline_id, sensor): sensor for sensor in sensor_keys}
        runs = {keys.run_key(other): other for other in others}
        items = self._table.snapshot([keys.run_key(key), *wanted, *runs])
        run = items.get(keys.run_key(key))
        sensors = {wanted[found]: item for found, item in items.items() if found in wanted}
        seen = {runs[found]: _run_seen(item) for found, item in items.items() if found in runs}
        return (read_run(run) if run else None), sensors, seen

    def open_run(self, run: Run) -> None:
        try:
            self._table.put(run_item(run), only_if=(absent("PK"),))
        except Lost as lost:
            raise Lost(read_run(lost.current)) from None

    def move(self, before: Run, after: Run) -> Run:
        # Not while another function calls the job service: the job it starts would belong to nobody.
        unmoved = (*_same_attempt(before), equals("version", before.version), _same_intent(before))
        # What was reported meanwhile is not written over.
        unheard = (absent("outcome"),) if after.outcome is not None and before.outcome is None else ()
        return self._write(before, after, (*unmoved, *unheard))

    def note(self, before: Run, after: Run) -> Run:
        same: tuple[Clause | Either, ...] = (
            *_same_attempt(before),
            equals("executionName", before.execution_name),
        )
        if _of_a_turn(after) != _of_a_turn(before):
            # Nobody gave the slots back meanwhile with which the job may start.
            same = (*same, _same_turn(before))
        if after.slot_turn != before.slot_turn:
            same = (*same, _same_intent(before))
        if after.told != before.told:
            # What another function remembered meanwhile would be forgotten, and told again.
            known = run_item(before).get("told")
            same = (*same, absent("told") if known is None else equals("told", known))
        return self._write(before, after, same)

    def register_token(
        self, key: RunKey, execution: str, status: RunStatus, token: str, waits_for: str
    ) -> Run:
        changes = {"taskToken": token, "tokenFor": waits_for, "confirmed": True}
        return self._update(
            key, changes, (), (equals("status", str(status)), equals("executionName", execution))
        )

    def record_outcome(self, run: Run, outcome: Outcome) -> Run:
        current = run_item(replace(run, outcome=outcome))["outcome"]
        open_statuses = Either((equals("status", RunStatus.WAITING), equals("status", RunStatus.RUNNING)))
        condition = (equals("attempt", run.attempt), absent("outcome"), open_statuses)
        return self._update(run.key, {"outcome": current}, (), condition)

    def _write(self, before: Run, after: Run, condition: tuple[Clause | Either, ...]) -> Run:
        # Only what differs is written: a token or an outcome that another function noted meanwhile stays.
        old, new = run_item(before), run_item(after)
        changes = {name: value for name, value in new.items() if old.get(name) != value}
        removed = [name for name in old if name not in new]
        if not changes and not removed:
            return after
        return self._update(after.key, changes, removed, condition)

    def _update(
        self, key: RunKey, changes: Item, removed: Sequence[str], condition: tuple[Clause | Either, ...]
    ) -> Run:
        try:
            return read_run(self._table.update(keys.run_key(key), changes, removed, only_if=condition))
        except Lost as lost:
            raise Lost(read_run(lost.current) if lost.current else None) from None

    # -- the ledger of promises

    def due_runs_of(self, pipeline_id: str) -> list[DueRun]:
        return _readable_dues(self._table.query(keys.partition(pipeline_id), keys.DUE_RUN))

    def due(self, shard: int, now: datetime, limit: int) -> list[DueRun | DuePromise]:
        found = self._table.query_due(keys.due_partition(shard), Decimal(epoch_ms(now)), limit)
        dues: list[DueRun | DuePromise] = []
        for row in found:
            due = _due(row) if row["SK"].startswith(keys.DUE_RUN) else _due_promise(row)
            if due is not None:
                dues.append(due)
            else:
                self._leave_index(row)
        return dues

    def _leave_index(self, row: Item) -> None:
        """Nobody will ever look at it: a page full of such rows would hide all that is due behind them."""
        with suppress(Lost, CallFailed):
            seen = equals("dueAt", row["dueAt"])
            self._table.update((row["PK"], row["SK"]), {}, ["dueShard"], only_if=(seen,))

    def promise(self, due: DueRun, of: Run | None = None) -> None:
        partition, sort = keys.due_key(due.key)
        row: Item = {
            "PK": partition,
            "SK": sort,
            "dueShard": keys.due_partition(keys.due_shard(due.key)),
            "dueAt": epoch_ms(due.due_at),
            "waitsFor": due.waits_for,
            "tries": due.tries,
        }
        with suppress(Lost):  # nobody would learn again that the execution is gone
            self._table.put(row, only_if=() if of is None else _not_ended(of))

    def keep(self, key: RunKey) -> None:
        self._table.delete(keys.due_key(key))

    def promise_of(self, kind: PromiseKind, key: RunKey) -> Promise | None:
        item = self._table.get(keys.promise_key(kind, key))
        return read_promise(item) if item else None

    def promises_of(self, pipeline_id: str, kind: PromiseKind | None = None) -> list[Promise]:
        rows = self._table.query(keys.partition(pipeline_id), keys.promises_prefix(kind))
        promises = (row for row in rows if not row["SK"].startswith(keys.DUE_RUN))
        return [promise for promise in map(_readable_promise, promises) if promise is not None]

    def make_promise(self, promise: Promise) -> None:
        try:
            self._table.put(promise_item(promise, promise.created_at), only_if=(absent("PK"),))
        except Lost as lost:
            raise Lost(read_promise(lost.current)) from None

    def change_promise(self, before: Promise, after: Promise) -> None:
        settled_at = max((event.at for event in after.events), default=before.due_at or before.created_at)
        try:
            self._table.put(promise_item(after, settled_at), only_if=_unchanged_promise(before))
        except Lost as lost:
            raise Lost(read_promise(lost.current) if lost.current else None) from None

    def put_off(self, due: DuePromise, until: datetime) -> None:
        key, seen = keys.promise_key(due.kind, due.key), Decimal(epoch_ms(due.due_at))
        row = self._table.get(key) or {}
        # What was promised stays: a config that is loaded meanwhile must not take it for one that moved.
        later = {"dueAt": epoch_ms(until), "promisedFor": row.get("promisedFor", seen)}
        with suppress(Lost):
            self._table.update(key, later, only_if=(equals("dueAt", seen),))

    def drop_promise(self, promise: Promise) -> None:
        with suppress(Lost):
            row = keys.promise_key(promise.kind, promise.key)
            self._table.delete(row, only_if=_unchanged_promise(promise))

    def recent_rows(self, pipeline_id: str, schedule_id: str, after_date: str) -> RecentRows:
        partition, prefix = keys.partition(pipeline_id), keys.runs_prefix(schedule_id, "")
        runs = self._table.query(partition, prefix, after=prefix + after_date)
        dues = self._table.query(partition, keys.promises_prefix(None))
        notices = self._table.query(partition, keys.RowKind.NOTICE)
        checks = [row for row in dues if row["SK"].startswith(keys.DUE_RUN)]
        promises = [row for row in dues if not row["SK"].startswith(keys.DUE_RUN)]
        return RecentRows(
            runs=[run for run in map(_readable_run, runs) if run is not None],
            watched=frozenset(due.key for due in _readable_dues(checks)),
            promises=[promise for promise in map(_readable_promise, promises) if promise is not None],
            events=[event for row in (*runs, *promises, *notices) for event in readable_events(row)],
        )

    def baseline(self, key: RunKey) -> Baseline | None:
        item = self._table.get(keys.baseline_key(key))
        return read_baseline(item, key) if item else None

    def put_baseline(self, baseline: Baseline) -> None:
        self._table.put(baseline_item(baseline))

    # -- who waits for whom

    def dependents_of(self, pipeline_id: str) -> list[str]:
        rows = self._table.query(keys.partition(pipeline_id), keys.DEPENDENT)
        return [str(row["SK"])[len(keys.DEPENDENT) :] for row in rows]

    def add_dependent(self, pipeline_id: str, dependent_id: str) -> None:
        partition, sort = keys.dependent_key(pipeline_id, dependent_id)
        self._table.put({"PK": partition, "SK": sort})

    def remove_dependent(self, pipeline_id: str, dependent_id: str) -> None:
        self._table.delete(keys.dependent_key(pipeline_id, dependent_id))

    # -- slots

    def pool(self, name: str) -> Pool:
        from interlock.aws.pool_item import read_pool  # few pipelines have limits

        return read_pool(name, self._table.get(keys.pool_key(name)))

    def change_pool(self, before: Pool, after: Pool, now: datetime) -> None:
        from interlock.aws.pool_item import pool_item, read_pool

        item = pool_item(replace(after, version=before.version + 1))
        if after.is_empty:
            item["ttl"] = int((now + _EMPTY_POOL_KEPT).timestamp())
        try:
            only_if = equals("version", before.version) if before.version else absent("PK")
            self._table.put(item, only_if=(only_if,))
        except Lost as lost:
            raise Lost(read_pool(after.name, lost.current)) from None

    # -- facts that no run carries

    def notice(
        self,
        pipeline_id: str,
        subject: str,
        fingerprint: str,
        announcement: Announcement,
        key: RunKey | None = None,
    ) -> None:
        row = keys.notice_key(pipeline_id, subject)
        known = self._table.get(row)
        told, mark = _told(known), _mark(fingerprint)
        if mark in told:
            return
        version, created_at = _life_of(known or {})
        now = instant_text(announcement.at)
        item: dict[str, Any] = {
            "PK": row[0],
            "SK": row[1],
            "told": [*told, mark][-_MOST_TOLD:],
            "createdAt": created_at or now,
            "updatedAt": now,
            "version": version + 1,
            "events": [announcement_item(announcement)],
            "ttl": int((announcement.at + _NOTICE_KEPT).timestamp()),
        }
        if key is not None:
            item |= {"scheduleId": key.schedule_id, "date": key.date}
        try:
            self._table.put(item, only_if=(_unchanged(known),))
        except Lost:
            # Another worker announces a fact of the same subject at this instant. If it is another fact, ours must
            # not be lost with it: the record is delivered again and finds the row as it is then.
            if mark not in _told(self._table.get(row)):
                raise

    def was_noticed(self, pipeline_id: str, subject: str, fingerprint: str) -> bool:
        return _mark(fingerprint) in _told(self._table.get(keys.notice_key(pipeline_id, subject)))

    # -- rerun requests

    def rerun_request(self, key: RunKey) -> Attributes | None:
        return self._table.get(keys.rerun_request_key(key))

    def forget_rerun_request(self, key: RunKey, decided: Attributes) -> None:
        told = [(name, value) for name, value in sorted(decided.items()) if name not in ("PK", "SK")]
        same = [equals(name, value) for name, value in told[:_MOST_COMPARED]]
        # A newer one that says more (`force: true`, after a refusal) is another request.
        same += [absent(name) for name in _REQUEST_FIELDS if name not in decided]
        with suppress(Lost):
            self._table.delete(keys.rerun_request_key(key), only_if=tuple(same))


def _instant(text: Any) -> datetime | None:
    with suppress(TypeError, ValueError):
        return parse_instant_text(text)
    return None


_NEVER = datetime.min.replace(tzinfo=UTC)


def _run_seen(item: Mapping[str, Any]) -> RunSeen:
    """A row that somebody wrote over harms its own pipeline: those that wait for it are told that they cannot read it."""
    from interlock.domain.upstream_outcome import RunSeen  # most pipelines wait for no other

    try:
        moved_at, dry_run = parse_instant_text(item["updatedAt"]), bool(item.get("dryRun"))
        return RunSeen(RunStatus(item["status"]), moved_at, dry_run, _instant(item.get("succeededAt")))
    except (KeyError, TypeError, ValueError):
        return RunSeen(None, _NEVER)


def _unchanged_promise(promise: Promise) -> tuple[Clause, ...]:
    """A row that was dropped and made anew counts its versions anew."""
    return equals("version", promise.version), equals("createdAt", instant_text(promise.created_at))


def _same_attempt(run: Run) -> tuple[Clause, ...]:
    return equals("status", str(run.status)), equals("attempt", run.attempt)


def _same_intent(run: Run) -> Clause:
    intent = run_item(run).get("intent")
    return absent("intent") if intent is None else equals("intent", intent)


def _of_a_turn(run: Run) -> tuple[Any, ...]:
    return run.intent, run.pools, run.slots_at, run.slot_turn


def _same_turn(run: Run) -> Clause | Either:
    same = equals("slotTurn", run.slot_turn)
    # A row that was written before there were slots has none.
    return same if run.slot_turn else Either((same, absent("slotTurn")))


def _not_ended(run: Run) -> tuple[Either, ...]:
    other = Clause("tries", Op.NOT_EQUALS, run.execution_count)
    return tuple(
        Either((Clause("waitsFor", Op.NOT_EQUALS, ended), other)) for ended in WORKFLOW_ENDED.values()
    )


def _mark(fingerprint: str) -> str:
    return hashlib.sha256(fingerprint.encode()).hexdigest()[:16]


def _told(notice: Mapping[str, Any] | None) -> list[str]:
    told = (notice or {}).get("told")
    return [str(mark) for mark in told] if isinstance(told, list) else []


def _life_of(notice: Mapping[str, Any]) -> tuple[int, str | None]:
    """Its version and the creation that its event ids are made from; of a row that somebody wrote over a new one."""
    version, created_at = notice.get("version"), notice.get("createdAt")
    readable = isinstance(version, Decimal) and isinstance(created_at, str)
    return int(version) if isinstance(version, Decimal) else 0, created_at if readable else None


def _unchanged(notice: Mapping[str, Any] | None) -> Clause:
    if notice is None:
        return absent("PK")
    return equals("version", notice["version"]) if "version" in notice else absent("version")


def _readable_dues(items: Iterable[Mapping[str, Any]]) -> list[DueRun]:
    return [due for due in map(_due, items) if due is not None]


def _readable_run(item: Mapping[str, Any]) -> Run | None:
    try:
        return read_run(item)
    except BadInput as error:
        log.warning("run unreadable", extra={"sort_key": item["SK"], "problem": str(error)[:200]})
        return None


def _due(item: Mapping[str, Any]) -> DueRun | None:
    """None for a row that somebody wrote over: it must not keep the others from being looked at."""
    try:
        if not isinstance(item["waitsFor"], str):
            raise TypeError("waitsFor is no text")
        return DueRun(
            key=keys.parse_due_key(item["PK"], item["SK"]),
            due_at=datetime.fromtimestamp(float(item["dueAt"]) / 1000, UTC),
            waits_for=item["waitsFor"],
            tries=int(item.get("tries", 0)),
        )
    except (BadInput, KeyError, TypeError, ValueError, ArithmeticError, OSError) as error:
        log.warning("promise unreadable", extra={"sort_key": item["SK"], "problem": str(error)[:200]})
        return None


def _due_promise(item: Mapping[str, Any]) -> DuePromise | None:
    try:
        kind, key = keys.parse_promise_key(item["PK"], item["SK"])
        return DuePromise(kind, key, datetime.fromtimestamp(float(item["dueAt"]) / 1000, UTC))
    except (BadInput, KeyError, TypeError, ValueError, ArithmeticError, OSError) as error:
        log.warning("promise unreadable", extra={"sort_key": item["SK"], "problem": str(error)[:200]})
        return None


def _readable_promise(item: Mapping[str, Any]) -> Promise | None:
    try:
        return read_promise(item)
    except BadInput as error:
        log.warning("promise unreadable", extra={"sort_key": item["SK"], "problem": str(error)[:200]})
        return None

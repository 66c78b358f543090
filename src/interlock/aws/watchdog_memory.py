"""What the watchdog remembers from tick to tick, in two rows: which parts fail, and how far the sweep has come.

Implements `ports.WatchdogMemory`. The first row is an outbox.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from interlock.aws import keys
from interlock.aws.outbox import readable_events
from interlock.aws.run_item import announcement_item, instant_text, parse_instant_text
from interlock.aws.table import Clause, Item, Key, Table, absent, equals
from interlock.domain.event import Announcement, Event
from interlock.ports import FailingParts, SweepPass

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class DynamoWatchdogMemory:
    """Stores over one `Table`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def failing(self) -> FailingParts:
        row = self._table.get(keys.WATCHDOG_KEY) or {}
        errors = row.get("failing")
        return FailingParts(
            errors={str(part): str(why) for part, why in errors.items()} if isinstance(errors, dict) else {},
            version=_whole(row.get("version")),
            created_at=_instant(row.get("createdAt")),
        )

    def remember_failing(
        self, before: FailingParts, errors: Mapping[str, str], told: Announcement | None, now: datetime
    ) -> None:
        item: Item = {
            **_key(keys.WATCHDOG_KEY),
            "failing": dict(errors),
            "version": before.version + 1,
            "createdAt": instant_text(before.created_at or now),
        }
        if told is not None:
            item["events"] = [announcement_item(told)]
        self._table.put(item, only_if=(_still(before.version),))

    def sweep_pass(self) -> SweepPass | None:
        row = self._table.get(keys.SWEEP_KEY) or {}
        started_at, cursor = _instant(row.get("startedAt")), row.get("cursor")
        if not row:
            return None
        return SweepPass(
            # A row that somebody wrote over: the next pass is due at once.
            started_at=started_at or _LONG_AGO,
            cursor=None if cursor is None else str(cursor),
            failed=row.get("failed") is True,
            version=_whole(row.get("version")),
        )

    def advance(self, before: SweepPass | None, after: SweepPass) -> None:
        version = before.version if before else 0
        item: Item = {
            **_key(keys.SWEEP_KEY),
            "startedAt": instant_text(after.started_at),
            "failed": after.failed,
            "version": version + 1,
        }
        if after.cursor is not None:
            item["cursor"] = after.cursor
        self._table.put(item, only_if=(_still(version),))

    def events_of_nobody(self) -> list[Event]:
        known = self._table.get(keys.WATCHDOG_KEY)
        notices = self._table.query(keys.WATCHDOG_KEY[0], keys.RowKind.NOTICE)
        return [event for row in ([known] if known else []) + notices for event in readable_events(row)]

    def config_files_after(self, source: str, limit: int) -> list[tuple[str, str | None]]:
        after = keys.config_file_key(source)[1] if source else ""
        rows = self._table.query(keys.CONFIG_FILES, keys.RowKind.CONFIG_FILE, limit, after)
        files = ((str(row["SK"])[len(keys.RowKind.CONFIG_FILE) :], row.get("pipelineId")) for row in rows)
        return [(name, pipeline if isinstance(pipeline, str) else None) for name, pipeline in files]


def _key(key: Key) -> dict[str, str]:
    return {"PK": key[0], "SK": key[1]}


def _still(version: int) -> Clause:
    return equals("version", Decimal(version)) if version else absent("version")


def _whole(value: Any) -> int:
    return int(value) if isinstance(value, Decimal) and value.is_finite() and value >= 1 else 0


def _instant(text: Any) -> datetime | None:
    try:
        return parse_instant_text(text)
    except (TypeError, ValueError):
        return None

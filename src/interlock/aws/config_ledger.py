"""Which YAML file holds which pipeline or calendar: a row for each file, which also announces an invalid one; and the
calendars themselves.

Implements `config_ports.ConfigLedger`.
"""

from __future__ import annotations

import logging
from datetime import datetime
from decimal import Decimal

from interlock.aws import keys
from interlock.aws.run_item import announcement_item, instant_text, plain
from interlock.aws.table import Item, Table
from interlock.config_ports import ConfigFile, StoredCalendar
from interlock.domain.calendar import WEEKDAYS, Calendar
from interlock.domain.event import Announcement

log = logging.getLogger(__name__)


class DynamoConfigLedger:
    """Stores over one `Table`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def files(self) -> list[ConfigFile]:
        rows = self._table.query(keys.CONFIG_FILES, keys.RowKind.CONFIG_FILE)
        return [file for file in map(_read, rows) if file is not None]

    def put_file(self, file: ConfigFile, announcement: Announcement | None, now: datetime) -> None:
        partition, sort = keys.config_file_key(file.source)
        item: Item = {
            "PK": partition,
            "SK": sort,
            "source": file.source,
            "etag": file.etag,
            "valid": file.valid,
            "version": file.version,
            # A file that is removed and put back starts its versions anew: the instant keeps the event ids apart.
            "createdAt": instant_text(now),
        }
        if file.pipeline_id:
            item["pipelineId"] = file.pipeline_id
        if file.calendar:
            item["calendar"] = file.calendar
        item |= {"calendars": list(file.calendars)} if file.calendars else {}
        item |= {"missing": list(file.missing)} if file.missing else {}
        if announcement is not None:
            item["events"] = [announcement_item(announcement)]
        self._table.put(item)

    def remove_file(self, source: str) -> None:
        self._table.delete(keys.config_file_key(source))

    def calendar(self, name: str) -> StoredCalendar | None:
        row = self._table.get(keys.calendar_key(name))
        if row is None:
            return None
        source = row.get("source")
        try:
            calendar = Calendar.from_mapping(name, plain(row))
        except ValueError as error:
            log.warning("calendar unreadable", extra={"calendar": name, "problem": str(error)})
            calendar = None
        return StoredCalendar(source if isinstance(source, str) else None, calendar)

    def put_calendar(self, calendar: Calendar, source: str, now: datetime) -> None:
        partition, sort = keys.calendar_key(calendar.name)
        self._table.put(
            {
                "PK": partition,
                "SK": sort,
                "dates": sorted(day.isoformat() for day in calendar.dates),
                "days": [WEEKDAYS[day] for day in sorted(calendar.days)],
                "source": source,
                "updatedAt": instant_text(now),
            }
        )

    def remove_calendar(self, name: str) -> None:
        self._table.delete(keys.calendar_key(name))


def _read(row: Item) -> ConfigFile | None:
    """None for a record that somebody wrote over: its file is read anew, and the record put right."""
    source, etag, version = row.get("source"), row.get("etag"), row.get("version")
    pipeline_id, calendar = row.get("pipelineId"), row.get("calendar")
    texts = isinstance(source, str) and isinstance(etag, str)
    texts = texts and isinstance(pipeline_id, str | None) and isinstance(calendar, str | None)
    if not texts or not isinstance(version, Decimal):
        log.warning("record of a config file unreadable", extra={"sort_key": row["SK"]})
        return None
    return ConfigFile(
        str(source),
        str(etag),
        pipeline_id,
        valid=row.get("valid") is True,
        version=int(version),
        calendar=calendar,
        calendars=_names(row, "calendars"),
        missing=_names(row, "missing"),
    )


def _names(row: Item, attribute: str) -> tuple[str, ...]:
    found = row.get(attribute)
    return tuple(str(name) for name in found) if isinstance(found, list) else ()

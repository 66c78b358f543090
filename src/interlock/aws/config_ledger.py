"""Which YAML file holds which pipeline: a row for each file, which also announces an invalid one.

Implements `ports.ConfigLedger`.
"""

from __future__ import annotations

import logging
from datetime import datetime
from decimal import Decimal

from interlock.aws import keys
from interlock.aws.run_item import announcement_item, instant_text
from interlock.aws.table import Item, Table
from interlock.domain.event import Announcement
from interlock.ports import ConfigFile

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
        if announcement is not None:
            item["events"] = [announcement_item(announcement)]
        self._table.put(item)

    def remove_file(self, source: str) -> None:
        self._table.delete(keys.config_file_key(source))


def _read(row: Item) -> ConfigFile | None:
    """None for a record that somebody wrote over: its file is read anew, and the record put right."""
    source, etag, version = row.get("source"), row.get("etag"), row.get("version")
    pipeline_id = row.get("pipelineId")
    texts = isinstance(source, str) and isinstance(etag, str) and isinstance(pipeline_id, str | None)
    if not texts or not isinstance(version, Decimal):
        log.warning("record of a config file unreadable", extra={"sort_key": row["SK"]})
        return None
    return ConfigFile(
        str(source), str(etag), pipeline_id, valid=row.get("valid") is True, version=int(version)
    )

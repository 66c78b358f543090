"""Which YAML file holds which pipeline: a row for each file, which also announces an invalid one.

Implements `ports.ConfigLedger`.
"""

from __future__ import annotations

from datetime import datetime

from interlock.aws import keys
from interlock.aws.run_item import announcement_item, instant_text
from interlock.aws.table import Item, Table
from interlock.domain.event import Announcement
from interlock.ports import ConfigFile


class DynamoConfigLedger:
    """Stores over one `Table`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def files(self) -> list[ConfigFile]:
        rows = self._table.query(keys.CONFIG_FILES, keys.RowKind.CONFIG_FILE)
        return [
            ConfigFile(
                source=row["source"],
                etag=row["etag"],
                pipeline_id=row.get("pipelineId"),
                valid=bool(row["valid"]),
                version=int(row["version"]),
            )
            for row in rows
        ]

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

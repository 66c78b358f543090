"""The rerun table: who had which partition run again, and why. Implements `ports.RerunLog`."""

from __future__ import annotations

from datetime import datetime, timedelta

from interlock.aws import keys
from interlock.aws.run_item import instant_text
from interlock.aws.table import Table
from interlock.domain.run import RunKey

_KEPT = timedelta(days=30)


class DynamoRerunLog:
    """Stores over one `Table`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def put(
        self, key: RunKey, number: int, source: str, reason: str, requested_by: str, at: datetime
    ) -> None:
        partition, sort = keys.rerun_key(key, number)
        self._table.put(
            {
                "PK": partition,
                "SK": sort,
                "source": source,
                "reason": reason,
                "requestedBy": requested_by,
                "at": instant_text(at),
                "ttl": int((at + _KEPT).timestamp()),
            }
        )

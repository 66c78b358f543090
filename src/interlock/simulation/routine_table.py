"""The control table as the watchdog's memory has it: that the sweep notes its place is no news, and no scenario's cost."""

from __future__ import annotations

from interlock.aws import keys
from interlock.aws.table import Condition, Item, Key
from interlock.simulation.memory_table import MemoryTable
from interlock.simulation.our_calls import current_invocation


class RoutineTable:
    """What `DynamoWatchdogMemory` needs of a `Table`."""

    def __init__(self, table: MemoryTable) -> None:
        self._table = table

    def get(self, key: Key) -> Item | None:
        return self._table.get(key)

    def put(self, item: Item, only_if: Condition = ()) -> None:
        if (item["PK"], item["SK"]) == keys.SWEEP_KEY:
            current_invocation().routine["dynamodb.PutItem"] += 1
        self._table.put(item, only_if)

    def query(
        self, partition: str, prefix: str = "", limit: int | None = None, after: str = ""
    ) -> list[Item]:
        return self._table.query(partition, prefix, limit, after)

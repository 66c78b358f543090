"""A stale answer of the index is what the index once held: ten changes ago, and never longer ago than a minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from interlock.simulation.memory_rows import Rows, row_of

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
SHARD = "due#0"


class Index:
    """Rows of one shard, written one after the other."""

    def __init__(self) -> None:
        self.now = START
        self.rows = Rows(now=lambda: self.now)

    def put(self, name: str, due: int | None = None) -> None:
        item: dict[str, Any] = {"PK": "PIPELINE#a", "SK": name}
        if due is not None:
            item |= {"dueShard": SHARD, "dueAt": Decimal(due)}
        self.rows.replace(("PIPELINE#a", name), row_of(item))

    def drop(self, name: str) -> None:
        self.rows.replace(("PIPELINE#a", name), None)

    def stale(self, up_to: int = 100) -> list[tuple[str, int]]:
        found = self.rows.stale_due_up_to(SHARD, Decimal(up_to))
        return [(row.item["SK"], int(row.item["dueAt"])) for row in found]


def test_a_stale_answer_knows_nothing_of_the_latest_writes() -> None:
    index = Index()
    index.put("kept", 5)
    index.put("moved", 6)
    index.now += timedelta(minutes=2)
    index.drop("kept")
    index.put("moved", 90)
    index.put("moved", 95)
    index.put("new", 1)

    assert index.stale() == [("kept", 5), ("moved", 6)]
    assert index.stale(up_to=5) == [("kept", 5)]


def test_a_stale_answer_is_at_most_ten_changes_of_the_index_behind() -> None:
    index = Index()
    for number in range(12):
        index.put(f"{number:02}", number)
        index.put(f"of no index {number}")

    assert [name for name, _ in index.stale()] == ["00", "01"]


def test_a_stale_answer_is_at_most_a_minute_behind() -> None:
    index = Index()
    index.put("old", 1)
    index.now += timedelta(minutes=1)

    assert index.stale() == [("old", 1)]

"""The writers' closed loop, on a table where no run ever moves, or every run succeeds at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from load import upstream
from load.story import Part, story
from load.upstream import NothingHappened, Pace, Upstream

PARTS = story(10, 240, seed=3)
TABLE = "control"


class Table:
    """Takes every write; answers every look with the status that it was made with."""

    def __init__(self, status: str) -> None:
        self.items: list[dict[str, Any]] = []
        self._status = status

    def put_item(self, TableName: str, Item: dict[str, Any]) -> None:  # noqa: ARG002
        self.items.append(Item)

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:
        rows = [
            {**key, "status": {"S": self._status}, "attempt": {"N": "9"}}
            for key in RequestItems[TABLE]["Keys"]
        ]
        return {"Responses": {TABLE: rows}}


class Everything(dict[str, int]):
    """The stream has always brought all of it."""

    def __missing__(self, _: str) -> int:
        return 10_000


def played(table: Table, parts: list[Part], **pace: float) -> tuple[Upstream, list[str]]:
    session: Any = SimpleNamespace(
        stack=SimpleNamespace(table=lambda name: name), emulator=SimpleNamespace(client=lambda _: table)
    )
    said: list[str] = []
    stream: Any = SimpleNamespace(sensor_records=Everything())
    writers = Upstream(
        session, parts, Pace(**{"at_once": 3, "seconds": 60, "patience": 60, **pace}), stream, said.append
    )
    writers.play()
    return writers, said


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "LOOK_SECONDS", 0.001)


def test_every_write_of_every_pipeline_goes_out_in_its_order() -> None:
    table = Table("SUCCEEDED")

    writers, _ = played(table, PARTS)

    assert (writers.writes, len(table.items)) == (240, 240)
    for part in PARTS:
        own = [item for item in table.items if item["PK"]["S"] == f"PIPELINE#{part.id}"]
        assert len(own) == part.writes
        dates = [item.get("date") or item["data"]["M"]["date"] for item in own]
        assert dates == sorted(dates, key=lambda date: date["S"])


def test_the_instant_of_each_start_s_last_reading_is_kept() -> None:
    writers, _ = played(Table("SUCCEEDED"), PARTS)

    assert writers.needed_at.keys() == {(part.id, date.date) for part in PARTS for date in part.dates}


def test_a_run_that_never_ends_is_named_and_the_others_go_on() -> None:
    writers, said = played(Table("RUNNING"), PARTS[:4], patience=0)

    assert len(writers.given_up) == 4
    assert all(part.id in "\n".join(said) for part in PARTS[:4])


def test_when_nothing_moves_at_all_it_is_given_up_altogether(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "_MOST_GIVEN_UP", 2)

    with pytest.raises(NothingHappened, match="2 others before it"):
        played(Table("RUNNING"), PARTS, patience=0)


def test_when_time_is_up_no_other_pipeline_begins() -> None:
    writers, _ = played(Table("SUCCEEDED"), PARTS, seconds=0)

    assert writers.begun == []


def test_a_refused_write_ends_the_play(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table("SUCCEEDED")

    def refuse(**_: Any) -> None:
        raise OSError("no table")

    monkeypatch.setattr(table, "put_item", refuse)

    with pytest.raises(OSError, match="no table"):
        played(table, PARTS)

"""Whatever a world at rest still holds for nobody is seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from interlock.aws.table import Item, Key
from interlock.domain.run import RunStatus
from interlock.simulation.played import Played
from interlock.simulation.promises.nothing_left import CHECKS
from interlock.simulation.witness import Execution
from tampered_world import DAY, a_played, a_write, broken

_CONFIG = {"schedule": {"cron": "0 9 * * *"}, "sla": {"deadline": "20:00"}}
_RUN: Key = ("PIPELINE#daily", f"RUN#cron#{DAY}")


def a_rested() -> Played:
    return a_played(_CONFIG, a_write("+2h", count=1))


def test_a_world_at_rest_has_nothing_left() -> None:
    played = a_rested()

    assert [run.status for run in played.runs.values()] == ["SUCCEEDED"]
    assert broken(CHECKS, played) == set()


def _with_row(played: Played, key: Key, row: Item | None) -> Played:
    tables: dict[str, Mapping[Key, Item]] = dict(played.rest.tables)
    control = {other: item for other, item in tables["control"].items() if other != key}
    tables["control"] = control | ({key: row} if row is not None else {})
    return replace(played, rest=replace(played.rest, tables=tables))


def _without_ttl(played: Played) -> Played:
    row = {name: value for name, value in played.rest.tables["control"][_RUN].items() if name != "ttl"}
    return _with_row(played, _RUN, row)


def _with_a_check(played: Played) -> Played:
    key = ("PIPELINE#daily", f"DUE#check#cron#{DAY}")
    return _with_row(played, key, {"PK": key[0], "SK": key[1], "dueAt": 0, "waitsFor": "job"})


def _with_an_execution(played: Played) -> Played:
    left = Execution("left", "RUNNING", "daily", "AwaitJob", "token")
    return replace(played, rest=replace(played.rest, executions=(*played.rest.executions, left)))


def _open_and_forgotten(played: Played) -> Played:
    runs: Any = {key: replace(run, status=RunStatus.WAITING) for key, run in played.runs.items()}
    return replace(played, runs=runs)


def _without_schedules(played: Played) -> Played:
    return replace(played, rest=replace(played.rest, schedules={}))


def _without_files(played: Played) -> Played:
    return replace(played, rest=replace(played.rest, config_files={}))


def _with_records(played: Played) -> Played:
    return replace(played, rest=replace(played.rest, on_their_way=1))


@pytest.mark.parametrize(
    ("tamper", "promise"),
    [
        pytest.param(_without_ttl, "rows-go", id="a finished run that stays for ever"),
        pytest.param(_with_a_check, "no-check-left", id="a look at a run that is over"),
        pytest.param(_with_an_execution, "no-execution-left", id="an execution of no run"),
        pytest.param(_open_and_forgotten, "open-runs-end", id="an open run that nobody looks after"),
        pytest.param(_without_schedules, "schedules-in-force", id="a cron that does not fire"),
        pytest.param(_without_files, "configs-in-force", id="a config whose file is gone"),
        pytest.param(_with_records, "nothing-on-its-way", id="a record that nobody deals with"),
    ],
)
def test_what_is_left_is_found(tamper: Callable[[Played], Played], promise: str) -> None:
    assert promise in broken(CHECKS, tamper(a_rested()))

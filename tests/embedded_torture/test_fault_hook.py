"""What is struck of a function's calls, and what the function, the service and the record of strikes see of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from embedded_torture.fault_hook import FOLDER, OURS
from embedded_torture.faults import Fault, strikes, write_plan
from embedded_torture.stage import HOOK
from interlock.local.emulator import Emulator
from local.emulator_kit import deploy, invoke, make_table

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("embedded_torture")]

# Writes rows, one call each, and answers how each call ended.
WRITES = """
    import boto3
    from botocore.config import Config

    def handler(event, context):
        retries = {"mode": "standard", "total_max_attempts": event["tries"]}
        dynamodb = boto3.client("dynamodb", config=Config(retries=retries))
        ends = []
        for row in event["rows"]:
            try:
                dynamodb.put_item(TableName=event["table"], Item={"PK": {"S": row}, "SK": {"S": "-"}})
                ends.append("done")
            except Exception as error:
                ends.append(type(error).__name__)
        return ends
"""
A_ROW, ANOTHER_WORLDS = "PIPELINE#w0001-a", "PIPELINE#w0002-a"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faults")


@pytest.fixture(scope="module")
def emulator(folder: Path) -> Iterator[Emulator]:
    with Emulator(env={FOLDER: str(folder)}, worker_hook=HOOK) as emulator:
        yield emulator


class Writer:
    """A function of ours with one fault to come."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self._emulator, self._folder = emulator, folder
        self._name = deploy(emulator, WRITES, f"{OURS}writer")
        self._table, _ = make_table(emulator)
        self._fault: Fault | None = None

    def suffers(self, kind: str, when: str, tries: str = "all", nth: int = 1) -> None:
        function = self._name.removeprefix(OURS)
        call = "dynamodb.PutItem"
        self._fault = Fault(function, "0001", function, call, nth, kind, when, tries, seconds=0.4)
        write_plan(self._folder, [self._fault])

    def writes(self, *rows: str, tries: int = 1) -> tuple[Any, str | None]:
        return invoke(self._emulator, self._name, {"table": self._table, "rows": rows, "tries": tries})

    @property
    def rows(self) -> list[str]:
        found = self._emulator.client("dynamodb").scan(TableName=self._table)["Items"]
        return sorted(row["PK"]["S"] for row in found)

    @property
    def struck(self) -> list[str]:
        assert self._fault is not None
        return [strike.did for strike in strikes(self._folder, [self._fault])]


@pytest.fixture
def writer(emulator: Emulator, folder: Path) -> Writer:
    (folder / "strikes.jsonl").unlink(missing_ok=True)
    return Writer(emulator, folder)


@pytest.mark.parametrize(
    ("kind", "when", "heard", "written"),
    [
        ("time-out", "before", "ConnectTimeoutError", []),
        ("time-out", "after", "ReadTimeoutError", [A_ROW]),
        ("throttle", "before", "ProvisionedThroughputExceededException", []),
        ("stall", "before", "done", [A_ROW]),
        ("stall", "after", "done", [A_ROW]),
    ],
)
def test_a_call_that_is_hit_ends_as_its_fault_says(
    writer: Writer, kind: str, when: str, heard: str, written: list[str]
) -> None:
    writer.suffers(kind, when)

    assert writer.writes(A_ROW) == ([heard], None)
    assert (writer.rows, writer.struck) == (written, ["dynamodb.PutItem"])


@pytest.mark.parametrize(("when", "written"), [("before", []), ("after", [A_ROW])])
def test_a_crash_ends_the_process_and_the_next_one_is_spared(
    writer: Writer, when: str, written: list[str]
) -> None:
    writer.suffers("crash", when)

    answer, error = writer.writes(A_ROW)

    assert (answer["errorType"], error) == ("Runtime.ExitError", "Unhandled")
    assert writer.rows == written
    assert writer.writes(A_ROW) == (["done"], None)


def test_only_the_nth_call_about_its_own_world_is_hit(writer: Writer) -> None:
    writer.suffers("time-out", "before", nth=2)

    ends, _ = writer.writes(ANOTHER_WORLDS, A_ROW, ANOTHER_WORLDS, A_ROW, A_ROW)

    assert ends == ["done", "done", "done", "ConnectTimeoutError", "done"]


@pytest.mark.parametrize(("tries", "heard"), [("one", "done"), ("all", "ReadTimeoutError")])
def test_what_the_sdk_repeats_is_hit_only_where_the_fault_says_so(
    writer: Writer, tries: str, heard: str
) -> None:
    writer.suffers("time-out", "after", tries=tries)

    assert writer.writes(A_ROW, tries=2) == ([heard], None)


def test_a_request_that_names_no_pipeline_is_about_whom_the_one_before_was(writer: Writer) -> None:
    writer.suffers("time-out", "before", nth=2)

    assert writer.writes(A_ROW, "nobody") == (["done", "ConnectTimeoutError"], None)


def test_a_function_that_is_not_ours_is_left_alone(emulator: Emulator, folder: Path) -> None:
    fault = Fault("0001-0", "0001", "job", None, 1, "crash", "before", "all", seconds=0.0)
    write_plan(folder, [fault])
    table, _ = make_table(emulator)

    ends, error = invoke(
        emulator, deploy(emulator, WRITES, "job"), {"table": table, "rows": [A_ROW], "tries": 1}
    )

    assert (ends, error) == (["done"], None)

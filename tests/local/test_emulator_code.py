"""All processes of a function run from one copy of its code, and new code is another copy."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from interlock.local.emulator import Emulator
from local.emulator_kit import deploy, eventually, invoke, zipped

pytestmark = pytest.mark.embedded

# Waits for the other one, so that the two run at the same time in processes of their own.
MEETS = """
    import os, pathlib, time

    def handler(event, context):
        mine = pathlib.Path(event, str(os.getpid()))
        mine.write_text("here")
        while len(list(pathlib.Path(event).iterdir())) < 2:
            time.sleep(0.01)
        return [os.getpid(), os.path.realpath(__file__)]
"""


def test_two_processes_run_from_one_copy(emulator: Emulator, tmp_path: Path) -> None:
    name = deploy(emulator, MEETS)

    with ThreadPoolExecutor(2) as callers:
        (one, _), (other, _) = callers.map(lambda _: invoke(emulator, name, str(tmp_path)), range(2))

    assert one[0] != other[0]
    assert one[1] == other[1]


def test_new_code_is_run_and_the_old_copy_is_not_touched(emulator: Emulator) -> None:
    source = "def handler(event, context): return [%r, __file__]"
    name = deploy(emulator, source % "old")
    assert invoke(emulator, name)[0][0] == "old"

    emulator.client("lambda").update_function_code(
        FunctionName=name, ZipFile=zipped({"code.py": source % "new"})
    )

    eventually(lambda: invoke(emulator, name)[0][0] == "new")
    again = deploy(emulator, source % "old")
    assert invoke(emulator, again)[0][0] == "old"

"""What starting a hot function costs, in instructions (callgrind) relative to `import boto3`; CPU time where valgrind is missing."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from statistics import median

from bench.figure import Figure
from interlock.local.zips import build_zip

HOT = ("stream_router", "orchestrator", "watchdog", "event_sink", "alert_dispatcher")
_REPEATS = 7  # of a CPU time; instructions need no repeats
_UNCHECKED_HASH = 0b01  # https://peps.python.org/pep-0552/


def figures() -> list[Figure]:
    measure, unit = (
        (_instructions, "instructions") if shutil.which("valgrind") else (_cpu_seconds, "CPU time")
    )
    found = []
    with tempfile.TemporaryDirectory() as folder:
        base = measure(Path(folder), "import boto3", folder)
        nothing = measure(Path(folder), "pass", folder)
        for function in HOT:
            unpacked = Path(folder) / function
            archive = build_zip(function, Path(folder), for_aws=False)
            with zipfile.ZipFile(archive) as zipped:
                zipped.extractall(unpacked)
            found.append(_zip_figure(function, unpacked))
            cost = (measure(unpacked, "import handler", folder) - nothing) / (base - nothing)
            bound = 1.9 if function == "stream_router" else None
            found.append(Figure(f"{function}: init / import boto3, in {unit}", cost, "ratio", at_most=bound))
    return found


def _zip_figure(function: str, unpacked: Path) -> Figure:
    compiled = list(unpacked.rglob("*.pyc"))
    checked = [path for path in compiled if path.read_bytes()[4] & 0b11 != _UNCHECKED_HASH]
    sources = list(unpacked.rglob("*.py"))
    missing = len(sources) - len(compiled)
    return Figure(
        f"{function}: .py files without an unchecked-hash .pyc", missing + len(checked), "files", at_most=0
    )


def _command(statement: str) -> list[str]:
    # Alone: no site-packages but the runtime's boto3, no user site, no byte code written.
    return [sys.executable, "-B", "-c", statement]


def _instructions(folder: Path, statement: str, scratch: str) -> float:
    out = Path(scratch) / "callgrind.out"
    valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
    answer = subprocess.run(
        [*valgrind, *_command(statement)], cwd=folder, capture_output=True, text=True, check=True
    )
    collected = re.search(r"Collected : (\d+)", answer.stderr)
    assert collected, answer.stderr[-500:]
    return float(collected[1])


def _cpu_seconds(folder: Path, statement: str, _scratch: str) -> float:
    code = f"import time; {statement}; print(time.process_time())"
    times = [
        float(subprocess.run(_command(code), cwd=folder, capture_output=True, text=True, check=True).stdout)
        for _ in range(_REPEATS)
    ]
    return median(times)

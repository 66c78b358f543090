"""What starting a hot function costs, relative to `import boto3`: instructions (callgrind), else CPU time."""

from __future__ import annotations

import dataclasses
import importlib
import os
import pkgutil
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from statistics import median

from bench.figure import Figure
from interlock import settings
from interlock.local.sdk_models import DATA_PATH
from interlock.local.zips import build_zips

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
        archives = build_zips(Path(folder), for_aws=False)
        for function in HOT:
            unpacked = Path(folder) / function
            archive = archives[function]
            with zipfile.ZipFile(archive) as zipped:
                zipped.extractall(unpacked)
            found.append(_zip_figure(function, unpacked))
            cost = (measure(unpacked, _INIT, folder) - nothing) / (base - nothing)
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


# As the first invocation of a container does: its settings are read and every client is made.
_INIT = "import handler; [getattr(handler, name)() for name in ('ports', 'store') if hasattr(handler, name)]"
_SETTINGS = {
    setting.name.upper(): {"alert_channel": "slack", "allowed_private_cidrs": ""}.get(setting.name, "1")
    for module in pkgutil.iter_modules(settings.__path__)
    for each in vars(importlib.import_module(f"{settings.__name__}.{module.name}")).values()
    if dataclasses.is_dataclass(each)
    for setting in dataclasses.fields(each)
}


def _environment(folder: Path) -> dict[str, str]:
    account = {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
    }
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "PATH": os.defpath}
    return _SETTINGS | account | nowhere | {"AWS_DATA_PATH": DATA_PATH, "LAMBDA_TASK_ROOT": str(folder)}


def _command(statement: str) -> list[str]:
    # Alone: no site-packages but the runtime's boto3, no user site, no byte code written.
    return [sys.executable, "-B", "-c", statement]


def _instructions(folder: Path, statement: str, scratch: str) -> float:
    out = Path(scratch) / "callgrind.out"
    valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
    answer = _run([*valgrind, *_command(statement)], folder)
    collected = re.search(r"Collected : (\d+)", answer.stderr)
    assert collected, answer.stderr[-500:]
    return float(collected[1])


def _cpu_seconds(folder: Path, statement: str, _scratch: str) -> float:
    code = f"import time; {statement}; print(time.process_time())"
    return median(float(_run(_command(code), folder).stdout) for _ in range(_REPEATS))


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = _environment(folder)
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)

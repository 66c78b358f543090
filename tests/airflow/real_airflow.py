"""An Apache Airflow on this machine, as it is installed beside us: its API server and scheduler, on loopback alone."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.processes import PROC

HERE = Path(__file__).parent
VENV = HERE.parents[1] / ".venv-airflow"
START_SECONDS = 240  # a dozen, while nobody else has the processors
LOG_TAIL = 2000

# Without serve-logs the scheduler opens no port. The DAGs are read once, which spares the process that reads them
# again and again. The shell ends all of it when nobody holds its input any more, however we end.
SCRIPT = """
airflow db migrate >migrate.log 2>&1 </dev/null || exit 1
airflow api-server >api-server.log 2>&1 &
airflow scheduler --skip-serve-logs >scheduler.log 2>&1 &
airflow dags reserialize >dags.log 2>&1 </dev/null && : >dags-read
read -r nothing
kill -9 0
"""


class AirflowDidNotStart(RuntimeError):
    """Its last log lines are the message."""


@dataclass(frozen=True)
class RealAirflow:
    """One that is up."""

    url: str
    folder: Path
    process: subprocess.Popen[bytes]
    username: str = "interlock"
    password: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def auth(self) -> dict[str, str]:
        return {"type": "jwt", "username": self.username, "password": self.password}

    @property
    def processes(self) -> set[int]:
        """All of its session: each task leads a process group of its own."""
        return {
            int(stat.parent.name) for stat in PROC.glob("[0-9]*/stat") if _session(stat) == self.process.pid
        }

    def is_up(self) -> bool:
        if not (self.folder / "dags-read").exists():
            return False
        connection = http.client.HTTPConnection("127.0.0.1", int(self.url.rpartition(":")[2]), timeout=5)
        try:
            connection.request("GET", "/api/v2/monitor/health")
            health: dict[str, Any] = json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError):
            return False
        finally:
            connection.close()
        return bool(health["scheduler"]["status"] == "healthy")

    def last_words(self) -> str:
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"{log.name}: {log.read_text(errors='replace')[-LOG_TAIL:]}" for log in logs)


def is_installed() -> bool:
    return (VENV / ".installed").exists()


@contextmanager
def a_real_airflow() -> Iterator[RealAirflow]:
    """Up within the block; it, its tasks and its files end with the block."""
    folder = Path(tempfile.mkdtemp(prefix="interlock-airflow-"))
    try:
        airflow = _launched(folder)
        try:
            _wait_until_up(airflow)
            yield airflow
        finally:
            _end(airflow)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _launched(folder: Path) -> RealAirflow:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        ["/bin/sh", "-c", SCRIPT],
        cwd=folder,
        env=_environment(folder, port),
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    airflow = RealAirflow(f"http://127.0.0.1:{port}", folder, process)
    (folder / "passwords.json").write_text(json.dumps({airflow.username: airflow.password}))
    return airflow


def _environment(folder: Path, port: int) -> dict[str, str]:
    """All that Airflow sees of ours. https://airflow.apache.org/docs/apache-airflow/stable/configurations-ref.html"""
    settings = {
        "CORE__DAGS_FOLDER": str(HERE / "dags"),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__PARALLELISM": "2",
        # Scheduler, API and tasks write to one file: each waits for the others longer than SQLite's five seconds.
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder}/airflow.db?timeout=60",
        # This role may start DAG runs, read and end them; and no more is needed.
        "CORE__SIMPLE_AUTH_MANAGER_USERS": "interlock:user",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(folder / "passwords.json"),
        # Where tasks report to: without it, port 8080.
        "CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "API__BASE_URL": f"http://127.0.0.1:{port}",
        "API__HOST": "127.0.0.1",
        "API__PORT": str(port),
        "API__WORKERS": "1",
        "API__SECRET_KEY": secrets.token_hex(32),
        "API_AUTH__JWT_SECRET": secrets.token_hex(32),
        # How soon a task learns that its run was cancelled.
        "WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
        # Airflow 3.0 and 3.1 told their maker of each installation.
        "USAGE_DATA_COLLECTION__ENABLED": "False",
    }
    known = {f"AIRFLOW__{name}": value for name, value in settings.items()}
    places = {"HOME": str(folder), "TMPDIR": str(folder), "AIRFLOW_HOME": str(folder)}
    path = f"{VENV / 'bin'}:/usr/bin:/bin"
    return {**known, **places, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


def _wait_until_up(airflow: RealAirflow) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not airflow.is_up():
        if airflow.process.poll() is not None or time.monotonic() > deadline:
            raise AirflowDidNotStart(airflow.last_words())
        time.sleep(0.1)


def _end(airflow: RealAirflow) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(airflow.process.pid, signal.SIGKILL)
    while left := airflow.processes - {airflow.process.pid}:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
    airflow.process.wait()
    if airflow.process.stdin is not None:
        airflow.process.stdin.close()


def _session(stat: Path) -> int:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[3])
    except (FileNotFoundError, ProcessLookupError):
        return 0

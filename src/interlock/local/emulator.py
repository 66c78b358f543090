"""Starts and ends an emulated AWS on this machine: a child process with its own folder, environment, port."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from interlock.local.emulator_server import (
    BATCHES_PATH,
    CHECK_PATH,
    COUNTS_PATH,
    ENFORCE_PATH,
    KILL_PATH,
    LOSE_PATH,
    PERMISSIONS_PATH,
    SERVICE_EVENTS_PATH,
    SETTINGS,
)
from interlock.local.emulator_worker import HOOK

START_SECONDS = 60
STOP_SECONDS = 5
LOG_TAIL_BYTES = 4000


@dataclass(frozen=True, slots=True)
class Counts:
    """What functions did: AWS calls by `<boto3 service>.<Operation>`, invocations by function."""

    calls: Counter[str]
    invocations: Counter[str]


@dataclass(frozen=True, slots=True)
class Permission:
    """One that was used, or refused when it was asked for."""

    who: str  # a function's name, a service's principal, or the machine or schedule group that acts under a role
    action: str  # dynamodb:GetItem
    resource: str  # ARN
    granted: bool


@dataclass(frozen=True, slots=True)
class StreamBatches:
    """What streams brought to functions since the last question."""

    # Table, instant (epoch seconds) at which the function had done with it, and of each record PK, SK, sequence number.
    batches: list[tuple[str, float, list[tuple[str, str, str]]]]
    lost: int  # answers, since the start, that were lost on purpose: those batches were delivered again


class EmulatorDidNotStart(RuntimeError):
    """The server ended, or did not answer; its last log lines are the message."""


class Emulator:
    """An AWS on loopback, alive inside its `with` block; it and all it started end with the block.

    `env` adds to the server's settings, or overrides them (SFN_WAIT_SCALE, PERSIST_STATE, ...). What a
    function sees of the environment is given per function, not here. `worker_hook`: a Python file whose
    `install(function)` each function's process calls before it loads its code; it finds `env` in its environment.
    """

    account = "000000000000"

    def __init__(
        self,
        env: Mapping[str, str] | None = None,
        region: str = "us-east-1",
        worker_hook: Path | None = None,
    ) -> None:
        self.region = region
        self.endpoint = ""
        self._settings = dict(env or {}) | ({HOOK: str(worker_hook)} if worker_hook else {})
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._session: Any = None
        self._clients: dict[str, Any] = {}  # thread-safe, and slow to make

    def __enter__(self) -> Emulator:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def folder(self) -> Path:
        """Where all of the emulator's state lies. Raises RuntimeError outside its life."""
        if self._folder is None:
            raise RuntimeError("the emulator is not running")
        return self._folder

    @property
    def log_path(self) -> Path:
        """The server's log, which has the functions' output too."""
        return self.folder / "emulator.log"

    @property
    def pid(self) -> int:
        """The server's process, which is also its process group."""
        if self._process is None:
            raise RuntimeError("the emulator is not running")
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start and wait until it answers. Raises EmulatorDidNotStart; leaves nothing behind then."""
        try:
            self._launch()
            self._wait_for_health()
        except BaseException:  # also Ctrl-C
            self.stop()
            raise

    def stop(self) -> None:
        """End the server with every function's process, and remove its folder. Harmless when repeated."""
        process, self._process = self._process, None
        if process is not None:
            end_group(process)
        while self._clients:
            self._clients.popitem()[1].close()
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def client(self, service: str) -> Any:
        """A boto3 client aimed at the emulator; knows nothing of the user's own AWS settings."""
        if service not in self._clients:
            self._session = self._session or isolated_session(self.account)
            self._clients[service] = local_client(self._session, service, self.endpoint, self.region)
        return self._clients[service]

    def publish_service_event(
        self,
        source: str,
        detail_type: str,
        detail: Mapping[str, Any],
        resources: Iterable[str] = (),
    ) -> None:
        """Put an event on the default bus as an AWS service does (`aws.glue`); PutEvents refuses those."""
        entry = {
            "Source": source,
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
            "Resources": list(resources),
        }
        self._ask("POST", SERVICE_EVENTS_PATH, json.dumps({"Entries": [entry]}))

    def counts(self) -> Counts:
        """What the functions have done since the start."""
        return Counts(**{kind: Counter(found) for kind, found in self._ask("GET", COUNTS_PATH).items()})

    def permissions(self) -> list[Permission]:
        """All that functions, and services for us, have used since the start."""
        return [Permission(**one) for one in self._ask("GET", PERMISSIONS_PATH)]

    def enforce_permissions(self) -> None:
        """From here on a role's policies count: what they do not allow is refused."""
        self._ask("POST", ENFORCE_PATH)

    def refuses(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: str
    ) -> str | None:
        """What AWS says to a call that a function makes elsewhere, at a stand-in; None when it may.

        Of calls without a role's session there is nothing to say: those to other services than AWS's.
        """
        if "x-amz-security-token" not in headers:
            return None
        request = {"method": method, "path": path, "query": query, "headers": dict(headers), "body": body}
        words: str | None = self._ask("POST", CHECK_PATH, json.dumps(request))
        return words

    def stream_batches(self) -> StreamBatches:
        """Kept until they are asked for, the last thousand."""
        told = self._ask("GET", BATCHES_PATH)
        batches = [
            (batch["table"], batch["ended_at"], [tuple(record) for record in batch["records"]])
            for batch in told["batches"]
        ]
        return StreamBatches(batches, told["lost"])

    def lose_answers(self, share: float, seed: int) -> None:
        """From here on functions work on this share of their stream batches twice, as when Lambda loses their answer."""
        self._ask("POST", LOSE_PATH, json.dumps({"share": share, "seed": seed}))

    def kill_function(self, name: str) -> int:
        """Kill the function's processes in the middle of their invocations, as a crash would; how many there were."""
        killed: int = self._ask("POST", KILL_PATH, name)
        return killed

    def _ask(self, method: str, path: str, body: str | None = None) -> Any:
        status, answer = self._request(method, path, body)
        if status != http.HTTPStatus.OK:
            raise RuntimeError(f"the emulator refused {method} {path}: {status}")
        return json.loads(answer)

    def _launch(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="interlock-emulator-"))
        for name in ("home", "tmp", "state", "s3"):
            (self._folder / name).mkdir()
        # Bound here and handed down, so nobody can take the port between choosing and using it.
        with socket.create_server((SETTINGS["BIND_HOST"], 0)) as listener:
            port = listener.getsockname()[1]
            self.endpoint = f"http://{SETTINGS['BIND_HOST']}:{port}"
            command = [sys.executable, "-m", "interlock.local.emulator_server"]
            command += ["--socket", str(listener.fileno()), "--folder", str(self._folder)]
            with self.log_path.open("wb") as log:
                self._process = subprocess.Popen(
                    command,
                    cwd=self._folder,
                    env=server_environment(self._folder, port, self.region) | self._settings,
                    stdin=subprocess.PIPE,  # never written to: its end tells the server that we are gone
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    pass_fds=[listener.fileno()],
                    start_new_session=True,
                )

    def _wait_for_health(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process and self._process.poll() is None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self._request("GET", "/_ministack/health")[0] == http.HTTPStatus.OK:
                    return
            time.sleep(0.02)
        tail = self.log_path.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")
        raise EmulatorDidNotStart(f"the emulator did not start:\n{tail}")

    def _request(self, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self.endpoint.removeprefix("http://"), timeout=START_SECONDS)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


def server_environment(folder: Path, port: int, region: str) -> dict[str, str]:
    """All the server and its functions see of this process's environment is PATH."""
    nowhere = str(folder / "home" / "none")
    return SETTINGS | {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),  # whatever this process can import
        "PYTHONUTF8": "1",
        "LANG": "C.UTF-8",
        "TZ": "UTC",  # as in Lambda
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": region,
        "DOCKER_HOST": f"unix://{nowhere}",  # no Docker, even where there is one
        "AWS_CONFIG_FILE": nowhere,
        "AWS_SHARED_CREDENTIALS_FILE": nowhere,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def isolated_session(account: str) -> Any:
    """A boto3 session with dummy credentials that reads neither the environment nor the user's files."""
    import boto3
    from botocore.configprovider import ConstantProvider
    from botocore.session import Session

    session = Session()
    settings = session.get_component("config_store")
    for name, (_, _, default, _) in Session.SESSION_VARIABLES.items():
        settings.set_config_provider(name, ConstantProvider(default))
    settings.set_config_provider("config_file", ConstantProvider(os.devnull))
    settings.set_config_provider("credentials_file", ConstantProvider(os.devnull))
    return boto3.Session(account, "local", botocore_session=session)


def local_client(session: Any, service: str, endpoint: str, region: str) -> Any:
    from botocore.config import Config

    return session.client(service, region, endpoint_url=endpoint, config=Config(proxies={}))


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Ask the server to end itself and its functions; insist when it does not."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stdin is not None:
        process.stdin.close()

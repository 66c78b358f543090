"""Processes of this machine, for jobs of type `command`: started without a shell, waited for, and ended for certain."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from time import monotonic, sleep
from typing import IO, Protocol

_TAIL_BYTES = 4096  # of stderr, kept to explain a failure
_GRACE_SECONDS = 2.0  # between asking a process to end and ending it


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended."""

    exit_code: int | None  # None: it was ended because its time was over; negative: by that signal
    last_words: str = ""  # the end of stderr


class RunningProcess(Protocol):
    """A process that was started."""

    pid: int
    started_at: str  # tells it from a later process with the same pid

    def wait(self, seconds: float) -> Ended:
        """At most so long; then the whole group is ended."""


class Processes(Protocol):
    """`OsProcesses` here, the simulator's stand-ins there."""

    def start(self, argv: Sequence[str], environment: Mapping[str, str]) -> RunningProcess:
        """Raises `OSError` when there is no such program."""

    def end(self, pid: int, started_at: str) -> None:
        """End the process and its group, unless it is gone or the pid is another's by now."""


class _Started:
    def __init__(self, process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
        self._process, self._errors = process, errors
        self.pid = process.pid
        self.started_at = _started_at(process.pid) or ""

    def wait(self, seconds: float) -> Ended:
        try:
            exit_code: int | None = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            _end_group(self.pid)
            self._process.wait()
            exit_code = None
        with self._errors:
            self._errors.seek(max(0, self._errors.seek(0, os.SEEK_END) - _TAIL_BYTES))
            return Ended(exit_code, self._errors.read(_TAIL_BYTES).decode(errors="replace"))


class OsProcesses:
    """`Processes` of the operating system."""

    def start(self, argv: Sequence[str], environment: Mapping[str, str]) -> RunningProcess:
        # A file, because a job that complains a lot would block on a pipe that nobody reads meanwhile.
        errors = TemporaryFile()  # noqa: SIM115 - closed with the last words read
        try:
            process = subprocess.Popen(
                list(argv),
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,  # a group of its own: ending it ends its children, and nobody else
            )
        except BaseException:
            errors.close()
            raise
        return _Started(process, errors)

    def end(self, pid: int, started_at: str) -> None:
        if started_at and _started_at(pid) == started_at:
            _end_group(pid)


def _end_group(pid: int) -> None:
    for ending in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(pid, ending)
        except (ProcessLookupError, PermissionError):
            return
        gone_by = monotonic() + _GRACE_SECONDS
        while ending is signal.SIGTERM and monotonic() < gone_by and not _is_gone(pid):
            sleep(0.02)


def _is_gone(pid: int) -> bool:
    fields = _stat(pid)
    return fields is None or fields[0] == "Z"


def _started_at(pid: int) -> str | None:
    # Field 22 of /proc/<pid>/stat: clock ticks between boot and the start of the process.
    # https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    fields = _stat(pid)
    return fields[19] if fields else None


def _stat(pid: int) -> list[str] | None:
    """From the third field on: the second, the program's name, may contain blanks and brackets."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None

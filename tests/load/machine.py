"""Who uses the processors and the memory: the emulator, each of our functions, the load itself, others on this machine."""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

_SAMPLE_SECONDS = 1.0
_TICK = os.sysconf("SC_CLK_TCK")  # a second, in the kernel's unit
_PAGE = os.sysconf("SC_PAGE_SIZE")
_NAME = b"AWS_LAMBDA_FUNCTION_NAME="
EMULATOR = "emulator"
THE_LOAD = "the load itself"  # writers, jobs, Slack: this process
_LIVED = 0.9  # of the samples of a third: a process with fewer came or went in it


@dataclass(frozen=True, slots=True)
class Sample:
    at: float  # monotonic
    seconds: float  # of a processor, since the process began
    megabytes: float  # resident


@dataclass(frozen=True, slots=True)
class Growth:
    """How a process's memory moved when everything was warm: medians of the middle and the last third."""

    who: str
    pid: int
    middle: float
    last: float

    @property
    def share(self) -> float:
        return self.last / self.middle - 1


class Machine:
    """Samples once a second, within its `with` block."""

    def __init__(self, emulator: int) -> None:
        self._emulator = emulator
        self.samples: defaultdict[tuple[str, int], list[Sample]] = defaultdict(list)  # by name and process
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Machine:
        self.began_at, self._busy = time.monotonic(), _busy_seconds()
        self._sample()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._sample()
        self.seconds = time.monotonic() - self.began_at
        self.busy = _busy_seconds() - self._busy

    def processor_seconds(self) -> Mapping[str, float]:
        """By name, since the beginning. A process that came later has had all of its own since then."""
        spent: defaultdict[str, float] = defaultdict(float)
        for (who, _), samples in self.samples.items():
            before = samples[0].seconds if samples[0].at <= self.began_at + _SAMPLE_SECONDS / 2 else 0.0
            spent[who] += samples[-1].seconds - before
        return spent

    def growths(self) -> list[Growth]:
        """Of every process that lived through both thirds."""
        last = max(samples[-1].at for samples in self.samples.values())
        return list(growths(self.samples, self.began_at, last))

    def _follow(self) -> None:
        while not self._over.wait(_SAMPLE_SECONDS):
            self._sample()

    def _sample(self) -> None:
        now = time.monotonic()
        for who, pid, seconds, megabytes in _processes(self._emulator):
            self.samples[who, pid].append(Sample(now, seconds, megabytes))


def growths(
    samples: Mapping[tuple[str, int], Sequence[Sample]], began: float, ended: float
) -> Iterator[Growth]:
    third = (ended - began) / 3
    for (who, pid), taken in samples.items():
        parts = [
            [sample.megabytes for sample in taken if began + n * third <= sample.at < began + (n + 1) * third]
            for n in (1, 2)
        ]
        if all(len(part) >= max(1.0, _LIVED * third / _SAMPLE_SECONDS - 1) for part in parts):
            yield Growth(who, pid, median(parts[0]), median(parts[1]))


def _processes(emulator: int) -> Iterator[tuple[str, int, float, float]]:
    """Name, process, processor seconds, resident megabytes of the emulator's process group and of this process."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            # After the name in parentheses: state, parent, group ... user time and system time are the 14th and 15th
            # of all, resident pages the 24th. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
            fields = (process / "stat").read_text().rpartition(")")[2].split()
            pid, group = int(process.name), int(fields[2])
            if pid != os.getpid() and group != emulator:
                continue
            environment = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # it ended meanwhile
        who = _name(pid, emulator, environment)
        if who is not None:
            yield who, pid, (int(fields[11]) + int(fields[12])) / _TICK, int(fields[21]) * _PAGE / 2**20


def _name(pid: int, emulator: int, environment: Sequence[bytes]) -> str | None:
    if pid == os.getpid():
        return THE_LOAD
    if pid == emulator:
        return EMULATOR
    names = [entry.removeprefix(_NAME).decode() for entry in environment if entry.startswith(_NAME)]
    return names[0] if names else None


def _busy_seconds() -> float:
    """Of all processors together, since the machine began. https://man7.org/linux/man-pages/man5/proc_stat.5.html"""
    user, nice, system, _idle, _wait, irq, soft = map(int, Path("/proc/stat").read_text().split()[1:8])
    return (user + nice + system + irq + soft) / _TICK

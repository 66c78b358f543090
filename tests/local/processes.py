"""What the operating system says of processes: who lives, who listens where."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

PROC = Path("/proc")
needs_proc = pytest.mark.skipif(not (PROC / "net" / "tcp").exists(), reason="reads Linux's /proc")


def is_alive(pid: int) -> bool:
    try:
        state = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def sockets_of(pid: int) -> set[str]:
    """Inodes of the sockets this process holds."""
    names = set()
    for link in (PROC / str(pid) / "fd").iterdir():
        try:
            target = os.readlink(link)
        except FileNotFoundError:
            continue  # closed since the folder was listed: a listener stays
        if target.startswith("socket:["):
            names.add(target.removeprefix("socket:[").removesuffix("]"))
    return names


def bound_addresses(pid: int) -> set[str]:
    """`hex address` of every socket of the process that listens (TCP) or is bound (UDP)."""
    mine, found = sockets_of(pid), set()
    for table, states in (("tcp", {"0A"}), ("tcp6", {"0A"}), ("udp", {"07"}), ("udp6", {"07"})):
        path = PROC / "net" / table
        for line in path.read_text().splitlines()[1:] if path.exists() else ():
            fields = line.split()
            if fields[9] in mine and fields[3] in states:
                found.add(fields[1].partition(":")[0])
    return found


def tree_of(pid: int) -> set[int]:
    """The process and all below it."""
    parents: dict[int, list[int]] = {}
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents.setdefault(parent, []).append(int(folder.name))
    found, waiting = set(), [pid]
    while waiting:
        found.add(waiting[-1])
        waiting += parents.get(waiting.pop(), [])
    return found

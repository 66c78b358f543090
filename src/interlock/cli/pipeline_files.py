"""The pipeline files that a command line names."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from interlock.pipeline_yaml.document import MOST_BYTES
from interlock.pipeline_yaml.mistake import printable

_SUFFIXES = (".yaml", ".yml")
_NOT_PIPELINES = "scenarios"  # folders of `interlock simulate`


class Unreadable(Exception):
    """A path that cannot be read; the message says why."""


def read_file(path: Path) -> bytes:
    """At most a byte more than a pipeline may have. Raises `Unreadable`."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise Unreadable(f"{printable(str(path))} is no regular file; name pipeline files or folders")
        with path.open("rb") as opened:
            return opened.read(MOST_BYTES + 1)  # one more than is accepted: enough to say it is too large
    except OSError as error:
        _refuse(error)


def each_file(paths: Sequence[str]) -> Iterator[Path]:
    """What is at these paths, folders with all below them, each file once. Raises `Unreadable`."""
    seen: set[str] = set()
    for name in paths:
        for path in _files_of(name):
            identity = os.path.realpath(path)
            if identity not in seen:
                seen.add(identity)
                yield path


def _files_of(name: str) -> list[Path]:
    if not name or "\0" in name or not os.path.exists(name):
        raise Unreadable(f"there is no {printable(name)!r}; name pipeline files or folders")
    if not os.path.isdir(name):
        return [Path(name)]
    found = sorted(_files_below(name))
    if not found:
        raise Unreadable(f"no *.yaml or *.yml below {printable(name)!r}; name pipeline files or folders")
    return found


def _files_below(name: str) -> Iterator[Path]:
    for folder, below, files in os.walk(name, onerror=_refuse):
        # os.walk goes into what is left of this list.
        below[:] = [inner for inner in below if inner != _NOT_PIPELINES and not inner.startswith(".")]
        yield from (Path(folder, file) for file in files if file.endswith(_SUFFIXES))


def _refuse(error: OSError) -> NoReturn:
    where = printable(str(error.filename))
    raise Unreadable(f"{where} cannot be read ({error.strerror}); check its permissions") from error

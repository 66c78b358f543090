"""Where functions' code lies on the embedded stack: unpacked once for each zip, however many processes run it.

Runs inside the emulator's process; ministack unpacks it anew for each process, which costs a cold start a quarter of
its time, and leaves thousands of files to remove at the end.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import types
import zipfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

runtime: Any = import_module("ministack.core.lambda_runtime")


class SharedZip(zipfile.ZipFile):
    """A zip that is unpacked by a link to where it was unpacked first. On Lambda nobody can write there either."""

    def extractall(self, path: Any = None, *_: Any) -> None:
        assert self.filename is not None
        shared = _unpacked(Path(self.filename))
        os.rmdir(path)
        os.symlink(shared, path)


def _unpacked(archive: Path) -> Path:
    content = archive.read_bytes()
    shared = Path(tempfile.gettempdir(), "code", hashlib.sha256(content).hexdigest())
    if not shared.exists():
        shared.parent.mkdir(exist_ok=True)
        mine = Path(tempfile.mkdtemp(dir=shared.parent))
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(mine)
        try:
            mine.rename(shared)
        except OSError:  # another process of the function was faster
            shutil.rmtree(mine)
    return shared


def spawn_sharing_code(spawn: Callable[[Any], None]) -> Callable[[Any], None]:
    """ministack's own start of a process, which finds `SharedZip` where it looks for `zipfile.ZipFile`."""
    seen = types.SimpleNamespace(ZipFile=SharedZip, BadZipFile=zipfile.BadZipFile)
    names = {**vars(runtime), "zipfile": seen}
    return types.FunctionType(spawn.__code__, names, spawn.__name__, spawn.__defaults__, spawn.__closure__)

"""A search that can go on where it was ended: finished seeds are kept in a file, for the sources they were played with."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from interlock.simulation.promises.facts import Broken
from interlock.torture.figures import figures_data, read_figures
from interlock.torture.seed import Result

_SOURCES = Path(__file__).resolve().parents[1]
_STATE_MACHINE = _SOURCES.parents[1] / "statemachine"


def fingerprint() -> str:
    """Of everything that decides how a world plays."""
    digest = sha256()
    for folder, pattern in ((_SOURCES, "*.py"), (_STATE_MACHINE, "*.json")):
        for path in sorted(folder.rglob(pattern)):
            digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


class NoState(ValueError):
    """The file holds something else; the message says what to do."""


class State:
    """The file: a first line with the fingerprint, then one line for each finished seed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fingerprint = fingerprint()

    def finished(self) -> list[Result] | None:
        """What is known already; None if that was of other sources: the file begins anew. Raises `NoState`."""
        try:
            head, *lines = self._lines() or [{}]
            if head.get("sources") == self._fingerprint:
                return [_read(line) for line in lines]
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(json.dumps({"sources": self._fingerprint}) + "\n")
        except OSError as error:
            why = error.strerror or error
            raise NoState(
                f"{self._path} can hold no state ({why}); name a file that can be written"
            ) from error
        return None if head else []

    def add(self, results: Iterable[Result]) -> None:
        """Keep them; in one write, so that a search that is killed tears the last line at most."""
        with self._path.open("a") as file:
            file.write("".join(json.dumps(_data(result)) + "\n" for result in results))

    def _lines(self) -> list[dict[str, Any]]:
        try:
            *whole, torn = (self._path.read_text() if self._path.exists() else "").split("\n")
            lines = [json.loads(line) for line in whole]
            if (torn and not whole) or (lines and "sources" not in lines[0]):
                raise ValueError
        except (ValueError, TypeError):
            raise NoState(f"{self._path} is no state of a search; name another file") from None
        if torn:  # what is added next must begin on a line of its own
            self._path.write_text("".join(f"{line}\n" for line in whole))
        return lines


def _data(result: Result) -> dict[str, Any]:
    return {
        "seed": result.seed,
        "profile": result.profile,
        "broken": [asdict(broken) for broken in result.broken],
        "figures": figures_data(result.figures),
    }


def _read(data: dict[str, Any]) -> Result:
    broken = tuple(Broken(**one) for one in data["broken"])
    return Result(data["seed"], data["profile"], broken, read_figures(data["figures"]))

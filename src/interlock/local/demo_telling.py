"""How the demo tells its story: short lines with the elapsed seconds, tables of wrapped cells, colour only on a terminal."""

from __future__ import annotations

import os
import textwrap
import time
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import TextIO

WIDTH = 100
_CLOCK = 8  # columns of the elapsed seconds
_BOLD, _DIM, _GREEN, _RED, _PLAIN = "\033[1m", "\033[2m", "\033[32m", "\033[31m", "\033[0m"


class Teller:
    """Writes to one stream; the clock starts when it is made."""

    def __init__(self, out: TextIO) -> None:
        # https://no-color.org
        self._out, self._colour = out, out.isatty() and not os.environ.get("NO_COLOR")
        self._began = time.monotonic()

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._began

    def heading(self, text: str) -> None:
        self._write("")
        self._write(self._painted(_BOLD, text))

    def say(self, text: str) -> None:
        """A line of progress, wrapped beside its time."""
        first, *others = wrapped(text, WIDTH - _CLOCK)
        self._write(self._painted(_DIM, f"{self.elapsed:5.1f}s  ") + first)
        for line in others:
            self._write(" " * _CLOCK + line)

    def detail(self, lines: Iterable[str]) -> None:
        """Below a line of progress."""
        self.text(lines, indent=_CLOCK + 2)

    def text(self, lines: Iterable[str], indent: int = 0) -> None:
        """Lines as they are; those too long are wrapped under their own beginning."""
        for line in lines:
            for part in wrapped(line, WIDTH - indent):
                self._write(" " * indent + part if part else "")

    def verdict(self, good: bool, text: str) -> None:
        self._write("")
        for line in wrapped(text, WIDTH):
            self._write(self._painted(_GREEN if good else _RED, line))

    def _painted(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_PLAIN}" if self._colour else text

    def _write(self, line: str) -> None:
        print(line.rstrip(), file=self._out, flush=True)


def wrapped(line: str, width: int) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.wrap(line, width, subsequent_indent=indent, break_on_hyphens=False) or [""]


def table(rows: Sequence[Sequence[str]], widths: Sequence[int]) -> list[str]:
    """Rows of wrapped cells, the first row underlined; where some take several lines, an empty one parts them."""
    blocks = []
    for row in rows:
        cells = [wrapped(cell, width) for cell, width in zip(row, widths, strict=True)]
        blocks.append([_joined(parts, widths) for parts in zip_longest(*cells, fillvalue="")])
    blocks[0].append(_joined(["-" * width for width in widths], widths))
    parted = any(len(block) > 1 for block in blocks[1:])
    for block in blocks[1:-1] if parted else ():
        block.append("")
    return [line for block in blocks for line in block]


def _joined(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()

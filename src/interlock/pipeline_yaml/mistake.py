"""How a mistake in a user's file is said: where it is, what is wrong, what to do. One line each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

YamlPath = tuple[str | int, ...]

MOST_MISTAKES = 200  # a file of junk has one in every line; nobody reads more than these
_LONGEST_SHOWN = 60
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,59}")


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing to mend (or, as a warning, to think about) in a file."""

    file: str
    line: int  # from 1
    path: str  # validation.rules[2].check; "" for the file as a whole
    message: str  # what is wrong; what to do

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}: {self.path}: " if self.path else f"{self.file}:{self.line}: "
        return printable(where + self.message)


class PipelineInvalid(ValueError):
    """A file that does not describe a pipeline, with everything that is wrong in it."""

    def __init__(self, mistakes: Iterable[Mistake], pipeline_id: str | None = None) -> None:
        ordered = sorted(mistakes, key=lambda mistake: mistake.line)
        self.mistakes = tuple(ordered[:MOST_MISTAKES])
        self.pipeline_id = pipeline_id  # when the file at least names it well
        if len(ordered) > MOST_MISTAKES:
            last, left = self.mistakes[-1], len(ordered) - MOST_MISTAKES
            self.mistakes += (
                Mistake(last.file, last.line, "", f"{left} more mistakes follow; mend these first"),
            )
        super().__init__("\n".join(map(str, self.mistakes)))


def path_text(path: YamlPath) -> str:
    """The path as people write it: `validation.rules[2].check`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{shown(part)}]"
    return text


def shown(value: Any) -> str:
    """A value as a message shows it: short, quoted, whatever its size."""
    match value:
        case str():
            short = value if len(value) <= _LONGEST_SHOWN else value[:_LONGEST_SHOWN] + "…"
            return json.dumps(short, ensure_ascii=False)
        case list():
            return "a list"
        case dict():
            return "a mapping"
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case _:
            return str(value)


def closest(word: str, choices: Iterable[str]) -> str | None:
    """The choice that `word` is most likely a misspelling of, if any."""
    folded = {_folded(choice): choice for choice in choices}
    asked = _folded(word[:_LONGEST_SHOWN])
    begun = [choice for choice in folded if len(asked) > 1 and choice.startswith(asked)]
    found = get_close_matches(asked, folded, n=1) or begun
    return folded[found[0]] if found else None


def _folded(word: str) -> str:
    return re.sub(r"[-_ ]", "", word).lower()


def printable(text: str) -> str:
    """`text` on one line: what moves a cursor, breaks a line or cannot be encoded is escaped."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)

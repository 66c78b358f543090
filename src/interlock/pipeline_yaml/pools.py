"""Do the files that name one pool agree on its slots? Only all files together show it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from interlock.pipeline_yaml.mistake import Mistake


@dataclass(frozen=True, slots=True)
class PoolNamed:
    """By one file."""

    name: str
    slots: int
    where: Mistake  # the place of its number; the message is for whoever compares them


def differing_slots(named: Iterable[PoolNamed]) -> Iterator[Mistake]:
    """A warning at each number that is not the first file's: while they change, files may differ on purpose."""
    first: dict[str, PoolNamed] = {}
    for pool in named:
        other = first.setdefault(pool.name, pool)
        if other.slots != pool.slots:
            message = (
                f"gives the pool {pool.name} {_slots(pool.slots)}, {other.where.file} gives it {other.slots}; "
                "each run goes by its own file's number: let them agree"
            )
            yield replace(pool.where, message=message)


def _slots(number: int) -> str:
    return f"{number} slot" if number == 1 else f"{number} slots"

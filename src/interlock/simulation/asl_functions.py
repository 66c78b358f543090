"""JSONata functions that Step Functions adds, and those that would read the real clock or chance.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html#jsonata-functions-provided-by-sfn
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from math import floor
from random import Random
from typing import Any

from jsonata.functions import Functions  # type: ignore[import-untyped]

NAMES = frozenset({"partition", "range", "hash", "random", "uuid", "parse", "now", "millis", "shuffle"})

_ALGORITHMS = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def functions_at(now: datetime, seed: str) -> Mapping[str, Callable[..., Any]]:
    """The functions as one evaluation sees them; `seed` decides what `$random()` and `$uuid()` answer."""
    chance = Random(seed)
    millis = round(now.timestamp() * 1000)

    def random(chosen_seed: float | None = None) -> float:
        return chance.random() if chosen_seed is None else Random(floor(chosen_seed)).random()

    def timestamp(picture: str | None = None, timezone: str | None = None) -> Any:
        return Functions.datetime_from_millis(millis, picture, timezone)

    return {
        "partition": _partition,
        "range": _range,
        "hash": _hash,
        "parse": json.loads,
        "random": random,
        "uuid": lambda: str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        "shuffle": lambda array: chance.sample(array, len(array)),
        "now": timestamp,
        "millis": lambda: millis,
    }


def _partition(array: list[Any], size: float) -> list[list[Any]]:
    step = floor(size)
    if step < 1:
        raise ValueError("$partition: the chunk size must be positive")
    return [array[start : start + step] for start in range(0, len(array), step)]


def _range(first: float, last: float, delta: float) -> list[int]:
    step = floor(delta)
    return list(range(floor(first), floor(last) + (1 if step > 0 else -1), step))


def _hash(source: str, algorithm: str) -> str:
    return hashlib.new(_ALGORITHMS[algorithm], source.encode()).hexdigest()

"""Batches of stream records that functions took, noted for whoever asks; and answers of theirs that get lost on purpose.

Runs inside the emulator's process: `emulator_streams` asks, `emulator_server` tells.
"""

from __future__ import annotations

import json
import random
import time
from typing import Any

JsonObject = dict[str, Any]

_UNASKED = 1000  # batches: nobody asks, so the oldest are forgotten
_batches: list[JsonObject] = []
_chance = random.Random()
_lost_share = 0.0
_lost = 0


def note_batch(table: str, records: list[JsonObject]) -> None:
    """It was taken just now, every record of it."""
    keys = [[record["dynamodb"][part] for part in ("Keys", "SequenceNumber")] for record in records]
    found = [[key["PK"]["S"], key["SK"]["S"], number] for key, number in keys if {"PK", "SK"} <= key.keys()]
    _batches.append({"table": table, "ended_at": time.time(), "records": found})
    del _batches[:-_UNASKED]


def take_batches(_: bytes) -> tuple[int, bytes]:
    """Those since the last question, and how many answers were lost so far."""
    taken = _batches[:]
    del _batches[: len(taken)]
    return 200, json.dumps({"batches": taken, "lost": _lost}).encode()


def lose_answers(body: bytes) -> tuple[int, bytes]:
    """From here on this share of good answers never reaches the stream, which delivers those batches again."""
    global _lost_share
    told = json.loads(body)
    _lost_share = float(told["share"])
    _chance.seed(told["seed"])
    return 200, b"{}"


def answer_is_lost() -> bool:
    global _lost
    lost = _chance.random() < _lost_share
    _lost += lost
    return lost

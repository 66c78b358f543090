"""One change of one row, as a table's stream tells of it: what the stream-router routes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

Image = Mapping[str, Any]  # a whole row, keys included; numbers are Decimal


class ChangeKind(StrEnum):
    """What happened to the row."""

    INSERT = "INSERT"
    MODIFY = "MODIFY"
    REMOVE = "REMOVE"


@dataclass(frozen=True, slots=True)
class Change:
    """One stream record. A redelivery repeats it, `at` and sequence number included."""

    table: str  # `control` or `joblog`: the last part of the table's name
    partition_key: str
    sort_key: str
    kind: ChangeKind
    old: Image | None
    new: Image | None
    at: datetime  # when the row was written; aware UTC
    sequence_number: str  # digits; orders the changes of one partition key

"""What the sensors of a run read when it succeeded: what late data and drift are compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from interlock.domain.run import RunKey


@dataclass(frozen=True, slots=True)
class Baseline:
    """The row `BASELINE#`."""

    key: RunKey
    attempt: int  # the attempt that succeeded: the baseline of another one says nothing
    captured_at: datetime
    sensors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # sensor -> field -> value

"""An alarm of CloudWatch on our own infrastructure: what stands between it going off and the event that tells of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Alarm:
    """One transition of one alarm into the state ALARM."""

    name: str
    since: datetime  # of the transition: the same whenever it is told of
    reason: str  # in CloudWatch's words
    description: str | None  # in the words of whoever made the alarm
    previous_state: str | None  # OK or INSUFFICIENT_DATA

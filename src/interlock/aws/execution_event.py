"""Step Functions tells on the default bus when one of our own executions did not reach its end: timed out, aborted, broken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

SOURCE, DETAIL_TYPE = "aws.states", "Step Functions Execution Status Change"


@dataclass(frozen=True, slots=True)
class OwnEnd:
    """An execution of ours that is over; its input says whose it was."""

    name: str
    status: str
    input: str


def own_end(event: Mapping[str, Any], owns: Callable[[str], bool]) -> OwnEnd | None:
    """None for everything else, and for an execution that is done.

    https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
    """
    detail = event.get("detail")
    if (event.get("source"), event.get("detail-type")) != (SOURCE, DETAIL_TYPE) or not isinstance(
        detail, Mapping
    ):
        return None
    if not owns(str(detail.get("stateMachineArn"))):
        return None
    # An input of more than 248 KB would be missing; ours names the run.
    return OwnEnd(str(detail.get("name")), str(detail.get("status")), str(detail.get("input")))

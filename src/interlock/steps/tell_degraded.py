"""Which parts of the watchdog's work fail: each is told once when it begins to, and can be told again once it has worked."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from datetime import datetime

from interlock.domain.absence_wording import watchdog_degraded
from interlock.ports import Lost, WatchdogMemory

log = logging.getLogger(__name__)

_TRIES = 3
_LONGEST_ERROR = 300


def tell_degraded(
    failed: Mapping[str, str], worked: Collection[str], memory: WatchdogMemory, now: datetime
) -> None:
    """`failed`: part and error of this turn; `worked`: the parts that are known to do their work by now.

    A part that was not tried stays as it is remembered. `Lost` when others are always first.
    """
    for part, error in sorted(failed.items()):
        log.error("part of the watchdog failed", extra={"part": part, "error": error})
    for tries in range(1, _TRIES + 1):
        before = memory.failing()
        begun = {part: error[:_LONGEST_ERROR] for part, error in failed.items() if part not in before.errors}
        going_on = {
            part: error for part, error in before.errors.items() if part in failed or part not in worked
        }
        after = {**going_on, **begun}
        if after.keys() == before.errors.keys():
            return
        try:
            memory.remember_failing(before, after, watchdog_degraded(begun, now) if begun else None, now)
        except Lost:
            if tries == _TRIES:
                raise
        else:
            return

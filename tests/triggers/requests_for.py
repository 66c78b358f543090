"""Requests for starts, complete; a test names only what matters to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.domain.expansion import job_values
from interlock.domain.run import RunKey
from interlock.ports import JobRequest

RUN_ID = "gold-revenue-cron-2026-03-01-1.19ca7f2b400"


def a_request(config: Mapping[str, Any], *, date: str = "2026-03-01T18", **changes: Any) -> JobRequest:
    """The first attempt of an hourly run."""
    key = RunKey("gold-revenue", "cron", date)
    known: dict[str, Any] = {
        "key": key,
        "attempt": 1,
        "run_id": RUN_ID,
        "config": config,
        "values": job_values(key, 1, RUN_ID),
    }
    return JobRequest(**(known | changes))

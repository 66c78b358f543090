"""How another pipeline stands, as far as a rule of ours reads it: judged by `upstream_runs`, worded by `readiness`."""

from __future__ import annotations

from dataclasses import dataclass

from interlock.domain.pipeline import UpstreamDate, UpstreamRule


@dataclass(frozen=True, slots=True)
class UpstreamOutcome:
    """What one rule on another pipeline found, at the instant at which the sensors were read."""

    holds: bool
    reason: str  # a full sentence
    seen: str | int | None = None  # the status of the one run, or how many runs of the window succeeded
    wanted: str | int = "SUCCEEDED"


_WHICH = {
    UpstreamDate.SAME: "same date",
    UpstreamDate.PREVIOUS: "previous date",
    UpstreamDate.WINDOW: "every period within",
}


def rule_text(rule: UpstreamRule) -> str:
    """What it wants: silver-orders succeeded (same date)."""
    return f"{rule.pipeline_id} succeeded ({_WHICH[rule.date]})"

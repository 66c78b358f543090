"""Where the simulator sees each AWS call of ours: counts it, and makes it fail as the faults say."""

from __future__ import annotations

from typing import Protocol


class Calls(Protocol):
    """Around every call. Both may raise `CallFailed` or `FunctionCrashed`, before the effect or after it."""

    def before(self, call: str, pipeline: str | None, target: str = "") -> None: ...
    def after(
        self, call: str, pipeline: str | None, *, read_units: float = 0, write_units: float = 0
    ) -> None: ...
    def answers_stale(self, pipeline: str | None) -> bool:
        """Whether a query of an index, once it was made, is answered with what was some writes ago."""


class OutsideCalls:
    """Calls of others, or of the scenario itself: neither counted nor made to fail."""

    def before(self, call: str, pipeline: str | None, target: str = "") -> None: ...
    def after(
        self, call: str, pipeline: str | None, *, read_units: float = 0, write_units: float = 0
    ) -> None: ...
    def answers_stale(self, pipeline: str | None) -> bool:  # noqa: ARG002  # as `Calls` has it
        return False

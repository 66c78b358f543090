"""Where the simulator sees each AWS call of ours: counts it, and makes it fail as the faults say."""

from __future__ import annotations

from typing import Protocol


class Calls(Protocol):
    """Around every call. Both may raise `CallFailed` or `FunctionCrashed`, before the effect or after it."""

    def before(self, call: str, pipeline: str | None, target: str = "") -> None: ...
    def after(
        self, call: str, pipeline: str | None, *, read_units: float = 0, write_units: float = 0
    ) -> None: ...


class OutsideCalls:
    """Calls of others, or of the scenario itself: neither counted nor made to fail."""

    def before(self, call: str, pipeline: str | None, target: str = "") -> None: ...
    def after(
        self, call: str, pipeline: str | None, *, read_units: float = 0, write_units: float = 0
    ) -> None: ...

"""One measured figure, and the bound it is held to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    what: str
    value: float
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None

    @property
    def holds(self) -> bool:
        too_much = self.at_most is not None and self.value > self.at_most
        return not too_much and not (self.at_least is not None and self.value < self.at_least)

    def __str__(self) -> str:
        bound = f"<= {self.at_most:g}" if self.at_most is not None else ""
        bound = f">= {self.at_least:g}" if self.at_least is not None else bound
        mark = "  " if not bound else "ok" if self.holds else "MISSED"
        return f"{mark:6} {self.value:12,.3f} {self.unit:12} {bound:10} {self.what}".rstrip()

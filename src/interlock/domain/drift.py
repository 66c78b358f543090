"""Drift: how far has a postRun sensor's number moved from what the run read, and is that too far?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

from interlock.domain.late_data import fact_digest, value_of
from interlock.domain.pipeline import PostRun
from interlock.domain.sensor import Reading, Unseen
from interlock.domain.sensor_value import as_number, number_text

_SHOWN = Context(prec=38)  # as many digits as DynamoDB keeps
_DEFAULT_FIELDS = ("count", "sensor_count")
_LARGEST_PERCENT = 10**9


@dataclass(frozen=True, slots=True)
class Drift:
    """A number that moved by more than the threshold."""

    sensor: str
    field: str
    baseline: int | Decimal
    value: int | Decimal
    threshold: str  # as the config writes it: 50, or 5%

    @property
    def fact(self) -> str:
        """Names the drift in `run.told`: the same value is told once."""
        return f"drift:{fact_digest(self.sensor, self.field, self.value)}"

    @property
    def change(self) -> Decimal:
        """In the sensor's own unit, down as negative; rounded to 38 digits."""
        return _SHOWN.subtract(Decimal(self.value), Decimal(self.baseline))

    @property
    def percent(self) -> float | None:
        """Of the baseline, to a tenth; None from 0, and where it is past all measure."""
        if not self.baseline:
            return None
        percent = 100 * (Fraction(self.value) - Fraction(self.baseline)) / abs(Fraction(self.baseline))
        return round(float(percent), 1) if abs(percent) < _LARGEST_PERCENT else None


def drift_fields(post_run: PostRun) -> tuple[str, ...]:
    """Where the number is looked for; the first field that the run found counts."""
    return (post_run.drift_field,) if post_run.drift_field else _DEFAULT_FIELDS


def find_drift(
    post_run: PostRun, sensor: str, read: Mapping[str, Any], reading: Reading | Unseen | None
) -> Drift | None:
    """`read`: the sensor's fields as the run found them. Without a number on either side there is no drift."""
    field = next((name for name in drift_fields(post_run) if read.get(name) is not None), None)
    if field is None:
        return None
    baseline, value = as_number(read[field]), as_number(value_of(reading, field))
    if baseline is None or value is None or not _is_too_far(post_run, Fraction(baseline), Fraction(value)):
        return None
    threshold = number_text(post_run.drift_threshold)
    return Drift(sensor, field, baseline, value, threshold + "%" * post_run.drift_threshold_is_percent)


def _is_too_far(post_run: PostRun, baseline: Fraction, value: Fraction) -> bool:
    moved, threshold = abs(value - baseline), Fraction(post_run.drift_threshold)
    if not post_run.drift_threshold_is_percent:
        return moved > threshold
    return moved * 100 > threshold * abs(baseline)  # from 0 any change is more than any percentage

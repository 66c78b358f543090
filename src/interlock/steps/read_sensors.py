"""What a run sees of some of its sensors at one instant, and of itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from interlock.domain.run import Run, RunKey
from interlock.domain.sensor import Reading, Unseen, candidate_keys, select_reading
from interlock.ports import ControlTable


def read_sensors(
    key: RunKey, sensors: Iterable[str], control: ControlTable
) -> tuple[Run | None, Mapping[str, Reading | Unseen]]:
    """The run and the reading that it sees of each sensor, all as of the same instant."""
    wanted = tuple(sensors)
    run, found = control.snapshot(
        key, [name for sensor in wanted for name in candidate_keys(sensor, key.date)]
    )
    return run, {sensor: select_reading(sensor, key.date, found) for sensor in wanted}

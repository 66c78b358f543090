"""A postRun sensor was written while the job runs: has it drifted from what the run read at its start?"""

from __future__ import annotations

from datetime import datetime

from interlock.domain import drift_wording
from interlock.domain.drift import find_drift
from interlock.domain.pipeline import Pipeline, post_run_sensors
from interlock.domain.routing import SensorWritten, belongs_to
from interlock.domain.run import Run, RunStatus
from interlock.domain.sensor import Reading
from interlock.ports import ControlTable
from interlock.steps.read_sensors import read_sensors


def written_in_flight(
    run: Run,
    written: SensorWritten,
    reading: Reading,
    pipeline: Pipeline,
    control: ControlTable,
    now: datetime,
) -> None:
    """Told once for each sensor and attempt. Nothing is done about it: the baseline is taken when the run succeeds."""
    sensor, post_run = reading.key, pipeline.post_run
    if post_run is None or run.dry_run or sensor not in post_run_sensors(pipeline):
        return
    if not belongs_to(pipeline, reading, run.key.date, written.at):
        return
    said = find_drift(post_run, sensor, run.seen.get(sensor, {}), reading)
    if said is None:
        return
    current, readings = read_sensors(run.key, (sensor,), control)
    if current is None or current.status is not RunStatus.RUNNING or current.attempt != run.attempt:
        return
    drift = find_drift(post_run, sensor, current.seen.get(sensor, {}), readings[sensor])
    if drift is not None and drift.fact == said.fact:
        # Not by the run's row: while its job runs, that is the orchestrator's to move.
        subject = f"POST_RUN_DRIFT_INFLIGHT#{run.key.schedule_id}#{run.key.date}"
        told = drift_wording.drift_in_flight(current, drift, now)
        control.notice(pipeline.id, subject, f"{current.run_id} {sensor}", told, run.key)

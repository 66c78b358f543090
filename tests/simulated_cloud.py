"""An environment in memory in which Interlock works, to point a command at: while the command sleeps, time passes there."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

from builders import at
from interlock.aws import keys
from interlock.aws.run_item import read_run
from interlock.cli.asking import Clock
from interlock.cli.cloud import Cloud
from interlock.domain.run import Run, RunKey
from interlock.pipeline_yaml import check_pipeline
from interlock.simulation.scenario import JobPlay
from interlock.simulation.world import World

START = at("2026-03-10T08:00")


class SimulatedCloud:
    """One pipeline, `gold`, and what its jobs do. `interrupt` presses Ctrl-C at that instant."""

    def __init__(self, config: str, *plays: JobPlay, calendars: list[dict[str, Any]] | None = None) -> None:
        self.world = World(START, {"gold": plays} if plays else {}, check_pipeline)
        self.world.load({"gold.yaml": config.encode()}, calendars or [])
        self.world.begin()
        tables = (self.world.control, self.world.joblog, self.world.rerun)
        control, joblog, rerun = (table.from_outside() for table in tables)
        # The commands that are tested with this read no events.
        self.cloud = Cloud("test", control, joblog, rerun, events=rerun)
        self.clock = Clock(self.world.clock.now, self._sleep)
        self.interrupt: datetime | None = None
        self.out = StringIO()

    def _sleep(self, seconds: float) -> None:
        self.world.clock.run_until(self.world.clock.now() + timedelta(seconds=seconds))
        if self.interrupt is not None and self.world.clock.now() >= self.interrupt:
            self.interrupt = None
            raise KeyboardInterrupt

    def passes(self, **time: float) -> None:
        self._sleep(timedelta(**time).total_seconds())

    def write_sensor(self, key: str, **values: Any) -> None:
        partition, sort = keys.sensor_key("gold", key)
        self.cloud.control.put({"PK": partition, "SK": sort, **values})
        self.passes(seconds=1)

    def run(self, date: str, schedule_id: str = "cron") -> Run | None:
        item = self.cloud.control.get(keys.run_key(RunKey("gold", schedule_id, date)))
        return read_run(item) if item else None

    @property
    def started(self) -> list[str]:
        """The dates of the jobs that were really started, in order."""
        return [job.request.key.date for job in self.world.jobs.jobs]

    @property
    def lines(self) -> list[str]:
        return self.out.getvalue().splitlines()

    def data(self) -> Any:
        return json.loads(self.out.getvalue())

    def most_at_once(self) -> int:
        """How many jobs were alive at the same time."""
        jobs = self.world.jobs.jobs
        return max(sum(_alive(other, job.record.started_at) for other in jobs) for job in jobs)


def _alive(job: Any, instant: datetime) -> bool:
    return job.record.started_at <= instant and (job.ends_at is None or instant < job.ends_at)

"""A user's bucket of config files and the table that config sync brings in step with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import md5

from interlock.aws.config_ledger import DynamoConfigLedger
from interlock.config_ports import ConfigWithheld
from interlock.steps.sync_configs import ConfigSyncPorts, sync_configs
from world_builder import NOW, World

BROKEN = b"pipeline: {id: gold}\njob: {type: glu}\n"
NAMELESS = b"job: ["


def a_file(pipeline_id="gold", cron=None, job_name="etl"):
    schedule = f'schedule: {{cron: "{cron}"}}' if cron else "schedule: {trigger: {key: ready, check: exists}}"
    job = f"job: {{type: glue, config: {{jobName: {job_name}}}}}"
    return f"pipeline: {{id: {pipeline_id}}}\n{schedule}\n{job}\n".encode()


@dataclass
class Bucket:
    """`ConfigSource` and `CronSchedules`: the user's files, and the schedules that stand."""

    calls: object
    files: dict[str, bytes] = field(default_factory=dict)
    withheld: dict[str, str] = field(default_factory=dict)  # name -> why
    read_names: list[str] = field(default_factory=list)
    schedules: dict[str, str] = field(default_factory=dict)

    def listing(self):
        self.calls.before("s3.ListObjectsV2", None)
        return self._etags()

    def _etags(self):
        return {name: md5(text, usedforsecurity=False).hexdigest() for name, text in self.files.items()}

    def read(self, name):
        self.calls.before("s3.GetObject", None)
        self.read_names.append(name)
        if name in self.withheld:
            raise ConfigWithheld(self.withheld[name], "let it be read")
        text = self.files.get(name)
        return None if text is None else (text, self._etags()[name])

    def put(self, pipeline):
        self.calls.before("scheduler.UpdateSchedule", pipeline.id)
        self.schedules[pipeline.id] = pipeline.schedule.cron

    def remove(self, pipeline_id):
        self.calls.before("scheduler.DeleteSchedule", pipeline_id)
        self.schedules.pop(pipeline_id, None)


class Configs(World):
    """A world of configs alone."""

    def __init__(self, **files):
        super().__init__(None)
        self.bucket = Bucket(self.calls)
        self.write(**files)

    def write(self, **files):
        """`gold=None` removes gold.yaml."""
        for stem, text in files.items():
            if text is None:
                del self.bucket.files[f"{stem}.yaml"]
            else:
                self.bucket.files[f"{stem}.yaml"] = text

    def sync(self, now=NOW):
        ledger = DynamoConfigLedger(self.table)
        sync_configs(ConfigSyncPorts(self.bucket, ledger, self.control, self.bucket), now)

    @property
    def stored(self):
        """Pipeline -> the file that its config came from, and the job that it names."""
        names = ("gold", "silver", "bronze")
        found = {name: self.outside.config(name) for name in names}
        jobs = {name: self.outside.pipeline(name) for name in names}
        return {
            name: (config.source, jobs[name].job.config["jobName"])
            for name, config in found.items()
            if config
        }

    @property
    def said(self):
        return [(str(event.type), event.pipeline_id) for event in self.events]

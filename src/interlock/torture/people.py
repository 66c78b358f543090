"""Everybody who interferes: requests, reports of jobs, stops, other configs, rotated secrets, rows that make no sense."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from interlock.torture.chance import Chance
from interlock.torture.jobs import OTHER_TYPES, secret_of, target
from interlock.torture.pipelines import Pipeline
from interlock.torture.profiles import Profile
from interlock.torture.readings import nonsense
from interlock.torture.setting import Setting
from interlock.torture.writers import Entry

_INVALID = (
    "pipeline: {{id: {name}}}\njob: {{type: glu, config: {{jobName: x}}}}\n",
    "pipeline: {{id: {name}}}\nschedule: {{cron: '99 * * * *'}}\njob: {{type: glue, config: {{jobName: x}}}}\n",
    "pipeline: {{id: {name}}}\njob: {{type: glue, config: {{jobName: x}}}}\nowner: me\n",
    "pipeline: {{id: {name}\n",
    "\u0000",
)


@dataclass(frozen=True, slots=True)
class People:
    """Whoever has to do with one pipeline."""

    chance: Chance
    setting: Setting
    profile: Profile
    pipeline: Pipeline

    def entries(self) -> list[Entry]:
        """In any order."""
        chance, profile = self.chance, self.profile
        dates = max(1, len(self.pipeline.plan.openings))
        secret = secret_of(self.pipeline.name)
        needed = secret in json.dumps(self.pipeline.config["job"]["config"])
        found: list[Entry] = [(0, {"secrets": {secret: "hunter2"}})] if needed else []
        found += [self._request() for _ in range(chance.times(profile.requests * dates))]
        # Nobody else tells how the job of a dry run ends.
        reports = profile.reports + (0.7 if self.pipeline.config.get("dryRun") else 0)
        found += [self._report() for _ in range(chance.times(reports * dates))]
        found += [self._garbage() for _ in range(chance.times(profile.garbage))]
        for _ in range(chance.times(profile.people)):
            found += self._interference()
        return found

    def _second(self) -> int:
        """Mostly while runs are open."""
        openings = self.pipeline.plan.openings
        if openings and self.chance.likely(0.7):
            soon = self.chance.one(openings).second + self.chance.whole(0, 2 * self.pipeline.plan.window)
            return min(soon, self.setting.busy)
        return self.chance.second(0, self.setting.busy)

    def _date(self) -> str:
        """One that runs, or one of the past for which nothing ever ran."""
        openings = self.pipeline.plan.openings
        if openings and self.chance.likely(0.75):
            return self.chance.one(openings).date
        past = self.setting.local(0, self.pipeline.plan.zone) - timedelta(days=self.chance.whole(1, 9))
        return f"{past:%Y-%m-%dT%H}" if self.pipeline.plan.is_hourly else f"{past:%Y-%m-%d}"

    def _request(self) -> Entry:
        chance = self.chance
        request: dict[str, Any] = {"pipeline": self.pipeline.name, "date": self._date()}
        second = self._second()
        if chance.likely(0.05):
            return second, {"remove_rerun_request": request}
        if chance.likely(0.7):
            request |= {"reason": chance.one(("upstream was wrong", "again", "x" * 500)), "requestedBy": "me"}
        if chance.likely(0.5):
            request["force"] = True
        if chance.likely(0.05):
            request["schedule"] = chance.one(("cron", "stream"))
        return second, {"rerun": request}

    def _report(self) -> Entry:
        chance = self.chance
        report: dict[str, Any] = {"pipeline": self.pipeline.name, "date": self._date()}
        report["event"] = chance.one(("success", "success", "fail", "timeout"))
        if chance.likely(0.4):
            report["attempt"] = chance.one((1, 1, 2, 3, 7))
        if chance.likely(0.3):
            report["runId"] = "of-somebody-else"
        if report["event"] == "fail" and chance.likely(0.5):
            report |= {"error": "boom", "category": chance.one(("TRANSIENT", "PERMANENT", "TIMEOUT", "ODD"))}
        if chance.likely(0.3):
            report["recordsProcessed"] = chance.one((7, "7", -1, "many"))
        return self._second(), {"report": report}

    def _interference(self) -> Iterator[Entry]:
        chance, name, second = self.chance, self.pipeline.name, self._second()
        kinds = {
            "stop": 3,
            "rule": 2,
            "target": 1,
            "schedule": 1,
            "job": 1,
            "invalid": 1,
            "secrets": 1,
            "remove": 1.5,
        }
        match chance.of(kinds):
            case "stop":
                yield second, {"stop_execution": {"pipeline": name, "date": self._date()}}
            case "invalid":
                text = chance.one(_INVALID).format(name=name)
                yield second, {"config": {"text": text, "file": f"{name}.yaml"}}
                yield self._later(second), {"config": self.pipeline.config}
            case "secrets":
                yield second, {"secrets": {secret_of(name): "hunter3"}}
            case "remove":
                yield second, {"remove_config": name}
                if chance.likely(0.7):
                    yield self._later(second), {"config": self.pipeline.config}
            case kind:
                yield second, {"config": self._changed(kind)}
                if chance.likely(0.4):
                    yield self._later(second), {"config": self.pipeline.config}

    def _later(self, second: int) -> int:
        return min(second + self.chance.one((0, 1, 60, 600, 2400)), self.setting.busy)

    def _changed(self, kind: str) -> dict[str, Any]:
        """The config with one thing in it changed."""
        chance, plan = self.chance, self.pipeline.plan
        config: dict[str, Any] = json.loads(json.dumps(self.pipeline.config))
        if kind == "rule":
            added = {"key": "signed-off", "check": "exists"}
            rules = config.get("validation", {}).get("rules", [])
            config["validation"] = {"rules": chance.one(([], [*rules, added], rules[:1]))}
        elif kind == "schedule":
            config["schedule"]["evaluation"] = {"window": chance.one(("1m", "5m", "90m"))}
            if "cron" in config["schedule"] and plan.kind == "daily":
                at = self.setting.local(self._second() + 600, plan.zone)
                config["schedule"]["cron"] = f"{at.minute} {at.hour} * * *"
        elif kind == "target":
            config["job"] |= target(chance.one(("glue", *OTHER_TYPES)), self.pipeline.name, "elsewhere")
        else:
            config["job"] |= {
                "maxRetries": chance.whole(0, 3),
                "jobPollWindowSeconds": 600,
                "maxDriftReruns": 0,
            }
        return config

    def _garbage(self) -> Entry:
        """Rows of kinds that outsiders write, as no interface has them."""
        chance, partition = self.chance, f"PIPELINE#{self.pipeline.name}"
        schedule, date = self.pipeline.plan.schedule_id, self._date()
        keys = [leaf.wanted.key for leaf in self.pipeline.rules.leaves] or ["rows"]
        sensor = f"SENSOR#{chance.one(keys)}"
        sort_keys = {
            "sensor": chance.one(
                (sensor, f"{sensor}#", f"{sensor}#{date}", f"{sensor}#0", "SENSOR#", f"{sensor}##")
            ),
            "request": f"RERUN_REQUEST#{chance.one((schedule, 'cron', 'nobody', ''))}#{chance.one((date, '2026', 'x#y'))}",
            "job": f"JOB#{schedule}#{date}#{chance.one(('1772440000000', 'now', '99999999999999999', '-1'))}#"
            f"{chance.one(('1', '0', 'one', ''))}",
        }
        kind = chance.one(("sensor", "request", "job"))
        item: dict[str, Any] = {"PK": partition, "SK": sort_keys[kind]}
        fields = {"sensor": ("data", "date"), "request": ("reason", "force"), "job": ("event", "runId")}[kind]
        item |= {field: nonsense(chance) for field in fields if chance.likely(0.8)}
        return self._second(), {"raw": {"table": "joblog" if kind == "job" else "control", "item": item}}

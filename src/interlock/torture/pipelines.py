"""One random pipeline: its schedule, rules, job, and what it promises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from interlock.torture.chance import Chance
from interlock.torture.jobs import OTHER_TYPES, a_job, some_plays
from interlock.torture.profiles import Profile
from interlock.torture.readings import Wanted
from interlock.torture.rules import RuleSet, a_rule_set
from interlock.torture.schedules import Plan, a_plan
from interlock.torture.setting import HOUR, Setting, a_zone

SICK = "sick"


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline of a world."""

    name: str
    plan: Plan
    rules: RuleSet
    audited: tuple[Wanted, ...]  # sensors that are watched after a success
    config: dict[str, Any]
    plays: tuple[dict[str, Any], ...]
    settles: int  # seconds after the last disturbance until nothing that was begun is under way


def a_pipeline(
    chance: Chance,
    setting: Setting,
    profile: Profile,
    name: str,
    earlier: Sequence[Pipeline],
    pools: Mapping[str, int],
) -> Pipeline:
    """It may wait for `earlier` ones, and share `pools`."""
    # The sick one has no part in what others share: that would be no fault of ours.
    healthy = [] if name == SICK else [one for one in earlier if one.name != SICK]
    plan = a_plan(chance, setting, a_zone(chance, setting), name, deadlines=profile.promises / 2)
    rules = a_rule_set(chance, _upstreams(chance, profile, plan, name, healthy))
    audited = _audited(chance, profile, rules)
    kind = chance.of(OTHER_TYPES) if chance.likely(profile.job_types) else "glue"
    job = a_job(chance, name, kind)
    plays = some_plays(chance, kind, job, profile.job_trouble)
    if chance.likely(profile.slots):
        job |= _limits(chance, {} if name == SICK else pools)
    config: dict[str, Any] = {"pipeline": _head(chance, name), "schedule": plan.section}
    if rules.items:
        config["validation"] = {
            "trigger": "ANY" if chance.likely(0.15) else "ALL",
            "rules": list(rules.items),
        }
    config["job"] = job
    if chance.likely(profile.promises):
        config["sla"] = _sla(chance, setting, plan)
    if audited:
        config["postRun"] = _post_run(chance, audited)
    if plan.trigger is not None and chance.likely(profile.dry_run):
        config["dryRun"] = True
    return Pipeline(name, plan, rules, tuple(audited), config, tuple(plays), _settles(plan, config))


def _head(chance: Chance, name: str) -> dict[str, Any]:
    head = {"id": name}
    if chance.likely(0.2):
        head |= {
            "owner": "<!here> & co",
            "description": "made up",
            "runbook": f"https://wiki.example.com/{name}",
        }
    return head


def _upstreams(
    chance: Chance, profile: Profile, plan: Plan, name: str, earlier: Sequence[Pipeline]
) -> list[dict[str, Any]]:
    """Rules on other pipelines, mostly such as can be met."""
    if plan.schedule_id == "cron" and chance.likely(profile.upstreams / 6):
        return [{"pipeline": name, "check": "succeeded", "date": "previous"}]
    days = {opening.date[:10] for opening in plan.openings}
    same_day = [one for one in earlier if days & {opening.date[:10] for opening in one.plan.openings}]
    if not earlier or not chance.likely(profile.upstreams):
        return []
    if not same_day:
        return [{"pipeline": chance.one(earlier).name, "check": "succeeded", "date": "previous"}]
    upstream = chance.one(same_day)
    rule: dict[str, Any] = {"pipeline": upstream.name, "check": "succeeded"}
    finer = upstream.plan.has_daily_dates or not plan.has_daily_dates
    date = chance.of({"": 4, "same": 1, "previous": 1, "window": 0.5} if finer else {"window": 3, "": 1})
    return [rule | ({"date": date} if date else {})]


def _audited(chance: Chance, profile: Profile, rules: RuleSet) -> list[Wanted]:
    if not chance.likely(profile.post_run):
        return []
    found = [
        Wanted("audit", {"key": "audit", "check": chance.one(("gte", "gt")), "field": "count", "value": 10})
    ]
    counted = [
        leaf.wanted for leaf in rules.leaves if leaf.must_hold and leaf.wanted.rule.get("field") == "count"
    ]
    if counted and chance.likely(0.6):
        found.append(counted[0])
    return found


def _limits(chance: Chance, pools: Mapping[str, int]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if pools and chance.likely(0.75):
        pool = chance.one(sorted(pools))
        found["pool"] = {"name": pool, "slots": pools[pool]}
    if not found or chance.likely(0.35):
        found["maxConcurrentRuns"] = chance.whole(1, 2)
    return found


def _sla(chance: Chance, setting: Setting, plan: Plan) -> dict[str, Any]:
    """By a time of day soon after the first opening, within a duration, or both."""
    sla: dict[str, Any] = {}
    zone = plan.zone
    if chance.likely(0.15):
        sla["timezone"] = zone = a_zone(chance, setting)
    if plan.trigger is None or chance.likely(0.7):
        sla |= _absolute(chance, setting, plan, zone)
    if plan.trigger is not None and (not sla.get("deadline") or chance.likely(0.3)):
        sla["maxDuration"] = chance.one(("15m", "40m", "1h30m"))
    if chance.likely(0.6):
        sla["expectedDuration"] = chance.one(("5m", "12m", "30m"))
    if chance.likely(0.2):
        sla["critical"] = True
    return sla


def _absolute(chance: Chance, setting: Setting, plan: Plan, zone: str) -> dict[str, Any]:
    if not plan.openings or plan.is_hourly or plan.kind == "often":
        return {"deadline": f":{chance.whole(0, 59):02}"} if plan.kind != "manual" else {"deadline": "12:00"}
    opening = plan.openings[0]
    due = setting.local(opening.second + chance.second(0, 2 * HOUR), zone)
    sla: dict[str, Any] = {"deadline": f"{due:%H:%M}"}
    days = (due.date() - (setting.local(opening.second, plan.zone).date())).days
    if plan.schedule_id == "stream":  # else the deadline would mostly be tomorrow's
        date = opening.date[:10]
        days = next((ahead for ahead in range(4) if f"{due - timedelta(days=ahead):%Y-%m-%d}" == date), 1)
        if days != 1 or chance.likely(0.3):
            sla["dayOffset"] = days
    elif chance.likely(0.1):
        sla["dayOffset"] = max(days, 0)
    return sla


def _post_run(chance: Chance, audited: Sequence[Wanted]) -> dict[str, Any]:
    found: dict[str, Any] = {"rules": [dict(wanted.rule) for wanted in audited]}
    if chance.likely(0.3):
        found["driftField"] = "count"
    if chance.likely(0.7):
        found["driftThreshold"] = chance.one((0, 1, 3, "10%", "50%"))
    found["sensorTimeout"] = chance.one(("10m", "40m", "1h30m"))
    return found


def _settles(plan: Plan, config: Mapping[str, Any]) -> int:
    """A run and a retry of it that use up their windows; what takes longer still waits for something by name."""
    job: dict[str, int] = config["job"]
    attempts = 1 + min(1, job["maxRetries"] + job["maxCodeRetries"])
    each = plan.window + job["jobPollWindowSeconds"] + 900
    return min(attempts * each, 4 * HOUR)

"""At rest the table holds the configs of the bucket, and EventBridge Scheduler what those, and the ledger, ask for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from interlock.aws import keys
from interlock.domain.aws_cron import aws_cron
from interlock.domain.pipeline import Pipeline, upstream_rules
from interlock.pipeline_yaml import PipelineInvalid, check_pipeline, is_calendar_file
from interlock.simulation.promises.calm import Calm
from interlock.simulation.promises.facts import Broken, Facts, clock
from interlock.simulation.promises.undelivered import Undelivered
from interlock.simulation.witness import Change

_SLAS = ("DUE#sla#", "DUE#relative-sla#")
# One that is asked for at its very second may come too late to fire; it is put a little later.
_SOON = timedelta(seconds=5)


def config_mistakes_are_told(facts: Facts, calm: Calm) -> Iterator[Broken]:
    """Of each file that holds no pipeline somebody was told what is wrong with it."""
    if calm.loses_records:
        return  # the sweep looks for what rows of pipelines said, not of files
    events = facts.rest.tables["events"].values()
    told = {
        (event.get("detail") or {}).get("source")
        for event in events
        if event.get("eventType") == "CONFIG_INVALID"
    }
    for name, text in facts.rest.config_files.items():
        if name in told or is_calendar_file(text):
            continue
        try:
            check_pipeline(text, name)
        except PipelineInvalid as invalid:
            yield Broken("config-mistakes-told", name, f"nobody was told: {invalid.mistakes[0]}")


def configs_in_force(facts: Facts, calm: Calm) -> Iterator[Broken]:
    """Each valid file's pipeline is the stored one, nothing else is; upstreams know who waits for them."""
    control, in_force = facts.rest.tables["control"], _in_force(facts)
    for name, text in facts.rest.config_files.items():
        pipeline = _pipeline_of(facts, name, text)
        if pipeline is None or calm.is_meddled_with(pipeline.id):
            continue
        row = control.get(keys.config_key(pipeline.id))
        file = control.get(keys.config_file_key(name)) or {}
        if row is None or row.get("source") != name:
            if file.get("valid") is not False:
                yield Broken("configs-in-force", pipeline.id, f"{name} is not loaded, and was not refused")
        elif in_force.get(pipeline.id) != pipeline and file.get("valid") is not False:
            yield Broken("configs-in-force", pipeline.id, f"the stored config is not that of {name}")
    for pipeline_id in in_force:
        source = control[keys.config_key(pipeline_id)].get("source")
        if source not in facts.rest.config_files and not calm.is_meddled_with(pipeline_id):
            yield Broken("configs-in-force", pipeline_id, f"is still in force, and {source} is gone")
    yield from _dependents(facts, calm, in_force)


def _pipeline_of(facts: Facts, name: str, text: bytes) -> Pipeline | None:
    known = {config.text: config.checked for config in facts.played.scenario.configs}
    checked = known.get(text)
    if checked is None:
        try:
            if is_calendar_file(text):
                return None
            checked = check_pipeline(text, name)
        except PipelineInvalid:
            return None
    return checked.pipeline


def _in_force(facts: Facts) -> dict[str, Pipeline]:
    found = {}
    for pipeline_id, configs in facts.configs.items():
        if configs and configs[-1].pipeline is not None:
            found[pipeline_id] = configs[-1].pipeline
    return found


def _dependents(facts: Facts, calm: Calm, in_force: Mapping[str, Pipeline]) -> Iterator[Broken]:
    wanted = {
        (rule.pipeline_id, pipeline.id) for pipeline in in_force.values() for rule in upstream_rules(pipeline)
    }
    rows = [key for key in facts.rest.tables["control"] if key[1].startswith(keys.DEPENDENT)]
    found = {(keys.pipeline_of(key[0]) or "", key[1].removeprefix(keys.DEPENDENT)) for key in rows}
    for upstream, dependent in sorted(wanted ^ found):
        if not calm.is_meddled_with(upstream) and not calm.is_meddled_with(dependent):
            state = "is not known to wait" if (upstream, dependent) in wanted else "does not wait any more"
            yield Broken("dependents-known", f"{upstream} {dependent}", f"{dependent} {state} for {upstream}")


def schedules_in_force(facts: Facts, calm: Calm) -> Iterator[Broken]:
    """One for each cron in force, one for each open promise of an SLA, and no other."""
    crons: dict[str, list[tuple[Any, Any]]] = {}
    looks: dict[tuple[str, str], list[str]] = {}
    for definition in facts.rest.schedules.values():
        target = json.loads(_target(definition)["Input"])
        if target.get("source") == "interlock.cron":
            timing = definition["ScheduleExpression"], definition.get("ScheduleExpressionTimezone")
            crons.setdefault(target["pipelineId"], []).append(timing)
        else:
            run = target["run"]
            row = f"DUE#{target['kind']}#{run['scheduleId']}#{run['date']}"
            place = keys.partition(run["pipelineId"]), row
            looks.setdefault(place, []).append(str(definition["ScheduleExpression"]))
    yield from _crons(facts, calm, crons)
    yield from _looks(facts, calm, looks)


def _crons(facts: Facts, calm: Calm, crons: Mapping[str, list[tuple[Any, Any]]]) -> Iterator[Broken]:
    wanted = {
        pipeline.id: [(aws_cron(pipeline.schedule.cron), pipeline.schedule.timezone)]
        for pipeline in _in_force(facts).values()
        if pipeline.schedule.cron and not pipeline.dry_run
    }
    for pipeline_id in sorted(wanted.keys() | crons.keys()):
        found, asked = crons.get(pipeline_id, []), wanted.get(pipeline_id, [])
        if found != asked and not calm.is_meddled_with(pipeline_id):
            yield Broken("schedules-in-force", pipeline_id, f"its cron schedules are {found}, not {asked}")


def _looks(facts: Facts, calm: Calm, looks: Mapping[tuple[str, str], list[str]]) -> Iterator[Broken]:
    """Where mirroring failed, the watchdog makes good for it, which looks at the row when it is due."""
    rows, undelivered = facts.rest.tables["control"], Undelivered(facts)
    open_rows = {key for key, row in rows.items() if key[1].startswith(_SLAS) and "dueAt" in row}
    for key in sorted(open_rows | looks.keys()):
        pipeline_id = keys.pipeline_of(key[0]) or ""
        if calm.is_meddled_with(pipeline_id) or _mirroring_failed(facts, facts.past_of(key)[-1], undelivered):
            continue
        found, row = looks.get(key, []), rows.get(key, {})
        due_at = datetime.fromtimestamp(float(row["dueAt"]) / 1000, UTC) if key in open_rows else None
        if due_at is None:
            yield Broken("schedules-in-force", " ".join(key), f"has a one-shot, {found}, and is not open")
        elif len(found) != 1 or not -_SOON <= _instant(found[0]) - due_at <= _SOON:
            yield Broken(
                "schedules-in-force", " ".join(key), f"is due at {clock(due_at)}; its one-shots are {found}"
            )


def _mirroring_failed(facts: Facts, last: Change, undelivered: Undelivered) -> bool:
    """Of the row's last write nobody heard, or whoever should have mirrored it was disturbed."""
    mirrors = ("stream-router", "sla-monitor")
    later = (one for one in facts.witness.invocations if one.began > last.order)
    return undelivered.is_unheard(last) or any(one.struck and one.function in mirrors for one in later)


def _instant(expression: str) -> datetime:
    return datetime.fromisoformat(expression.removeprefix("at(").removesuffix(")")).replace(tzinfo=UTC)


def _target(definition: Mapping[str, Any]) -> Mapping[str, Any]:
    target: Mapping[str, Any] = definition["Target"]
    return target

"""A pipeline as canonical JSON, the form that `CONFIG` keeps, and back. On the path of every stream record.

The JSON reads like the user's YAML; durations are seconds. The same pipeline always gives the same text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from interlock.domain.pipeline import (
    AllOf,
    AnyOf,
    AtLeast,
    Check,
    Deadline,
    Evaluation,
    Exclude,
    Include,
    Job,
    JobPool,
    JobType,
    Match,
    Not,
    OnTimeout,
    Pipeline,
    PostRun,
    Rule,
    RuleNode,
    Schedule,
    Sla,
    Start,
    Trigger,
    UpstreamDate,
    UpstreamRule,
    Validation,
)


class StoredPipelineUnreadable(ValueError):
    """The stored text is not one that `encode_pipeline` wrote."""


def encode_pipeline(pipeline: Pipeline) -> str:
    """Canonical JSON: sorted keys, no blanks, every default written out."""
    plain = {
        "id": pipeline.id,
        "owner": pipeline.owner,
        "description": pipeline.description,
        "runbook": pipeline.runbook,
        "schedule": _plain_schedule(pipeline.schedule),
        "match": pipeline.validation.match,
        "rules": _plain_rules(pipeline.validation.rules),
        "job": _plain_job(pipeline.job),
        "sla": pipeline.sla and _plain_sla(pipeline.sla),
        "postRun": pipeline.post_run and _plain_post_run(pipeline.post_run),
        "dryRun": pipeline.dry_run,
    }
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def decode_pipeline(text: str) -> Pipeline:
    """The pipeline of `encode_pipeline`'s text; raises `StoredPipelineUnreadable`."""
    try:
        return _pipeline(json.loads(text))
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        InvalidOperation,
        OverflowError,
        RecursionError,
    ) as error:
        raise StoredPipelineUnreadable(f"not a stored pipeline: {type(error).__name__}: {error}") from error


def _seconds(duration: timedelta | None) -> int | float | None:
    if duration is None:
        return None
    seconds, rest = divmod(duration, timedelta(seconds=1))
    return duration.total_seconds() if rest else seconds


def _duration(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def _plain_rule(node: RuleNode) -> dict[str, Any]:
    match node:
        case Rule(key=key, check=check, field=field, value=value):
            wanted = _seconds(value) if isinstance(value, timedelta) else value
            return {"key": key, "check": check, "field": field, "value": wanted}
        case UpstreamRule(pipeline_id=pipeline_id, date=run_date):
            return {"pipeline": pipeline_id, "check": "succeeded", "date": run_date}
        case AllOf(rules=rules):
            return {"all": _plain_rules(rules)}
        case AnyOf(rules=rules):
            return {"any": _plain_rules(rules)}
        case AtLeast(count=count, rules=rules):
            return {"atLeast": count, "of": _plain_rules(rules)}
        case Not(rule=rule):
            return {"not": _plain_rule(rule)}


def _plain_rules(nodes: tuple[RuleNode, ...]) -> list[dict[str, Any]]:
    return [_plain_rule(node) for node in nodes]


_AGES = frozenset({Check.AGE_LT, Check.AGE_GT})
_CHECKS = {str(check): check for check in Check}  # several times faster than Check(text), and rules are many


def _rule(plain: Mapping[str, Any]) -> Rule:
    check, value = _CHECKS[plain["check"]], plain["value"]
    if check in _AGES:
        value = _duration(value)
    elif check is Check.IN:
        value = tuple(value)
    return Rule(plain["key"], check, plain["field"], value)


def _node(plain: Mapping[str, Any]) -> RuleNode:
    if "key" in plain:
        return _rule(plain)
    if "all" in plain:
        return AllOf(_nodes(plain["all"]))
    if "any" in plain:
        return AnyOf(_nodes(plain["any"]))
    if "atLeast" in plain:
        return AtLeast(plain["atLeast"], _nodes(plain["of"]))
    if "pipeline" in plain:
        return UpstreamRule(plain["pipeline"], UpstreamDate(plain["date"]))
    return Not(_node(plain["not"]))


def _nodes(plain: list[dict[str, Any]]) -> tuple[RuleNode, ...]:
    return tuple([_node(one) for one in plain])


def _plain_deadline(deadline: Deadline | None) -> str | None:
    if deadline is None:
        return None
    return f"{'' if deadline.hour is None else format(deadline.hour, '02')}:{deadline.minute:02}"


def _deadline(text: str | None) -> Deadline | None:
    if text is None:
        return None
    hour, minute = text.split(":")
    return Deadline(int(minute), int(hour) if hour else None)


def _plain_dates(dates: tuple[date, ...]) -> list[str]:
    return [day.isoformat() for day in dates]


def _dates(texts: list[str]) -> tuple[date, ...]:
    return tuple([date.fromisoformat(text) for text in texts])


def _plain_schedule(schedule: Schedule) -> dict[str, Any]:
    trigger, include, exclude = schedule.trigger, schedule.include, schedule.exclude
    return {
        "cron": schedule.cron,
        "timezone": schedule.timezone,
        "trigger": trigger and {**_plain_rule(trigger.rule), "deadline": _plain_deadline(trigger.deadline)},
        "start": schedule.start,
        "include": include and {"dates": _plain_dates(include.dates), "calendar": include.calendar},
        "exclude": exclude
        and {
            "weekends": exclude.weekends,
            "days": exclude.days,
            "dates": _plain_dates(exclude.dates),
            "calendar": exclude.calendar,
            "holidays": exclude.holidays,
        },
        "time": schedule.time and schedule.time.isoformat(),
        "window": _seconds(schedule.evaluation.window),
        "interval": _seconds(schedule.evaluation.interval),
    }


def _schedule(plain: Mapping[str, Any]) -> Schedule:
    trigger, include, exclude, at = plain["trigger"], plain["include"], plain["exclude"], plain["time"]
    return Schedule(
        cron=plain["cron"],
        timezone=plain["timezone"],
        trigger=trigger and Trigger(_rule(trigger), _deadline(trigger["deadline"])),
        start=Start(plain["start"]),
        include=include and Include(_dates(include["dates"]), include["calendar"]),
        exclude=exclude
        and Exclude(
            weekends=exclude["weekends"],
            days=tuple(exclude["days"]),
            dates=_dates(exclude["dates"]),
            calendar=exclude["calendar"],
            holidays=exclude["holidays"],
        ),
        time=None if at is None else time.fromisoformat(at),
        evaluation=Evaluation(timedelta(seconds=plain["window"]), timedelta(seconds=plain["interval"])),
    )


def _plain_job(job: Job) -> dict[str, Any]:
    return {
        "type": job.type,
        "config": job.config,
        "maxRetries": job.max_retries,
        "maxCodeRetries": job.max_code_retries,
        "maxDriftReruns": job.max_drift_reruns,
        "maxManualReruns": job.max_manual_reruns,
        "retryBackoff": _seconds(job.retry_backoff),
        "pollWindow": _seconds(job.poll_window),
        "onTimeout": job.on_timeout,
        "idempotent": job.idempotent,
        "maxConcurrentRuns": job.max_concurrent_runs,
        "pool": job.pool and {"name": job.pool.name, "slots": job.pool.slots},
    }


def _job(plain: Mapping[str, Any]) -> Job:
    pool = plain.get("pool")
    return Job(
        type=JobType(plain["type"]),
        config=plain["config"],
        max_retries=plain["maxRetries"],
        max_code_retries=plain["maxCodeRetries"],
        max_drift_reruns=plain["maxDriftReruns"],
        max_manual_reruns=plain["maxManualReruns"],
        retry_backoff=timedelta(seconds=plain["retryBackoff"]),
        poll_window=timedelta(seconds=plain["pollWindow"]),
        on_timeout=OnTimeout(plain["onTimeout"]),
        idempotent=plain["idempotent"],
        # Texts that were written before there were limits have none.
        max_concurrent_runs=plain.get("maxConcurrentRuns"),
        pool=JobPool(pool["name"], pool["slots"]) if pool else None,
    )


def _plain_sla(sla: Sla) -> dict[str, Any]:
    return {
        "deadline": _plain_deadline(sla.deadline),
        "dayOffset": sla.day_offset,
        "expectedDuration": _seconds(sla.expected_duration),
        "maxDuration": _seconds(sla.max_duration),
        "timezone": sla.timezone,
        "critical": sla.critical,
    }


def _sla(plain: Mapping[str, Any]) -> Sla:
    return Sla(
        deadline=_deadline(plain["deadline"]),
        day_offset=plain["dayOffset"],
        expected_duration=_duration(plain["expectedDuration"]),
        max_duration=_duration(plain["maxDuration"]),
        timezone=plain["timezone"],
        critical=plain["critical"],
    )


def _plain_post_run(post_run: PostRun) -> dict[str, Any]:
    return {
        "rules": _plain_rules(post_run.rules),
        "driftField": post_run.drift_field,
        "driftThreshold": str(post_run.drift_threshold),
        "driftThresholdIsPercent": post_run.drift_threshold_is_percent,
        "sensorTimeout": _seconds(post_run.sensor_timeout),
    }


def _post_run(plain: Mapping[str, Any]) -> PostRun:
    return PostRun(
        rules=_nodes(plain["rules"]),
        drift_field=plain["driftField"],
        drift_threshold=Decimal(plain["driftThreshold"]),
        drift_threshold_is_percent=plain["driftThresholdIsPercent"],
        sensor_timeout=timedelta(seconds=plain["sensorTimeout"]),
    )


def _pipeline(plain: Mapping[str, Any]) -> Pipeline:
    sla, post_run = plain["sla"], plain["postRun"]
    return Pipeline(
        id=plain["id"],
        owner=plain["owner"],
        description=plain["description"],
        runbook=plain["runbook"],
        schedule=_schedule(plain["schedule"]),
        validation=Validation(Match(plain["match"]), _nodes(plain["rules"])),
        job=_job(plain["job"]),
        sla=sla and _sla(sla),
        post_run=post_run and _post_run(post_run),
        dry_run=plain["dryRun"],
    )

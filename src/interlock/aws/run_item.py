"""The `RUN#` row and back: `dict[str, Any]` stops here. Instants are ISO 8601 text in UTC."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from interlock.aws import keys
from interlock.aws.table import Item
from interlock.domain.bad_input import BadInput
from interlock.domain.event import Announcement, EventType
from interlock.domain.readiness import RuleVerdict
from interlock.domain.run import FailureCategory, JobEnd, Outcome, Run, RunStatus, StartIntent

Kind = TypeVar("Kind")

# A run that has ended is remembered for a year and a month: a yearly one finds its `previous`, and what is late by a year
# is late data. Afterwards the date is one that never ran. An open run is never forgotten.
RUN_KEPT = timedelta(days=400)


class RowInvalid(BadInput):
    """A row of ours that somebody else has written over."""


def instant_text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_instant_text(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def plain(value: Any) -> Any:
    """Numbers as Python ints and floats again, so that JSON can carry them; sets as lists."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return {str(name): plain(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(member) for member in value]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(member) for member in value), key=str)
    return value


def storable(value: Any) -> Any:
    """What DynamoDB takes: no float (as Decimal), no empty difference between tuple and list."""
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, Mapping):
        return {str(name): storable(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [storable(member) for member in value]
    return value


def _verdict_item(verdict: RuleVerdict) -> dict[str, Any]:
    item = {
        "key": verdict.key,
        "rule": verdict.rule,
        "holds": verdict.holds,
        "reason": verdict.reason,
        "seen": storable(verdict.seen),
        "wanted": storable(verdict.wanted),
    }
    if verdict.since:
        item["since"] = instant_text(verdict.since)
    if verdict.members:
        item["members"] = [_verdict_item(member) for member in verdict.members]
    return item


def _verdict(item: Mapping[str, Any]) -> RuleVerdict:
    return RuleVerdict(
        key=item["key"],
        rule=item["rule"],
        holds=item["holds"],
        reason=item["reason"],
        seen=plain(item.get("seen")),
        wanted=plain(item.get("wanted")),
        since=parse_instant_text(item["since"]) if item.get("since") else None,
        members=tuple(_verdict(member) for member in item.get("members", ())),
    )


def announcement_item(announcement: Announcement) -> dict[str, Any]:
    item: dict[str, Any] = {
        "type": str(announcement.type),
        "message": announcement.message,
        "at": instant_text(announcement.at),
        "detail": storable(announcement.detail),
    }
    if announcement.attempt is not None:
        item["attempt"] = announcement.attempt
    return item


def read_announcement(item: Mapping[str, Any]) -> Announcement:
    attempt = item.get("attempt")
    return Announcement(
        type=EventType(item["type"]),
        message=_a(str, item["message"]),
        at=parse_instant_text(item["at"]),
        attempt=None if attempt is None else int(attempt),
        detail=plain(_a(dict, item.get("detail") or {})),
    )


def _outcome_item(outcome: Outcome) -> dict[str, Any]:
    return {
        "end": str(outcome.end),
        "error": outcome.error,
        "category": outcome.category and str(outcome.category),
        "report": storable(outcome.report),
        "exhausted": outcome.exhausted,
        "mayLive": outcome.may_live,
        "startUnknown": outcome.start_unknown,
    }


def _outcome(item: Mapping[str, Any]) -> Outcome:
    return Outcome(
        end=JobEnd(item["end"]),
        error=_text(item, "error"),
        category=FailureCategory(item["category"]) if item.get("category") else None,
        report=plain(_a(dict, item.get("report") or {})),
        exhausted=bool(item.get("exhausted")),
        may_live=bool(item.get("mayLive")),
        start_unknown=bool(item.get("startUnknown")),
    )


def _written(name: str, value: Any) -> Any:
    match value:
        case datetime():
            return instant_text(value)
        case StartIntent():
            return {
                "attempt": value.attempt,
                "at": instant_text(value.at),
                "jobType": value.job_type,
                "config": value.config,
            }
        case Outcome():
            return _outcome_item(value)
        case RunStatus():
            return str(value)
    if name == "verdicts":
        return [_verdict_item(verdict) for verdict in value]
    if name == "events":
        return [announcement_item(event) for event in value]
    return storable(value)


def _attribute(field_name: str) -> str:
    first, *others = field_name.split("_")
    return first + "".join(part.capitalize() for part in others)


# `status` and the like are DynamoDB words: the table layer aliases every name.
_ATTRIBUTES = {field.name: _attribute(field.name) for field in fields(Run) if field.name != "key"}


def run_item(run: Run) -> Item:
    """The whole row; absent values are left out."""
    partition_key, sort_key = keys.run_key(run.key)
    item: Item = {"PK": partition_key, "SK": sort_key}
    for name, attribute in _ATTRIBUTES.items():
        value = getattr(run, name)
        if value is not None and value != () and value != {}:
            item[attribute] = _written(name, value)
    if not run.is_open:
        item["ttl"] = int((run.updated_at + RUN_KEPT).timestamp())
    return item


def read_run(item: Mapping[str, Any]) -> Run:
    """The row as a `Run`; `RowInvalid` when it is not one of ours."""
    try:
        return _read_run(item)
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise RowInvalid(f"{str(item.get('SK'))[:200]!r} is not a run's row: {str(error)[:200]}") from error


def _read_run(item: Mapping[str, Any]) -> Run:
    def when(attribute: str) -> datetime | None:
        text = item.get(attribute)
        return parse_instant_text(text) if text else None

    intent = item.get("intent")
    return Run(
        key=keys.parse_run_key(item["PK"], item["SK"]),
        status=RunStatus(item["status"]),
        attempt=whole_number(item["attempt"]),
        version=whole_number(item["version"]),
        created_at=parse_instant_text(item["createdAt"]),
        updated_at=parse_instant_text(item["updatedAt"]),
        execution_count=int(item["executionCount"]),
        execution_name=_a(str, item["executionName"]),
        confirmed=bool(item.get("confirmed")),
        window_ends_at=parse_instant_text(item["windowEndsAt"]),
        opened_by=_a(str, item["openedBy"]),
        task_token=_text(item, "taskToken"),
        token_for=_text(item, "tokenFor"),
        verdicts=tuple(_verdict(verdict) for verdict in item.get("verdicts", ())),
        intent=_intent(intent) if intent else None,
        refused_since=when("refusedSince"),
        refusal=_text(item, "refusal"),
        job_type=_text(item, "jobType"),
        handle=plain(_a(dict, item["handle"])) if item.get("handle") else None,
        asked_with=plain(_a(dict, item.get("askedWith") or {})),
        stopping=plain(_a(dict, item.get("stopping") or {})),
        remote_id=_text(item, "remoteId"),
        pools=tuple(str(name) for name in _a(list, item.get("pools") or [])),
        slot_turn=whole_number(item.get("slotTurn", Decimal(0))),
        slots_at=when("slotsAt"),
        synchronous=bool(item.get("synchronous")),
        started_at=when("startedAt"),
        job_ends_by=when("jobEndsBy"),
        outcome=_outcome(item["outcome"]) if item.get("outcome") else None,
        seen=plain(_a(dict, item.get("seen") or {})),
        retries=int(item.get("retries", 0)),
        code_retries=int(item.get("codeRetries", 0)),
        manual_reruns=int(item.get("manualReruns", 0)),
        drift_reruns=int(item.get("driftReruns", 0)),
        last_request=_text(item, "lastRequest"),
        retry_at=when("retryAt"),
        alerted=bool(item.get("alerted")),
        succeeded_at=when("succeededAt"),
        first_succeeded_at=when("firstSucceededAt"),
        told=tuple(str(fact) for fact in _a(list, item.get("told") or [])),
        post_run_verdict=_text(item, "postRunVerdict"),
        dry_run=bool(item.get("dryRun")),
        events=tuple(read_announcement(event) for event in item.get("events", ())),
    )


def whole_number(value: Any) -> int:
    """Of a row that conditional writes compare: in another form than ours each of them would be lost, to nobody."""
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)) or value != int(value):
        raise TypeError(f"{type(value).__name__} where a whole number is expected")
    return int(value)


def _intent(item: Mapping[str, Any]) -> StartIntent:
    at, job_type, config = parse_instant_text(item["at"]), _a(str, item["jobType"]), _a(str, item["config"])
    if not isinstance(json.loads(config), dict):
        raise TypeError("intent.config is no mapping")
    intent = StartIntent(int(item["attempt"]), at, job_type, config)
    if _written("intent", intent) != item:
        raise ValueError("intent is not as we write it")
    return intent


def _text(item: Mapping[str, Any], attribute: str) -> str | None:
    value = item.get(attribute)
    return None if value is None else _a(str, value)


def _a(kind: type[Kind], value: Any) -> Kind:
    if not isinstance(value, kind):
        raise TypeError(f"{type(value).__name__} where {kind.__name__} is expected")
    return value

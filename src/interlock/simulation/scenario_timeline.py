"""Reads what the outside world does: the timeline's entries, and how jobs end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import yaml

from interlock.aws.attribute_value import Unstorable, as_stored
from interlock.domain.run import FailureCategory, JobEnd
from interlock.simulation.config_files import config_text, pipeline_id_of
from interlock.simulation.faults import INDEX_CALL, STALE, STALL
from interlock.simulation.invocations import TIME_LIMITS
from interlock.simulation.item_size import LARGEST_ITEM, item_size
from interlock.simulation.place import Place
from interlock.simulation.scenario import (
    DEFAULT_ERROR,
    Action,
    Batch,
    Channel,
    Delay,
    Drop,
    Duplicate,
    Entry,
    Fault,
    Insight,
    JobPlay,
    JobResult,
    Pause,
    PutConfig,
    Raw,
    Redeliver,
    Redrive,
    RemoveConfig,
    RemoveRerunRequest,
    RemoveSensor,
    Report,
    Rerun,
    Sensor,
    SetEnv,
    SetSecrets,
    SparkPart,
    StopExecution,
)

_FAULT_FIELDS = ("pipeline", "times", "when", "error", "function", "skip", "lasts", "for")
_REPORT_FIELDS = ("recordsProcessed", "durationSeconds", "metrics")
_SCHEDULES = ("cron", "stream")
_KEYS = ("PK", "SK")
_TABLES = ("control", "joblog", "rerun")
_MOST = 1_000_000
_LARGEST_BATCH = 10_000  # https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html


def read_timeline(place: Place, start: datetime) -> list[Entry]:
    """The entries in the order in which they happen: of time, then of the file."""
    entries = [entry for item in place.items() if (entry := _read_entry(item, start)) is not None]
    return sorted(entries, key=lambda entry: entry.at)


def _read_entry(place: Place, start: datetime) -> Entry | None:
    told = len(place.findings.mistakes)
    fields = place.fields(("at", *_ACTIONS), required=("at",))
    kinds = [name for name in fields if name != "at"]
    if len(kinds) != 1:
        if place.is_mapping() and (kinds or len(place.findings.mistakes) == told):
            found = f"has {' and '.join(kinds)}" if kinds else "does nothing"
            place.wrong(f"{found}; write exactly one of {', '.join(_ACTIONS)}")
        return None
    at = fields["at"].instant(start) if "at" in fields else start
    if at < start:
        fields["at"].wrong("is before start; the clock does not go back")
    return Entry(max(at, start), _ACTIONS[kinds[0]](fields[kinds[0]]))


@dataclass(frozen=True, slots=True)
class _Fields:
    """The fields of one mapping; what is missing reads as empty, and has been noted."""

    of: Mapping[str, Place]

    def text(self, name: str) -> str:
        return self.of[name].text() if name in self.of else ""

    def optional(self, name: str) -> str | None:
        return self.of[name].text() if name in self.of else None

    def flag(self, name: str) -> bool:
        return name in self.of and self.of[name].flag()

    def whole(self, name: str, otherwise: int, *, lowest: int = 1, highest: int = _MOST) -> int:
        return self.of[name].whole(lowest, highest) if name in self.of else otherwise

    def duration(self, name: str) -> timedelta | None:
        """Longer than nothing; None where it is left out."""
        if name not in self.of:
            return None
        told, place = len(self.of[name].findings.mistakes), self.of[name]
        found = place.duration()
        if not found and len(place.findings.mistakes) == told:
            place.wrong("is no time at all; write 30s, 5m or 1h30m")
        return found

    def schedule(self) -> str | None:
        return self.of["schedule"].one_of(_SCHEDULES) if "schedule" in self.of else None

    def values(self, *names: str) -> dict[str, Any]:
        return {name: self.of[name].value() for name in names if name in self.of}


def _fields(place: Place, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> _Fields:
    return _Fields(place.fields((*required, *optional), required))


def _sensor(place: Place) -> Sensor:
    fields = _fields(place, ("pipeline", "key", "data"), ("flat",))
    data = fields.of["data"].value() if "data" in fields.of else {}
    if not isinstance(data, dict):
        fields.of["data"].wrong("is no mapping; write the reading's fields, or use raw to try garbage")
        data = {}
    _must_be_storable(place, data)
    return Sensor(fields.text("pipeline"), fields.text("key"), data, fields.flag("flat"))


def _remove_sensor(place: Place) -> RemoveSensor:
    fields = _fields(place, ("pipeline", "key"))
    return RemoveSensor(fields.text("pipeline"), fields.text("key"))


def _rerun(place: Place) -> Rerun:
    written = ("reason", "requestedBy", "force")
    fields = _fields(place, ("pipeline", "date"), ("schedule", *written))
    _must_be_storable(place, values := fields.values(*written))
    return Rerun(fields.text("pipeline"), fields.text("date"), fields.schedule(), values)


def _remove_rerun_request(place: Place) -> RemoveRerunRequest:
    fields = _fields(place, ("pipeline", "date"), ("schedule",))
    return RemoveRerunRequest(fields.text("pipeline"), fields.text("date"), fields.schedule())


def _stop_execution(place: Place) -> StopExecution:
    fields = _fields(place, ("pipeline", "date"), ("schedule",))
    return StopExecution(fields.text("pipeline"), fields.text("date"), fields.schedule())


def _report(place: Place) -> Report:
    written = ("error", "category", *_REPORT_FIELDS)
    fields = _fields(place, ("pipeline", "date", "event"), ("schedule", "runId", "attempt", *written))
    _must_be_storable(place, values := fields.values(*written))
    return Report(
        pipeline_id=fields.text("pipeline"),
        date=fields.text("date"),
        end=fields.of["event"].choice(JobEnd) if "event" in fields.of else JobEnd.SUCCESS,
        schedule_id=fields.schedule(),
        attempt=fields.of["attempt"].whole(0, 999_999) if "attempt" in fields.of else None,
        run_id=fields.optional("runId"),
        fields=values,
    )


def _config(place: Place) -> PutConfig:
    if isinstance(place.node, yaml.MappingNode) and any(key.value == "text" for key, _ in place.node.value):
        fields = _fields(place, ("text",), ("file",))
        text = fields.of["text"].text(longest=_MOST) if "text" in fields.of else ""
        return PutConfig(text.encode(), fields.optional("file"), None)
    if not place.is_mapping():
        place.wrong("is no mapping; write a pipeline config, or {text: ..., file: name.yaml}")
    return PutConfig(config_text(place.node), None, pipeline_id_of(place.node))


def _remove_config(place: Place) -> RemoveConfig:
    return RemoveConfig(place.text())


def _raw(place: Place) -> Raw:
    fields = _fields(place, ("table", "item"))
    item = fields.of["item"].value() if "item" in fields.of else {}
    if not isinstance(item, dict):
        fields.of["item"].wrong("is no mapping; write an item")
        item = {}
    elif "item" in fields.of and not all(isinstance(item.get(key), str) and item[key] for key in _KEYS):
        fields.of["item"].wrong("lacks its keys; DynamoDB takes no item without a text as PK and as SK")
    _must_be_storable(place, item)
    return Raw(fields.of["table"].one_of(_TABLES) if "table" in fields.of else "control", item)


def _must_be_storable(place: Place, values: Mapping[str, Any]) -> None:
    try:
        size = item_size(as_stored(values))
    except Unstorable as error:
        place.wrong(f"holds {error}; DynamoDB does not take it")
        return
    if size > LARGEST_ITEM:
        place.wrong(f"is larger than the {LARGEST_ITEM // 1024} KB that DynamoDB takes; shorten it")


def _fault(place: Place) -> Fault:
    fields = _fields(place, ("call",), _FAULT_FIELDS)
    call = fields.text("call")
    if "call" in fields.of and len(call.split(".")) < 2:
        fields.of["call"].wrong(
            "is no call; write dynamodb.PutItem, states.StartExecution, glue.StartJobRun ..."
        )
    error = fields.optional("error") or DEFAULT_ERROR
    if (error == STALL) != ("for" in fields.of):
        place.wrong(
            "a stall lacks how long it is; add for: 20s" if error == STALL else "for is of error: stall alone"
        )
    if error == STALE:
        _must_be_of_the_index(place, call, fields)
    return Fault(
        call=call.replace("states.", "stepfunctions.", 1) if call.startswith("states.") else call,
        error=error,
        after="when" in fields.of and fields.of["when"].one_of(("before", "after")) == "after",
        times=fields.whole("times", 1),
        pipeline_id=fields.optional("pipeline"),
        function=fields.of["function"].one_of(tuple(TIME_LIMITS)) if "function" in fields.of else None,
        skip=fields.whole("skip", 0, lowest=0),
        lasts=fields.duration("lasts"),
        stalls_for=fields.duration("for") or timedelta(0),
    )


def _must_be_of_the_index(place: Place, call: str, fields: _Fields) -> None:
    if "call" in fields.of and call != INDEX_CALL:
        fields.of["call"].wrong(f"is consistent; only {INDEX_CALL}, of the index `due`, may be stale")
    for name in ("when", "pipeline"):
        if name in fields.of:
            place.wrong(f"{name} says nothing of a stale answer, which is of the whole index; remove it")


def _redeliver(place: Place) -> Redeliver:
    fields = _fields(place, (), ("last", "all", "reverse"))
    everything = fields.flag("all")
    if place.is_mapping() and everything == ("last" in fields.of):
        place.wrong("write either last: n or all: true")
    last = fields.of["last"].whole(1, _MOST) if "last" in fields.of else None
    return Redeliver(None if everything else last, fields.flag("reverse"))


def _drop(place: Place) -> Drop:
    fields = _fields(place, ("next",), ("what",))
    what = fields.of["what"].one_of(("stream", "job_event")) if "what" in fields.of else "stream"
    return Drop(fields.of["next"].whole(1, _MOST) if "next" in fields.of else 1, what == "job_event")


def _delay(place: Place) -> Delay:
    fields = _fields(place, ("what", "by"), ("next", "pipeline"))
    by = fields.duration("by") or timedelta(0)
    return Delay(_channel(fields), by, fields.whole("next", 1), fields.optional("pipeline"))


def _duplicate(place: Place) -> Duplicate:
    fields = _fields(place, ("what",), ("next", "after", "pipeline"))
    after = fields.of["after"].duration() if "after" in fields.of else timedelta(0)
    return Duplicate(_channel(fields), fields.whole("next", 1), after, fields.optional("pipeline"))


def _channel(fields: _Fields) -> Channel:
    return fields.of["what"].choice(Channel) if "what" in fields.of else Channel.STREAM


def _batch(place: Place) -> Batch:
    return Batch(_fields(place, ("size",)).whole("size", 1, highest=_LARGEST_BATCH))


def _redrive(place: Place) -> Redrive:
    if place.value() is not True:
        place.wrong("does nothing; write redrive: true")
    return Redrive()


def _pause(what: str) -> Callable[[Place], Pause]:
    return lambda place: Pause(what, _fields(place, ("pause",)).flag("pause"))


def _words(place: Place) -> dict[str, str]:
    return {name: value.text(longest=65536) for name, value in place.entries()}


_ACTIONS: Mapping[str, Callable[[Place], Action]] = {
    "sensor": _sensor,
    "remove_sensor": _remove_sensor,
    "rerun": _rerun,
    "remove_rerun_request": _remove_rerun_request,
    "stop_execution": _stop_execution,
    "report": _report,
    "config": _config,
    "remove_config": _remove_config,
    "raw": _raw,
    "fault": _fault,
    "redeliver": _redeliver,
    "drop": _drop,
    "delay": _delay,
    "duplicate": _duplicate,
    "batch": _batch,
    "redrive": _redrive,
    "watchdog": _pause("watchdog"),
    "scheduler": _pause("scheduler"),
    "secrets": lambda place: SetSecrets(_words(place)),
    "env": lambda place: SetEnv(_words(place)),
}


def read_plays(place: Place) -> tuple[JobPlay, ...]:
    """What becomes of a pipeline's starts, one after the other."""
    plays = tuple(_play(item) for item in place.items())
    if place.is_list() and not plays:
        place.wrong("is empty; write at least one outcome, or leave the pipeline out")
    return plays or (JobPlay(),)


def _play(place: Place) -> JobPlay:
    told = ("error", *_REPORT_FIELDS, "event", "state", "answer", "insight")
    fields = _Fields(place.fields(("outcome", "after", "category", *told, "refuse")))
    others = [name for name in fields.of if name != "refuse"]
    if "refuse" in fields.of and others:
        place.wrong(f"refuse stands alone; remove {', '.join(others)}")
    _must_be_storable(place, report := fields.values(*_REPORT_FIELDS))
    answer = fields.values("answer").get("answer")
    if answer is not None and not isinstance(answer, dict):
        fields.of["answer"].wrong("is no mapping; write what the target answers, such as {statusCode: 500}")
        answer = None
    return JobPlay(
        result=fields.of["outcome"].choice(JobResult) if "outcome" in fields.of else JobResult.SUCCEED,
        after=fields.of["after"].duration() if "after" in fields.of else timedelta(minutes=10),
        category=fields.of["category"].choice(FailureCategory) if "category" in fields.of else None,
        error=fields.optional("error"),
        report=report,
        sends_event="event" not in fields.of or fields.of["event"].flag(),
        state=fields.optional("state"),
        answer=answer,
        refuse=fields.optional("refuse"),
        insight=_insight(fields.of["insight"]) if "insight" in fields.of else None,
    )


def _insight(place: Place) -> Insight:
    fields = _fields(place, ("failed", "reason"))
    failed = fields.of["failed"].choice(SparkPart) if "failed" in fields.of else SparkPart.JOB
    return Insight(failed, fields.text("reason"))

"""One world: what is declared, written, upset and hit in its corner of the stack, made from a seed alone."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import Any

from embedded_torture.faults import Fault, planned

DATES = ("2026-03-01", "2026-03-02")
TRIGGER = {"key": "upstream", "check": "equals", "field": "status", "value": "done"}
WRITING_SECONDS = 30.0  # after that nobody outside does anything more
POLL_WINDOW_SECONDS = 60  # the shortest there is

_JOB_TYPES = {
    "glue": 6,
    "emr": 3,
    "emr-serverless": 3,
    "step-function": 3,
    "lambda": 2,
    "http": 2,
    "command": 2,
    "databricks": 1,
    "airflow": 1,
}
_POLLED = ("databricks", "airflow")  # of whose end nobody tells
_ENDINGS = {"succeed": 12, "fail": 5, "hang": 1}
# What a rule wants, and a reading with which it does and one with which it does not.
_RULES: tuple[tuple[dict[str, Any], dict[str, Any], dict[str, Any]], ...] = (
    ({"key": "orders", "check": "gte", "field": "count", "value": 1000}, {"count": 1200}, {"count": 900}),
    ({"key": "quality", "check": "equals", "field": "ok", "value": True}, {"ok": True}, {"ok": False}),
    (
        {"key": "region", "check": "in", "field": "name", "value": ["eu", "us"]},
        {"name": "eu"},
        {"name": "xx"},
    ),
    ({"key": "lag", "check": "lt", "field": "seconds", "value": 60}, {"seconds": "12"}, {"seconds": 600}),
)
_GARBAGE: tuple[dict[str, Any], ...] = (
    {"SK": "SENSOR#orders"},
    {"SK": "SENSOR#orders", "data": [1, 2]},
    {"SK": "SENSOR#orders", "data": {"count": b"\xff\xfe"}},
    {"SK": "SENSOR#upstream", "data": {"status": "done", "date": "2026-02-30"}},
    {"SK": "SENSOR#upstream", "data": {"status": "done", "date": "2026-03-01", "hour": 24}},
    {"SK": "SENSOR#orders#2026-03-01", "data": {"count": 5000, "date": "2026-03-02"}},
    {"SK": "SENSOR#orders", "data": {"count": 7, "date": "2026-03-01", "updatedAt": "2999-01-01T00:00:00Z"}},
    {"SK": "RERUN_REQUEST#"},
    {"SK": "RERUN_REQUEST#stream#2026-03-01", "reason": ["a"], "force": "perhaps"},
    {"SK": "NOTICE#x", "version": {}, "events": {"a": None}},
)
_MALFORMED = "pipeline: {id: %s}\nschedule:\n  trigger: {key: upstream, chek: exists}\njob: {type: glue}\n"


@dataclass(frozen=True)
class Work:
    """What one start of a pipeline's job does."""

    ending: str  # succeed, fail or hang
    seconds: float


@dataclass(frozen=True)
class Corner:
    """One pipeline: its config without where its job runs, and what its job does at each start."""

    id: str
    number: int  # by which services know its job that know numbers alone
    config: dict[str, Any]
    works: tuple[Work, ...]  # the last also of every further start
    calls_back: bool  # the job itself writes its end into the joblog

    @property
    def ends_late(self) -> bool:
        """An end that is noticed only by a poll, or by the end of the poll window: after a minute."""
        is_polled = self.job_type in _POLLED and not self.calls_back
        return is_polled or any(work.ending == "hang" for work in self.works)

    @property
    def job_type(self) -> str:
        return str(self.config["job"]["type"])

    def work(self, start: int) -> Work:
        """Of the job's n-th start, from 1."""
        return self.works[min(start, len(self.works)) - 1]


@dataclass(frozen=True, order=True)
class Act:
    """Something that somebody outside does."""

    at: float  # seconds after the configs are known
    what: str  # write, garbage, request, record, upload, redeliver or publish
    pipeline: str
    said: dict[str, Any] = field(compare=False)

    def __str__(self) -> str:
        return f"{self.at:5.1f} s  {self.what} {self.pipeline} {self.said}"


@dataclass(frozen=True)
class WorldPlan:
    """All that is chosen of a world."""

    name: str  # w and its number
    seed: int
    corners: tuple[Corner, ...]
    acts: tuple[Act, ...]
    faults: tuple[Fault, ...]

    @property
    def ends_soon(self) -> bool:
        """It need not wait for a poll, for a poll window's end, or for an alert that its dispatcher died with."""
        late = any(corner.ends_late for corner in self.corners)
        hidden = any(fault.function == "alert-dispatcher" and fault.ends_invocation for fault in self.faults)
        return not (late or hidden)


def a_world(seed: int, number: int, pace: float = 1.0) -> WorldPlan:
    """The `number`-th world of a seed: the same wherever and beside whatever it is played.

    `pace`: what people do, and how long runs wait, takes so much of its usual time.
    """
    chosen = random.Random(seed * 1_000_003 + number)
    name = f"w{number:04d}"
    shared = {"pool": {"name": f"{name}-pool", "slots": 1}} if chosen.random() < 0.3 else {}
    corners = tuple(
        _corner(chosen, f"{name}-{letter}", number * 10 + place, shared, pace)
        for place, letter in enumerate("abc"[: chosen.randint(1, 3)], 1)
    )
    acts = sorted(act for corner in corners for act in _acts(chosen, corner))
    paced = tuple(replace(act, at=round(act.at * pace, 2)) for act in acts)
    return WorldPlan(name, seed, corners, paced, planned(chosen, name.removeprefix("w")))


def _corner(chosen: random.Random, name: str, number: int, shared: dict[str, Any], pace: float) -> Corner:
    job_type = chosen.choices(list(_JOB_TYPES), list(_JOB_TYPES.values()))[0]
    works = tuple(_work(chosen) for _ in range(chosen.randint(1, 3)))
    hangs = [work for work in works if work.ending == "hang"]
    if len(hangs) > 1 or job_type in ("http", "lambda", "command"):  # each takes the whole poll window
        works = tuple(Work("fail", 1.0) if work in hangs else work for work in works)
    calls_back = job_type in (*_POLLED, "http") and chosen.random() < 0.6
    corner = Corner(name, number, _config(chosen, name, job_type, shared, pace), works, calls_back)
    if corner.ends_late:  # one after the other, such attempts would take a quarter of an hour
        for limit in ("pool", "maxConcurrentRuns"):
            corner.config["job"].pop(limit, None)
    return corner


def _work(chosen: random.Random) -> Work:
    ending = chosen.choices(list(_ENDINGS), list(_ENDINGS.values()))[0]
    return Work(ending, round(chosen.uniform(0.1, 4.0), 1))


def _config(
    chosen: random.Random, name: str, job_type: str, shared: dict[str, Any], pace: float
) -> dict[str, Any]:
    rules = [rule for rule, _, _ in chosen.sample(_RULES, chosen.randint(0, 3))]
    if len(rules) > 1 and chosen.random() < 0.3:
        rules = [{chosen.choice(("all", "any")): rules}]
    window = round(chosen.randint(15, 40) * pace)
    config: dict[str, Any] = {
        "pipeline": {"id": name, "owner": "torture"},
        "schedule": {"trigger": TRIGGER, "evaluation": {"window": f"{window}s", "interval": "1m"}},
        "validation": {"trigger": chosen.choice(("ALL", "ALL", "ANY")) if rules else "ALL", "rules": rules},
        "job": {
            "type": job_type,
            "retryBackoff": chosen.choice(("0s", "1s", "2s")),
            "maxRetries": chosen.randint(0, 2),
            "maxCodeRetries": chosen.randint(0, 1),
            "maxDriftReruns": chosen.randint(0, 2),
            "maxManualReruns": chosen.randint(0, 2),
            "jobPollWindowSeconds": POLL_WINDOW_SECONDS,
            **(shared if chosen.random() < 0.8 else {}),
            **({"maxConcurrentRuns": 1} if chosen.random() < 0.2 else {}),
        },
    }
    if chosen.random() < 0.4:
        config["sla"] = {"maxDuration": f"{round(chosen.randint(4, 45) * pace)}s"}
    if chosen.random() < 0.35:
        audit = {"key": "audit", "check": "gte", "field": "count", "value": 100}
        config["postRun"] = {"rules": [audit], "sensorTimeout": f"{round(chosen.randint(3, 12) * pace)}s"}
    return config | ({"dryRun": True} if chosen.random() < 0.06 else {})


def _acts(chosen: random.Random, corner: Corner) -> list[Act]:
    acts: list[Act] = []
    for date in DATES[: chosen.randint(1, 2)]:
        acts += _writes(chosen, corner, date)
        if chosen.random() < 0.35:
            force = chosen.random() < 0.5
            said = {"date": date, "reason": "again, please", "force": force}
            acts.append(Act(_instant(chosen, 8, WRITING_SECONDS), "request", corner.id, said))
    if chosen.random() < 0.15:  # of today: nobody says for which day it is
        acts.append(Act(_instant(chosen, 0, 15), "write", corner.id, {"key": "upstream", "status": "done"}))
    if chosen.random() < 0.3:
        garbage = {"item": chosen.randrange(len(_GARBAGE))}
        acts.append(Act(_instant(chosen, 0, 20), "garbage", corner.id, garbage))
    if chosen.random() < 0.2:
        record = {"date": DATES[0], "event": chosen.choice(("success", "fail")), "runId": "another"}
        acts.append(Act(_instant(chosen, 1, 15), "record", corner.id, record))
    acts += _uploads(chosen, corner)
    acts += [
        Act(_instant(chosen, 3, WRITING_SECONDS), what, corner.id, {"share": round(chosen.random(), 3)})
        for what in ("redeliver", "publish")
        for _ in range(chosen.randint(0, 2))
    ]
    return acts


def _writes(chosen: random.Random, corner: Corner, date: str) -> list[Act]:
    # A plain reading is seen by the run of its date alone, and the next one overwrites it.
    suffix = f"#{date}" if chosen.random() < 0.7 else ""
    opened_at = _instant(chosen, 0, 5)
    moments = [opened_at, *(opened_at + _instant(chosen, 0.1, 8) for _ in range(_repeats(chosen)))]
    written: list[tuple[float, dict[str, Any]]]
    written = [(at, {"key": "upstream", "status": "done"}) for at in moments]
    used = str(corner.config["validation"])
    for rule, met, unmet in _RULES:
        if f"'{rule['key']}'" not in used:
            continue
        at = _instant(chosen, 0, 12)
        if chosen.random() < 0.4:
            written.append((max(0.0, at - 3), {"key": rule["key"], **unmet}))
        if chosen.random() < 0.85:
            waits = (0.0, 0.3, 2.0)[: 1 + _repeats(chosen)]
            written += [(at + wait, {"key": rule["key"], **met}) for wait in waits]
        if chosen.random() < 0.15:  # flaps
            written += [(at + 1, {"key": rule["key"], **unmet}), (at + 4, {"key": rule["key"], **met})]
    if "orders" in used and chosen.random() < 0.4:  # late
        written.append((_instant(chosen, 12, WRITING_SECONDS), {"key": "orders", "count": 2500}))
    if "postRun" in corner.config and chosen.random() < 0.7:
        count = chosen.choice((50, 100, 500))
        written.append((_instant(chosen, 6, WRITING_SECONDS), {"key": "audit", "count": count}))
    return [
        Act(round(at, 2), "write", corner.id, {**said, "key": f"{said['key']}{suffix}", "date": date})
        for at, said in written
    ]


def _uploads(chosen: random.Random, corner: Corner) -> list[Act]:
    acts = []
    if chosen.random() < 0.25:
        acts.append(Act(_instant(chosen, 2, 20), "upload", corner.id, {"description": "as it was, but new"}))
    if chosen.random() < 0.15:
        acts.append(Act(_instant(chosen, 2, 20), "upload", corner.id, {"malformed": True}))
    return acts


def garbage(number: int) -> dict[str, Any]:
    return _GARBAGE[number]


def malformed(pipeline: str) -> str:
    return _MALFORMED % pipeline


def _repeats(chosen: random.Random) -> int:
    return chosen.choice((0, 0, 1, 2))


def _instant(chosen: random.Random, first: float, last: float) -> float:
    return round(chosen.uniform(first, last), 2)

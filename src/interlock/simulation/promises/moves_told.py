"""What happens to a run is told when it happens, by the move that it is, and once (DESIGN section 6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain

from interlock.aws import keys
from interlock.domain.pipeline import Job
from interlock.domain.run import Run, RunKey
from interlock.simulation.promises.announced import Announced, RunName
from interlock.simulation.promises.calm import Calm
from interlock.simulation.promises.facts import Broken, Facts, RunChange, clock, named

_ENDS = ("JOB_COMPLETED", "JOB_FAILED", "JOB_TIMEOUT")
_BROKE = ("INFRA_FAILURE", "SFN_TIMEOUT")
_ANSWER_LATE = ("http", "lambda")  # their answer is their end, or their refusal
_REOPENED_BY_BUDGET = ("SUCCEEDED", "FAILED", "CANCELLED")


def told_once(facts: Facts, told: Sequence[Announced]) -> Iterator[Broken]:
    """For each move of each run."""
    by_change: dict[int, list[Announced]] = {}
    for one in told:
        if one.is_ours:
            by_change.setdefault(one.change.order, []).append(one)
    for key, changes in facts.runs.items():
        for change in changes:
            if change.after is not None and change.change.by is not None:
                said = by_change.get(change.change.order, []) if change.moved else []
                yield from _as_the_move_demands(facts, key, change, said)
    yield from _at_their_instants(told)
    yield from _starts(facts, told)
    yield from _recoveries(facts, told)


def _as_the_move_demands(
    facts: Facts, key: RunKey, change: RunChange, said: Sequence[Announced]
) -> Iterator[Broken]:
    types = Counter(one.type for one in said)
    before, after = change.before, change.after
    assert after is not None
    old, new = (str(before.status) if before else "no row"), str(after.status)
    dry = after.dry_run or bool(before and before.dry_run)

    def demand(name: str, *, exactly: int, what: int | None = None) -> Iterator[Broken]:
        found = types[name] if what is None else what
        if found != exactly:
            move = f"{old} -> {new} of attempt {after.attempt}"
            at = f"{clock(change.change.at)}"
            yield Broken("told-as-it-moves", named(key), f"{move}, at {at}: {found} {name}, not {exactly}")

    yield from demand("RUN_OPENED", exactly=int(change.change.old is None))
    ended = old == "RUNNING" != new and not dry
    ends = [one for one in said if one.type in _ENDS]
    yield from demand("/".join(_ENDS), exactly=int(ended), what=len(ends))
    if ended and before:
        succeeded = any(one.type == "JOB_COMPLETED" for one in ends)
        yield from demand("JOB_COMPLETED", exactly=int(new == "SUCCEEDED"), what=int(succeeded))
        wrong = [one for one in ends if one.attempt != before.attempt]
        yield from demand(f"ends of attempts other than {before.attempt}", exactly=0, what=len(wrong))
    yield from demand("JOB_RETRIED", exactly=int(ended and new == "WAITING"))
    exhausted = _wants_budget(facts, key, change, said) if ended and new == "FAILED" else False
    if exhausted is not None:
        yield from demand("RETRY_EXHAUSTED", exactly=int(exhausted))
    expired = old == "WAITING" and new == "EXPIRED"
    reasons = types["VALIDATION_EXHAUSTED"] + (sum(types[name] for name in _BROKE) if expired else 0)
    yield from demand("reasons of an expiry", exactly=int(expired), what=reasons)
    started = old == "WAITING" and new == "RUNNING"
    if not started or dry:
        yield from demand("VALIDATION_PASSED", exactly=0)
        yield from demand("JOB_TRIGGERED", exactly=0)
    yield from demand("DRY_RUN_WOULD_TRIGGER", exactly=int(started and dry))
    yield from demand("DRY_RUN_COMPLETED", exactly=int(old == "RUNNING" != new and dry))
    if old in _REOPENED_BY_BUDGET and new == "WAITING":
        yield from demand("RERUN_ACCEPTED", exactly=1)


def _wants_budget(facts: Facts, key: RunKey, change: RunChange, said: Sequence[Announced]) -> bool | None:
    """Whether the run failed for want of budget; None where it depends on when its config was read."""
    before, after, by = change.before, change.after, change.change.by
    if before is None or after is None or by is None or after.outcome is None:
        return None
    if any(one.type in _BROKE for one in said):
        return False  # no attempt follows where the workflow itself is gone
    if any(one.detail.get("jobMayStillRun") for one in said):
        return False
    answers = {
        config is not None and _spent(before, after, config.job)
        for config in facts.configs_between(key.pipeline_id, by.began, change.change.order)
    }
    return answers.pop() if len(answers) == 1 else None


def _spent(before: Run, after: Run, job: Job) -> bool:
    outcome = after.outcome
    if outcome is not None and outcome.end != "timeout" and outcome.category == "PERMANENT":
        return before.code_retries >= job.max_code_retries
    return before.retries >= job.max_retries


def _at_their_instants(told: Sequence[Announced]) -> Iterator[Broken]:
    """An event tells when it happened: while the function worked that wrote it; later versions later."""
    last: dict[tuple[str, str], Announced] = {}
    for one in told:
        if not one.is_ours or one.change.by is None or one.type == "SENSOR_INVALID":
            continue  # that tells when it was written, not when it was read
        began, at = one.change.by.began_at, one.change.at
        if not _milliseconds(began) <= one.at <= at:
            yield Broken("told-at-its-instant", str(one), f"was written at {at}, by a function since {began}")
        before = last.get(one.change.key)
        took_no_time = began == at
        if before and took_no_time and before.at > one.at and one.change.old is not None:
            yield Broken("versions-in-order", str(one), f"follows {before}")
        last[one.change.key] = one


def _milliseconds(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _starts(facts: Facts, told: Sequence[Announced]) -> Iterator[Broken]:
    """`JOB_TRIGGERED` once for each attempt whose job really started."""
    triggered: dict[str, list[Announced]] = {}
    silent_on: set[tuple[RunName, int | None]] = set()
    for one in told:
        if one.is_ours and one.type == "JOB_TRIGGERED":
            triggered.setdefault(str(one.detail.get("runId")), []).append(one)
        if one.run and (one.type == "INFRA_FAILURE" or one.detail.get("startUnknown")):
            silent_on.add((one.run, one.attempt))
    for run_id, those in triggered.items():
        if len(those) > 1:
            at = ", ".join(f"{clock(one.at)}" for one in those)
            yield Broken("triggered-once", str(those[0]), f"{len(those)} JOB_TRIGGERED of {run_id}: {at}")
    started = {start.run_id for start in facts.witness.starts}
    for run_id, those in triggered.items():
        if those[0].detail.get("jobType") in _ANSWER_LATE:
            continue  # a refusal that takes its time comes after the call was taken for a start
        if run_id not in started and not _was_reported(facts, those[0]):
            yield Broken("triggered-for-real", str(those[0]), f"no job of {run_id} was ever started")
    calm = Calm(facts)
    for start in chain.from_iterable(facts.starts.values()):
        if start.run_id in triggered or calm.is_meddled_with(start.pipeline_id):
            continue
        run = (start.pipeline_id, start.schedule_id, start.date)
        now = facts.played.runs.get(RunKey(*run))
        open_still = now is not None and now.is_open and now.run_id == start.run_id
        if not open_still and (run, start.attempt) not in silent_on:
            said = (
                f"the {start.service} job of {start.run_id} was started at {clock(start.at)}, and nobody told"
            )
            yield Broken("triggered-once", " ".join(run), said)


def _was_reported(facts: Facts, one: Announced) -> bool:
    """Somebody outside has said how it ended: then there was a job."""
    prefix = f"JOB#{one.schedule_id}#{one.date}#"
    return any(
        key[0] == f"PIPELINE#{one.pipeline_id}"
        and key[1].endswith(f"#{one.attempt}")
        and any(change.by is None and change.order < one.change.order for change in past)
        for key, past in facts.rows_ever(prefix, "joblog")
    )


def _day_of(key: RunKey) -> tuple[str, str, str]:
    return key.pipeline_id, key.schedule_id, key.date[:10]


def _recoveries(facts: Facts, told: Sequence[Announced]) -> Iterator[Broken]:
    """A completion says that it ends a trouble exactly where people were told of one, by the run or a promise of it.

    Where readings of a day and of its hours open runs of both, a clock is forgotten with the run that was not to come.
    """
    forms = {(*_day_of(key), len(key.date)) for key in facts.runs}
    troubled: set[RunName] = set()
    since: dict[RunName, int] = {}  # the place in the history of the first trouble that a row of it tells of
    for one in told:
        if one.run is None or not one.is_ours:
            continue
        if one.is_trouble:
            troubled.add(one.run)
            if not one.change.key[1].startswith(keys.RowKind.NOTICE):
                since.setdefault(one.run, one.change.order)
        if one.type == "JOB_COMPLETED":
            order = since.get(one.run)
            if order is not None and _was_gone(facts, order, one):
                order = None  # with its config its open promises went, and what they had told
            yield from _recovery(one, one.run in troubled, order, forms)


def _was_gone(facts: Facts, order: int, one: Announced) -> bool:
    return None in facts.configs_between(str(one.pipeline_id), order, one.change.order)


def _recovery(
    one: Announced, troubled: bool, since: int | None, forms: set[tuple[str, str, str, int]]
) -> Iterator[Broken]:
    assert one.run is not None
    recovered = one.detail.get("recovered") is True
    if recovered and not troubled:
        yield Broken("recovery-told", str(one), "ends a trouble that nobody was told of")
    mixed = sum((*_day_of(RunKey(*one.run)), length) in forms for length in (10, 13, 16)) > 1
    known = since is not None and one.change.by is not None and since < one.change.by.began
    if known and not recovered and not mixed:
        yield Broken("recovery-told", str(one), "does not say that it ends the trouble that was told")

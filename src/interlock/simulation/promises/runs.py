"""A run's row goes only where the design lets it go, one version at a time, and uses no more than its budgets."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from interlock.aws.run_item import plain
from interlock.aws.table import Item
from interlock.domain.pipeline import Job
from interlock.domain.run import Run, RunKey
from interlock.simulation.promises.facts import Broken, Facts, RunChange, clock, named

# DESIGN section 4, written down a second time on purpose: the first one is what is being judged.
_MOVES = {
    "WAITING": {"RUNNING", "EXPIRED", "CANCELLED"},
    "RUNNING": {"SUCCEEDED", "FAILED", "WAITING"},
    "SUCCEEDED": {"WAITING"},
    "FAILED": {"WAITING"},
    "EXPIRED": {"WAITING"},
    "CANCELLED": {"WAITING"},
}
_ENDED = ("SUCCEEDED", "FAILED", "EXPIRED", "CANCELLED")


def moves_of_the_table(facts: Facts) -> Iterator[Broken]:
    """Statuses change only along the table; a row is born WAITING, and moves with a new version alone."""
    for key, one in _changes(facts):
        before, after = one.before, one.after
        if after is None:
            continue
        old = str(before.status) if before else "no row"
        allowed = {"WAITING"} if before is None else _MOVES[old] | {old}
        if after.status not in allowed or (before and old != after.status and not one.moved):
            yield _broken("moves-of-the-table", key, one, f"{old} -> {after.status}")


def one_version_at_a_time(facts: Facts) -> Iterator[Broken]:
    """A version that is skipped, or given twice, is a move that somebody else's has overwritten."""
    for key, one in _changes(facts):
        before, after = one.before, one.after
        if before is None or after is None:
            continue
        given_twice = after.version == before.version and after.events != before.events
        skipped = after.version - before.version not in (0, 1)
        if after.created_at != before.created_at or skipped or given_twice:
            what = f"version {before.version} of {clock(before.created_at)} -> {after.version} of {clock(after.created_at)}"
            yield _broken("one-version-at-a-time", key, one, what)


def attempts_in_order(facts: Facts) -> Iterator[Broken]:
    """The next attempt begins by a retry or a rerun, and only one at a time; a new execution only with a reopening."""
    for key, one in _changes(facts):
        before, after = one.before, one.after
        if before is None or after is None:
            continue
        started = before.status in ("RUNNING", "SUCCEEDED", "FAILED") and not before.dry_run
        begins = started and after.status == "WAITING"
        reopens = before.status in _ENDED and after.status == "WAITING"
        attempts = after.attempt - before.attempt
        executions = after.execution_count - before.execution_count
        if attempts != begins or executions != reopens:
            what = f"{before.status} -> {after.status}: {attempts} attempts, {executions} executions more"
            yield _broken("attempts-in-order", key, one, what)
        renamed = after.execution_name != before.execution_name
        if renamed != (executions != 0):
            yield _broken("attempts-in-order", key, one, f"its execution is now {after.execution_name}")


_BUDGETS: tuple[tuple[str, Callable[[Run], int], Callable[[Job], int]], ...] = (
    ("maxRetries", lambda run: run.retries, lambda job: job.max_retries),
    ("maxCodeRetries", lambda run: run.code_retries, lambda job: job.max_code_retries),
    ("maxManualReruns", lambda run: run.manual_reruns, lambda job: job.max_manual_reruns),
    ("maxDriftReruns", lambda run: run.drift_reruns, lambda job: job.max_drift_reruns),
)


def budgets(facts: Facts) -> Iterator[Broken]:
    """What a run has used is never more than its config allowed when it used it."""
    for key, one in _changes(facts):
        before, after = one.before, one.after
        if after is None:
            continue
        for name, used, allowed in _BUDGETS:
            if used(after) <= (used(before) if before else 0):
                continue
            by = one.change.by
            began = by.began if by else one.change.order
            configs = facts.configs_between(key.pipeline_id, began, one.change.order)
            most = max((allowed(config.job) for config in configs if config), default=0)
            if used(after) > most:
                yield _broken("budgets", key, one, f"{used(after)} of {name} {most} used")


def budgets_are_counted(facts: Facts) -> Iterator[Broken]:
    """A retry uses one of the two budgets of retries, a rerun one of the two of reruns, a revival none."""
    for key, one in _changes(facts):
        before, after = one.before, one.after
        if before is None or after is None or after.status != "WAITING" or before.status == "WAITING":
            continue
        if before.dry_run:
            continue  # what only observed has used nothing that counts for a real run
        retries = after.retries + after.code_retries - before.retries - before.code_retries
        reruns = after.manual_reruns + after.drift_reruns - before.manual_reruns - before.drift_reruns
        if before.status == "RUNNING":
            counted = (retries, reruns) == (1, 0)
        elif before.status in ("SUCCEEDED", "FAILED"):
            counted = (after.retries, after.code_retries, reruns) == (0, 0, 1)
        else:
            counted = reruns == any(event.type == "RERUN_ACCEPTED" for event in after.events)
        if not counted:
            what = f"{before.status} -> WAITING by {after.opened_by}: {retries} retries, {reruns} reruns more"
            yield _broken("budgets-are-counted", key, one, what)


def ends_stand(facts: Facts) -> Iterator[Broken]:
    """The end of a job that was heard first judges its attempt: whatever else is heard of it meanwhile changes nothing."""
    for key, one in _changes(facts):
        before, after = one.before, one.after
        if before is None or after is None or one.change.by is None or before.outcome is None:
            continue
        open_still = after.status == before.status and after.is_open and after.run_id == before.run_id
        if open_still and after.outcome != before.outcome:
            what = f"attempt {after.attempt} had ended as {before.outcome.end}, now {after.outcome and after.outcome.end}"
            yield _broken("ends-stand", key, one, what)


def successes_are_real(facts: Facts) -> Iterator[Broken]:
    """A run stands SUCCEEDED only when its job did, or somebody reported it."""
    for key, one in _changes(facts):
        before, after = one.before, one.after
        if before is None or after is None or after.status != "SUCCEEDED" or before.status == "SUCCEEDED":
            continue
        if after.dry_run or any(_proves(facts, key, after, one)):
            continue
        yield _broken("successes-are-real", key, one, f"no job of attempt {after.attempt} had succeeded")


def _proves(facts: Facts, key: RunKey, after: Run, one: RunChange) -> Iterator[bool]:
    jobs = facts.played.history.jobs
    for start in facts.starts.get(key, []):
        if start.run_id == after.run_id and start.order < one.change.order:
            # An HTTP target has done its work when it has answered.
            job = jobs[start.number]
            ended = job.ended_at is not None and job.ended_at <= one.change.at
            yield (job.succeeded and ended) or start.service == "http"
    for (partition, sort), changes in facts.rows_ever(f"JOB#{key.schedule_id}#{key.date}#", "joblog"):
        if partition == f"PIPELINE#{key.pipeline_id}" and sort.endswith(f"#{after.attempt}"):
            reported = (change for change in changes if change.by is None and change.new is not None)
            yield any(said.order < one.change.order and _says_success(said.new, after) for said in reported)


def _says_success(row: Item | None, run: Run) -> bool:
    """Of a job that is not somebody else's."""
    run_id = (row or {}).get("runId")
    is_its_own = run_id is None or str(plain(run_id)) in (run.run_id, run.remote_id)
    return is_its_own and str((row or {}).get("event", "")).lower() == "success"


def _changes(facts: Facts) -> Iterator[tuple[RunKey, RunChange]]:
    for key, changes in facts.runs.items():
        for one in changes:
            yield key, one


def _broken(promise: str, key: RunKey, one: RunChange, what: str) -> Broken:
    return Broken(promise, named(key), f"{what}, at {clock(one.change.at)}")


CHECKS = (
    moves_of_the_table,
    one_version_at_a_time,
    attempts_in_order,
    budgets,
    budgets_are_counted,
    ends_stand,
    successes_are_real,
)

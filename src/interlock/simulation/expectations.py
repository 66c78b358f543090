"""Was it as expected? Each expectation that does not hold, with the nearest thing that happened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.domain.event import Event
from interlock.domain.readiness import RuleVerdict
from interlock.domain.run import Run, RunKey, RunStatus
from interlock.simulation.history import Posted, Published, RemoteJob
from interlock.simulation.matching import alert_matches, event_matches, start_matches
from interlock.simulation.played import Played
from interlock.simulation.promises import broken_promises
from interlock.simulation.run_lines import verdict_lines
from interlock.simulation.scenario import AlertPattern, Around, Bound, EventPattern, ReasonPattern, RunPattern

_MOST_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of what happened instead."""

    at: datetime | None
    text: str


@dataclass(frozen=True, slots=True)
class Unmet:
    """An expectation that does not hold."""

    expected: str
    happened: tuple[Happened, ...] = ()


def unmet_expectations(played: Played) -> list[Unmet]:
    """All that do not hold, in the order of the file format."""
    return [unmet for check in _CHECKS for unmet in check(played)]


def _promises(played: Played) -> Iterator[Unmet]:
    for broken in broken_promises(played):
        yield Unmet(f"promise {broken.promise}", (Happened(None, f"{broken.about}: {broken.what}"),))


# ---- events


def _events_in_order(played: Played) -> Iterator[Unmet]:
    events = played.events()
    place = 0
    for number, pattern in enumerate(played.scenario.expect.events):
        found = next((i for i in range(place, len(events)) if event_matches(pattern, events[i].event)), None)
        if found is None:
            after = f" after {_told(events[place - 1].event)}" if place else ""
            yield Unmet(f"event {number + 1}: {_wanted(pattern)}{after}", _nearest(pattern, events, place))
            return  # the later ones would be looked for from the wrong place on
        place = found + 1


def _never(played: Played) -> Iterator[Unmet]:
    for pattern in played.scenario.expect.never:
        found = [event for event in played.events() if event_matches(pattern, event.event)]
        if found:
            yield Unmet(f"never: {_wanted(pattern)}", _as_lines(found))


def _count(played: Played) -> Iterator[Unmet]:
    for event_type, bound in played.scenario.expect.count.items():
        found = [event for event in played.events() if event.event.type is event_type]
        if not bound.holds(len(found)):
            yield Unmet(f"count {event_type}: {bound}, not {len(found)}", _as_lines(found))


def _last_event(played: Played) -> Iterator[Unmet]:
    for wanted in played.scenario.expect.last_event:
        of_pipeline = [event for event in played.events() if event.event.pipeline_id == wanted.pipeline_id]
        if not of_pipeline or of_pipeline[-1].event.type is not wanted.type:
            expected = f"last event of {wanted.pipeline_id}: {wanted.type}"
            yield Unmet(expected, _as_lines(of_pipeline[-3:]))


# ---- jobs


def _jobs(played: Played) -> Iterator[Unmet]:
    for pipeline, bound in played.scenario.expect.jobs.items():
        yield from _counted(f"jobs of {pipeline}", bound, _jobs_of(played, pipeline))


def _cancelled(played: Played) -> Iterator[Unmet]:
    for pipeline, bound in played.scenario.expect.cancelled.items():
        cancelled = [job for job in _jobs_of(played, pipeline) if job.cancelled]
        if not bound.holds(len(cancelled)):
            expected = f"cancelled jobs of {pipeline}: {bound}, not {len(cancelled)}"
            yield Unmet(expected, _jobs_as_lines(_jobs_of(played, pipeline)))


def _running(played: Played) -> Iterator[Unmet]:
    for pipeline, bound in played.scenario.expect.running.items():
        most = played.history.most_alive.get(pipeline, 0)
        if not bound.holds(most):
            expected = f"jobs of {pipeline} alive at once: {bound}, not {most}"
            yield Unmet(expected, _jobs_as_lines(_jobs_of(played, pipeline)))


def _started(played: Played) -> Iterator[Unmet]:
    jobs = list(played.history.jobs)
    for pattern in played.scenario.expect.started:
        found = next((job for job in jobs if start_matches(pattern, job)), None)
        if found is not None:
            jobs.remove(found)  # two patterns alike mean two starts
            continue
        config = "".join(f", {path}: {value}" for path, value in pattern.config.items())
        expected = f"started: {pattern.pipeline_id}{_when(pattern.around)}{config}"
        yield Unmet(expected, _jobs_as_lines(_jobs_of(played, pattern.pipeline_id), with_config=True))


def _jobs_of(played: Played, pipeline: str) -> list[RemoteJob]:
    return [job for job in played.history.jobs if job.pipeline_id == pipeline]


def _counted(what: str, bound: Bound, jobs: Sequence[RemoteJob]) -> Iterator[Unmet]:
    if not bound.holds(len(jobs)):
        yield Unmet(f"{what}: {bound}, not {len(jobs)}", _jobs_as_lines(jobs))


# ---- runs


def _runs(played: Played) -> Iterator[Unmet]:
    for pattern in played.scenario.expect.runs:
        found = _runs_of(played, pattern.pipeline_id, pattern.schedule_id, pattern.date)
        if not (any(_run_matches(pattern, run) for run in found) if found else pattern.status == "NONE"):
            attempts = f", attempts {pattern.attempts}" if pattern.attempts else ""
            schedule = f" {pattern.schedule_id}" if pattern.schedule_id else ""
            status = f" {pattern.status}" if pattern.status else ""
            expected = f"run {pattern.pipeline_id}{schedule} {pattern.date}:{status}{attempts}"
            yield Unmet(expected, _runs_as_lines(found or _runs_of(played, pattern.pipeline_id, None, None)))


def _run_matches(pattern: RunPattern, run: Run) -> bool:
    status_fits = pattern.status is None or pattern.status == run.status
    return status_fits and (pattern.attempts is None or pattern.attempts.holds(starts_of(run)))


def starts_of(run: Run) -> int:
    """How many attempts of the run have started: one that waits has not begun its current one."""
    begun = run.status in (RunStatus.RUNNING, RunStatus.SUCCEEDED, RunStatus.FAILED)
    return run.attempt if begun else run.attempt - 1


def _reasons(played: Played) -> Iterator[Unmet]:
    for pattern in played.scenario.expect.reasons:
        runs = _runs_of(played, pattern.pipeline_id, pattern.schedule_id, pattern.date)
        if not any(_explains(pattern, verdict) for run in runs for verdict in run.verdicts):
            expected = f"reason of {pattern.pipeline_id} {pattern.date} {pattern.rule}: {pattern.contains!r}"
            told = [Happened(run.updated_at, line) for run in runs for line in verdict_lines(run.verdicts)]
            yield Unmet(expected, tuple(told) or _runs_as_lines(runs))


def _explains(pattern: ReasonPattern, verdict: RuleVerdict) -> bool:
    """A rule is named by its sensor's key, a group by any member's."""
    if any(_explains(pattern, member) for member in verdict.members):
        return True
    return pattern.rule in _keys(verdict) and pattern.contains in f"{verdict.rule}\n{verdict.reason}"


def _keys(verdict: RuleVerdict) -> Iterator[str]:
    yield verdict.key
    for member in verdict.members:
        yield from _keys(member)


def _runs_of(played: Played, pipeline: str, schedule: str | None, date: str | None) -> list[Run]:
    def wanted(key: RunKey) -> bool:
        return (
            key.pipeline_id == pipeline and schedule in (None, key.schedule_id) and date in (None, key.date)
        )

    return [run for key, run in sorted(played.runs.items()) if wanted(key)]


# ---- alerts


def _alerts(played: Played) -> Iterator[Unmet]:
    posted = played.history.posted
    place = 0
    for number, pattern in enumerate(played.scenario.expect.alerts):
        found = next((i for i in range(place, len(posted)) if alert_matches(pattern, posted[i])), None)
        if found is None:
            yield Unmet(f"alert {number + 1}: {_wanted(pattern)}", _posted_as_lines(posted))
            return
        place = found + 1


def _alerts_never(played: Played) -> Iterator[Unmet]:
    for pattern in played.scenario.expect.alerts_never:
        found = [posted for posted in played.history.posted if alert_matches(pattern, posted)]
        if found:
            yield Unmet(f"never as an alert: {_wanted(pattern)}", _posted_as_lines(found))


def _alerts_count(played: Played) -> Iterator[Unmet]:
    posted = played.history.posted
    for name, bound in played.scenario.expect.alerts_count.items():
        found = [message for message in posted if name in ("total", message.type)]
        if not bound.holds(len(found)):
            yield Unmet(f"alerts {name}: {bound}, not {len(found)}", _posted_as_lines(found))


def _threads(played: Played) -> Iterator[Unmet]:
    for pipeline, bound in played.scenario.expect.threads.items():
        of_pipeline = [posted for posted in played.history.posted if posted.pipeline_id == pipeline]
        threads = {posted.thread for posted in of_pipeline}
        if not bound.holds(len(threads)):
            yield Unmet(f"threads of {pipeline}: {bound}, not {len(threads)}", _posted_as_lines(of_pipeline))


# ---- cost


def _cost(played: Played) -> Iterator[Unmet]:
    costs = played.cost.costs()
    for name, bound in played.scenario.expect.cost.items():
        if not bound.holds(costs[name]):
            yield Unmet(f"cost {name}: {bound}, not {costs[name]}")


_CHECKS = (
    _events_in_order,
    _never,
    _count,
    _last_event,
    _jobs,
    _cancelled,
    _running,
    _started,
    _runs,
    _reasons,
    _alerts,
    _alerts_never,
    _alerts_count,
    _threads,
    _cost,
    _promises,
)

# ---- in words


def _nearest(pattern: EventPattern, events: Sequence[Published], place: int) -> tuple[Happened, ...]:
    """Events of that type, else of that pipeline, else the next ones."""
    later = events[place:] or events
    of_type = [event for event in events if event.event.type is pattern.type]
    of_pipeline = [event for event in later if event.event.pipeline_id == pattern.pipeline_id]
    return _as_lines(of_type or of_pipeline or later)


def _as_lines(events: Sequence[Published]) -> tuple[Happened, ...]:
    return tuple(Happened(event.event.at, _told(event.event)) for event in events[:_MOST_SHOWN])


def _told(event: Event) -> str:
    parts = (event.type, event.pipeline_id, event.date, event.attempt and f"attempt {event.attempt}")
    return f"{' '.join(str(part) for part in parts if part)}: {event.message}"


def _posted_as_lines(posted: Sequence[Posted]) -> tuple[Happened, ...]:
    return tuple(
        Happened(message.at, f"{message.type}: {message.text.splitlines()[0]}")
        for message in posted[:_MOST_SHOWN]
    )


def _jobs_as_lines(jobs: Sequence[RemoteJob], *, with_config: bool = False) -> tuple[Happened, ...]:
    return tuple(Happened(job.started_at, _job_told(job, with_config)) for job in jobs[:_MOST_SHOWN])


def _job_told(job: RemoteJob, with_config: bool) -> str:
    fate = "is still running" if job.ended_at is None else f"ended at {job.ended_at:%Y-%m-%d %H:%M:%S}"
    config = f", config {dict(job.config)}" if with_config else ""
    return (
        f"a job of {job.pipeline_id} started, {'was cancelled and ' if job.cancelled else ''}{fate}{config}"
    )


def _runs_as_lines(runs: Sequence[Run]) -> tuple[Happened, ...]:
    return tuple(
        Happened(
            run.updated_at,
            f"{run.key.pipeline_id} {run.key.schedule_id} {run.key.date}: {run.status}, attempts {starts_of(run)}",
        )
        for run in runs[:_MOST_SHOWN]
    )


def _wanted(pattern: EventPattern | AlertPattern) -> str:
    names = (
        "type",
        "pipeline_id",
        "schedule_id",
        "date",
        "attempt",
        "severity",
        "message",
        "contains",
        "detail",
    )
    found = ((name, getattr(pattern, name, None)) for name in names)
    words = [
        str(value) if name == "type" else f"{name.removesuffix('_id')} {value!r}"
        for name, value in found
        if value
    ]
    return " ".join(words) + _when(pattern.around)


def _when(around: Around | None) -> str:
    return (
        ""
        if around is None
        else f" at {around.at:%Y-%m-%d %H:%M:%S} within {around.within.total_seconds():g} s"
    )

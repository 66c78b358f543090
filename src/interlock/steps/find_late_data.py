"""A sensor was written after a run succeeded: is it late data, or drift? Run again within the budget, or say so once.

What the table holds now is compared with what the run read, so a record that comes twice, or late, finds nothing new.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from interlock.domain import drift_wording
from interlock.domain.baseline import Baseline, baseline_fields, late_fields, read_by
from interlock.domain.drift import Drift, find_drift
from interlock.domain.event import Announcement
from interlock.domain.late_data import REJECTED, Difference, Readings, Values, differences, remembered
from interlock.domain.pipeline import Pipeline, post_run_sensors, rule_sensors
from interlock.domain.post_run import judge_post_run
from interlock.domain.rerun import RerunDecision, decide_own_rerun, rerun_number
from interlock.domain.routing import SensorWritten, belongs_to
from interlock.domain.run import Run, RunKey, RunStatus, announcing, reopened
from interlock.domain.sensor import Reading, Unseen
from interlock.domain.sensor_value import baseline_value
from interlock.ports import ControlTable, Lost, RerunLog, StateMachine
from interlock.steps.judge_post_run import is_after_success, note_written, promise_post_run, still_waits_for
from interlock.steps.open_run import exclusion_of, start_execution
from interlock.steps.read_sensors import read_sensors
from interlock.steps.run_log import fields

log = logging.getLogger(__name__)

LATE_DATA, DRIFT = "late-data", "drift"


class FeedbackRaced(Exception):
    """The run's row changed while a change of its data was judged; the record is delivered again."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """How the data of a run differs from what the run read."""

    late: tuple[Difference, ...]
    drifts: tuple[Drift, ...]

    def applied_to(self, read: Values) -> Values:
        """What the run would have read, had it begun now: these values alone, not what a later record tells of."""
        found = [(late.sensor, late.field, late.value) for late in self.late]
        found += [(drift.sensor, drift.field, baseline_value(drift.value)) for drift in self.drifts]
        whole = {sensor: dict(values) for sensor, values in read.items()}
        for sensor, name, value in found:
            whole.setdefault(sensor, {})[name] = value
        return whole

    @property
    def facts(self) -> tuple[str, ...]:
        return (*(found.fact for found in self.late), *(found.fact for found in self.drifts))

    def without(self, told: Sequence[str]) -> Feedback:
        """What is news."""
        return self.only([fact for fact in self.facts if fact not in told])

    def only(self, facts: Sequence[str]) -> Feedback:
        return Feedback(
            tuple(found for found in self.late if found.fact in facts),
            tuple(found for found in self.drifts if found.fact in facts),
        )


def written_after_success(
    run: Run,
    written: SensorWritten,
    reading: Reading,
    pipeline: Pipeline,
    control: ControlTable,
    reruns: RerunLog,
    machine: StateMachine,
    now: datetime,
) -> None:
    """One write of a sensor, for one run that has succeeded."""
    watched = post_run_sensors(pipeline)
    is_post_run = reading.key in watched
    if is_post_run:
        run = note_written(run, written, reading, pipeline, control)
    if not _tells_of(run, reading, pipeline, written.at):
        return
    read = read_by(run, control.baseline(run.key), pipeline)
    said = _feedback(pipeline, read, {reading.key: reading})
    if not is_post_run and _is_no_news(run, pipeline, said):
        return  # a heartbeat, as nearly all writes are
    sensors = dict.fromkeys((reading.key, *(watched if is_post_run else ())))
    current, readings = read_sensors(run.key, sensors, control)
    if current is None or not _is_same_success(run, current):
        return
    # What was written since, perhaps on another day, is told of by a record of its own.
    stands, overwritten = readings[reading.key], None
    if isinstance(stands, Unseen) and stands.period is not None and _came_after(written, reading, current):
        # One row for all dates: the next one's reading stands there already, and this one came all the same.
        # The rules of a rerun would look for it in vain; what only postRun rules read keeps none from starting.
        overwritten = stands.reason if reading.key in rule_sensors(pipeline) else None
        stands = reading
    found = _feedback(pipeline, read, {reading.key: stands})
    news = found.only(said.facts)
    is_newest = readings[reading.key] == reading
    if news.facts:
        _answer(current, news, read, pipeline, control, reruns, machine, now, overwritten)
    elif is_post_run and not found.facts and is_newest and is_after_success(written, current):
        own = _own(current, pipeline, readings, now) | {reading.key: reading}
        _judge(current, pipeline, own, control, now)


def _came_after(written: SensorWritten, reading: Reading, run: Run) -> bool:
    """A record tells no more than its second: of one in that of the success its own clock decides, if it says so."""
    if run.succeeded_at is None or not is_after_success(written, run):
        return False
    says = reading.updated_at
    same_second = written.at <= run.succeeded_at
    return not (same_second and says is not None and written.at <= says <= run.succeeded_at)


def _tells_of(run: Run, reading: Reading, pipeline: Pipeline, at: datetime) -> bool:
    own = belongs_to(pipeline, reading, run.key.date, at)
    return own or still_waits_for(run, reading, pipeline, at)


def _own(run: Run, pipeline: Pipeline, readings: Readings, now: datetime) -> dict[str, Reading | Unseen]:
    """This may be a redelivery of yesterday: what is dateless today tells nothing of yesterday's run."""
    return {
        sensor: reading
        for sensor, reading in readings.items()
        if isinstance(reading, Reading) and _tells_of(run, reading, pipeline, now)
    }


def _is_no_news(run: Run, pipeline: Pipeline, found: Feedback) -> bool:
    # Of a run that is only observed, what was told becomes the measure: that may still have to be done.
    return not (found if _observes(run, pipeline) else found.without(run.told)).facts


def _is_same_success(run: Run, current: Run) -> bool:
    return current.status is RunStatus.SUCCEEDED and current.attempt == run.attempt


def watch_success(
    key: RunKey,
    pipeline: Pipeline,
    control: ControlTable,
    reruns: RerunLog,
    machine: StateMachine,
    now: datetime,
) -> None:
    """A run succeeded: from now on its postRun sensors are waited for, and what its rules read is compared.

    At once, for a write between the baseline and the success concerned no run.
    """
    sensors = baseline_fields(pipeline)
    if not sensors:
        return
    run, readings = read_sensors(key, sensors, control)
    if run is None:
        return
    start_execution(run, control, machine, now)  # reopened here before, by a function that died then
    if run.status is not RunStatus.SUCCEEDED:
        return
    promise_post_run(run, pipeline, control, now)
    read = read_by(run, control.baseline(key), pipeline)
    own = _own(run, pipeline, readings, now)
    found = _feedback(pipeline, read, own)
    if found.facts:
        _answer(run, found, read, pipeline, control, reruns, machine, now)


def _feedback(pipeline: Pipeline, read: Values, readings: Readings) -> Feedback:
    watched = post_run_sensors(pipeline) if pipeline.post_run else ()
    drifts = [
        find_drift(pipeline.post_run, sensor, read.get(sensor, {}), reading)
        for sensor, reading in readings.items()
        if pipeline.post_run and sensor in watched
    ]
    late = differences(read, late_fields(pipeline), readings)
    return Feedback(tuple(late), tuple(drift for drift in drifts if drift is not None))


def _observes(run: Run, pipeline: Pipeline) -> bool:
    # A run that was only observed has no job to run again, and a pipeline that only observes starts none.
    return run.dry_run or pipeline.dry_run


def _answer(
    run: Run,
    found: Feedback,
    read: Values,
    pipeline: Pipeline,
    control: ControlTable,
    reruns: RerunLog,
    machine: StateMachine,
    now: datetime,
    overwritten: str | None = None,
) -> None:
    """`overwritten`: why the run would not see the reading that was found."""
    news = found.without(run.told)
    observes = _observes(run, pipeline)
    if news.facts:
        excluded = exclusion_of(pipeline, run.key.date, control)
        decision = decide_own_rerun(run, pipeline.job, excluded, overwritten)
        if decision.accepted and not observes:
            _run_again(run, news, decision, pipeline, control, reruns, machine, now)
        else:
            _tell(run, news, decision, pipeline, control, now)
    if observes:
        # What was told is the measure from now on. Also when it was told before: whoever did may have died here.
        control.put_baseline(Baseline(run.key, run.attempt, now, found.applied_to(read)))


def _tell(
    run: Run,
    news: Feedback,
    decision: RerunDecision,
    pipeline: Pipeline,
    control: ControlTable,
    now: datetime,
) -> None:
    """Nothing is opened: the budget is used up, the date is excluded, or the pipeline only observes."""
    observes = _observes(run, pipeline)
    events = _announcements(run, news, pipeline, now)
    source, reason = _cause(news)
    facts, used = news.facts, dict[str, Any]()
    if decision.accepted:
        events.append(drift_wording.rerun_follows(run, source, reason, decision.reason, now, dry_run=True))
        used = {"drift_reruns": run.drift_reruns + 1, "retries": 0, "code_retries": 0}
    elif REJECTED not in run.told:
        events.append(drift_wording.no_rerun(run, pipeline, source, reason, decision, now, dry_run=observes))
        facts = (*facts, REJECTED)
    told = remembered(run.told, *facts)
    _move(run, announcing(run, events, told=told, **used), control)
    log.info("data changed after success: told", extra=fields(run, source=source, reason=reason))


def _run_again(
    run: Run,
    news: Feedback,
    decision: RerunDecision,
    pipeline: Pipeline,
    control: ControlTable,
    reruns: RerunLog,
    machine: StateMachine,
    now: datetime,
) -> None:
    source, reason = _cause(news)
    # Late data goes first: the rerun that it causes reads what drifted, too.
    told = replace(news, drifts=()) if news.late else news
    events = [
        *_announcements(run, told, pipeline, now),
        drift_wording.rerun_follows(run, source, reason, decision.reason, now, dry_run=False),
    ]
    fresh: dict[str, Any] = {"retries": 0, "code_retries": 0, "drift_reruns": run.drift_reruns + 1}
    again = reopened(run, now, pipeline.schedule.evaluation.window, events, opened_by=source, **fresh)
    reruns.put(run.key, rerun_number(again), source, reason[:300], "interlock", now)
    moved = _move(run, again, control)
    if moved is not None:
        log.info("data changed after success: run again", extra=fields(moved, source=source, reason=reason))
        start_execution(moved, control, machine, now)


def _move(run: Run, after: Run, control: ControlTable) -> Run | None:
    """None when the run is open again: whoever opened it reads the data as it is now, and sets it going."""
    try:
        return control.move(run, after)
    except Lost as lost:
        if lost.current is not None and lost.current.status is RunStatus.SUCCEEDED:
            raise FeedbackRaced(f"{run.key}: something else was said of the run just now") from lost
        return None


def _announcements(run: Run, news: Feedback, pipeline: Pipeline, now: datetime) -> list[Announcement]:
    dry_run = _observes(run, pipeline)
    late = [drift_wording.late_data(run, pipeline, news.late, now, dry_run=dry_run)] if news.late else []
    drifts = [drift_wording.drift_found(run, pipeline, drift, now, dry_run=dry_run) for drift in news.drifts]
    return [*late, *drifts]


def _cause(news: Feedback) -> tuple[str, str]:
    """The source of the rerun, which decides its budget and is kept in its log, and the reason in words."""
    if news.late:
        return LATE_DATA, f"late data: {', '.join(f'{one.sensor}.{one.field}' for one in news.late)}"
    return DRIFT, f"drift: {', '.join(f'{one.sensor}.{one.field}' for one in news.drifts)}"


def _judge(run: Run, pipeline: Pipeline, readings: Readings, control: ControlTable, now: datetime) -> None:
    """The postRun rules, once more: published when the verdict is another than the last. Of a dry run's, nothing is."""
    judged = None if _observes(run, pipeline) else judge_post_run(pipeline, readings, now)
    if judged is None or judged.verdict == run.post_run_verdict:
        return
    told = drift_wording.post_run_judged(run, pipeline, judged, now)
    _move(run, announcing(run, [told], post_run_verdict=judged.verdict), control)

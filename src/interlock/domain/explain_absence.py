"""Why is there no run for an execution date? What the calendar, the clock and the trigger say of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from interlock.domain.execution_date import Period, period_of, period_start, zone_of
from interlock.domain.expectation import first_due
from interlock.domain.explanation import Situation
from interlock.domain.fires import cron_form
from interlock.domain.missing import Need, need_of
from interlock.domain.pipeline import Start
from interlock.domain.plain_text import duration
from interlock.domain.promise import PromiseKind
from interlock.domain.schedule import trigger_deadline


@dataclass(frozen=True, slots=True)
class Absence:
    """Why there is no run, what happens by itself, and what a person can do."""

    headline: str
    following: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    may_come: bool = True  # else what it would wait for says nothing


def absence(situation: Situation) -> Absence:
    """Of a date without a run: the first reason that applies."""
    return next(found for why in _REASONS if (found := why(situation)) is not None)


def trigger_need(situation: Situation) -> Need | None:
    """What the trigger found and wants; None without a trigger."""
    trigger, verdict = situation.pipeline.schedule.trigger, situation.trigger
    if trigger is None or verdict is None:
        return None
    return need_of(trigger.rule, verdict, situation.key.date, situation.now, situation.times.at)


def rerun_line(situation: Situation) -> str:
    """How a person has the date run."""
    return f"run it by hand: interlock rerun {situation.pipeline.id} {situation.key.date}"


def next_date(situation: Situation) -> tuple[str, ...]:
    """The next date that the calendar brings."""
    following = situation.following
    if following is None:
        return ()
    begins = situation.times.when(following.begins_at)
    how = "the cron fires at" if situation.pipeline.schedule.cron is not None else "it begins at"
    return (f"the next date is {following.date}: {how} {begins}",)


def _excluded(situation: Situation) -> Absence | None:
    if situation.excluded is None:
        return None
    allowed = "requests are refused too: to run it, change schedule.exclude or schedule.include"
    return Absence(f"has no run: {situation.excluded}", next_date(situation), (allowed,), may_come=False)


_DATES = {
    Period.DAILY: "days, such as {:%Y-%m-%d}",
    Period.HOURLY: "hours, such as {:%Y-%m-%dT%H}",
    Period.MINUTE: "fires, such as {:%Y-%m-%dT%H:%M}",
}


def _of_another_form(situation: Situation) -> Absence | None:
    pipeline, date = situation.pipeline, situation.key.date
    form = cron_form(pipeline)
    if pipeline.schedule.cron is None or period_of(date) is form:
        return None
    dates = _DATES[form].format(period_start(date))
    said = f"is no date of this pipeline: its runs are of {dates}"
    return Absence(said, next_date(situation), may_come=False)


def _not_fired(situation: Situation) -> Absence | None:
    cron = situation.pipeline.schedule.cron
    if cron is None or situation.expected is not None or _waits_for_trigger_alone(situation):
        return None
    zone = situation.pipeline.schedule.timezone
    said = f"has no run: the cron {cron} ({zone}) does not fire then"
    if _clocks_change(situation):
        said += "; the clocks change that day, and a time that they skip does not fire"
    return Absence(said, next_date(situation), (rerun_line(situation),), may_come=False)


def _waits_for_trigger_alone(situation: Situation) -> bool:
    """A trigger opens dates at which the cron does not fire."""
    schedule = situation.pipeline.schedule
    return schedule.trigger is not None and schedule.start is Start.ANY


def _clocks_change(situation: Situation) -> bool:
    zone, day = zone_of(situation.pipeline), period_start(situation.key.date).replace(hour=0, minute=0)
    return day.replace(tzinfo=zone).utcoffset() != day.replace(hour=23, tzinfo=zone).utcoffset()


def _after_the_door(situation: Situation) -> Absence | None:
    deadline = trigger_deadline(situation.pipeline, situation.key.date)
    if deadline is None or situation.now <= deadline:
        return None
    passed = situation.times.when(deadline)
    said = f"did not run: the trigger deadline passed at {passed}, and nothing had opened its run by then"
    return Absence(said, ("nothing starts by itself for this date any more",), (rerun_line(situation),))


def _not_yet(situation: Situation) -> Absence | None:
    expected, schedule = situation.expected, situation.pipeline.schedule
    if expected is None or expected.begins_at <= situation.now:
        return None
    begins = situation.times.when(expected.begins_at)
    if schedule.cron is None:
        return Absence(f"has not begun: its period begins at {begins}", _trigger_opens(situation))
    both = "; its trigger must be met too" if schedule.start is Start.ALL else ""
    earlier = _trigger_opens(situation) if schedule.start is Start.ANY else ()
    return Absence(f"has not run yet: the cron fires at {begins}{both}", earlier)


def _trigger_opens(situation: Situation) -> tuple[str, ...]:
    need = trigger_need(situation)
    if need is None or need.met:
        return ()
    return ("a write that meets the trigger opens it before",)


def _fire_and_trigger(situation: Situation) -> Absence | None:
    """`start: all`, after the fire."""
    expected, need = situation.expected, trigger_need(situation)
    if situation.pipeline.schedule.start is not Start.ALL or expected is None or need is None:
        return None
    fired = f"the cron fired at {situation.times.when(expected.begins_at)}"
    if need.met:
        return _trigger_without_run(situation, need)
    said = f"waits to be opened: {fired}, and its trigger is not met: {need.found}"
    return Absence(said, _opens_at_once(situation))


def _opens_at_once(situation: Situation) -> tuple[str, ...]:
    waits = duration(situation.pipeline.schedule.evaluation.window)
    return (
        f"the write that meets the trigger opens the run at once; then it waits for its rules, up to {waits}",
    )


def _fire_without_run(situation: Situation) -> Absence | None:
    expected, pipeline = situation.expected, situation.pipeline
    if pipeline.schedule.cron is None or expected is None:
        return None
    fired = f"the cron fired at {situation.times.when(expected.begins_at)}"
    promise, loaded_at = situation.promises.get(PromiseKind.FIRE), situation.loaded_at
    if promise is None and loaded_at is not None and expected.begins_at <= loaded_at:
        loaded = situation.times.at(loaded_at)
        said = f"did not run: {fired}, before the config in force was loaded at {loaded}"
        return Absence(said, next_date(situation), (rerun_line(situation),))
    if promise is not None and promise.verdict is not None:
        said = f"did not run: {fired}, and that was {promise.verdict}"
        return Absence(said, next_date(situation), (rerun_line(situation),))
    due_at = promise.due_at if promise is not None else first_due(PromiseKind.FIRE, pipeline, expected.date)
    if due_at is not None and due_at > situation.now:
        looks = f"the watchdog looks for it at {situation.times.when(due_at)}, and starts it if it was lost"
        return Absence(f"has not run yet: {fired}, and its run is being opened", (looks,))
    looks = "the watchdog looks for it in its next ticks: it starts what was lost within its window, or announces it"
    return Absence(f"has not run: {fired}, and no run was opened", (looks,), (rerun_line(situation),))


def _untriggered(situation: Situation) -> Absence | None:
    need = trigger_need(situation)
    if need is None:
        return None
    if need.met:
        return _trigger_without_run(situation, need)
    said = f"waits for its trigger: {need.found}"
    return Absence(said, _opens_at_once(situation))


def _trigger_without_run(situation: Situation, need: Need) -> Absence:
    trigger = situation.pipeline.schedule.trigger
    key = trigger.rule.key if trigger is not None else ""
    said = f"has not run, although its trigger is met by now: {need.reason}"
    lost = "a write opens its run within seconds; should it have been lost, the watchdog's sweep finds it within the hour"
    again = (
        f"write SENSOR#{key}#{situation.key.date}: the write itself opens the run, of the date that it names"
    )
    return Absence(said, (f"{lost}, while the date is the current one",), (again, rerun_line(situation)))


def _by_request_alone(situation: Situation) -> Absence:
    named = (
        "the date is included, but there is no"
        if situation.expected is not None
        else "there is neither cron nor"
    )
    return Absence(
        f"has not run: {named} trigger to start it, so only a request does", (), (rerun_line(situation),)
    )


_REASONS: tuple[Callable[[Situation], Absence | None], ...] = (
    _excluded,
    _of_another_form,
    _not_fired,
    _after_the_door,
    _not_yet,
    _fire_and_trigger,
    _fire_without_run,
    _untriggered,
    _by_request_alone,
)

"""What a pipeline's rules on other pipelines ask for: which rows to read beside its sensors, and what those say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from interlock.domain.bad_input import BadInput
from interlock.domain.pipeline import Pipeline, UpstreamDate, UpstreamRule
from interlock.domain.run import RunKey
from interlock.domain.schedule import calendar_names
from interlock.domain.upstream import UpstreamOutcome
from interlock.domain.upstream_outcome import RunSeen, outcome_of
from interlock.domain.upstream_runs import Awaited, Declared, Unanswerable, awaited_runs
from interlock.ports import ControlTable


@dataclass(frozen=True, slots=True)
class Questions:
    """For each rule the runs it waits for, or why nobody can say."""

    run_date: str
    awaited: Mapping[UpstreamRule, tuple[Awaited, ...] | Unanswerable]

    @property
    def rows(self) -> list[RunKey]:
        """Every row to read."""
        several = [found for found in self.awaited.values() if not isinstance(found, Unanswerable)]
        return [key for awaited in several for one in awaited for key in one.keys]


def questions_of(
    pipeline: Pipeline, rules: tuple[UpstreamRule, ...], run_date: str, control: ControlTable
) -> Questions:
    """Reads calendars and other configs only where a rule needs them."""
    own = own_calendars(pipeline, rules, control)
    awaited: dict[UpstreamRule, tuple[Awaited, ...] | Unanswerable] = {}
    for rule in rules:
        try:
            awaited[rule] = awaited_runs(rule, own, run_date, upstream_of(rule, control))
        except Unanswerable as why:
            awaited[rule] = why
        except BadInput as problem:
            awaited[rule] = Unanswerable(f"{rule.pipeline_id} cannot be read: {problem}")
    return Questions(run_date, awaited)


def own_calendars(pipeline: Pipeline, rules: tuple[UpstreamRule, ...], control: ControlTable) -> Declared:
    """With its calendars where a rule counts the periods between its runs."""
    counts = any(rule.date is UpstreamDate.PREVIOUS for rule in rules)
    names = calendar_names(pipeline) if counts else ()
    return Declared(pipeline, control.calendars(names) if names else {})


def upstream_of(rule: UpstreamRule, control: ControlTable) -> Declared | None:
    """The upstream's config where a rule must know its periods. Raises `BadInput` when that is unreadable."""
    upstream = control.pipeline(rule.pipeline_id) if rule.date is UpstreamDate.WINDOW else None
    if upstream is None:
        return None
    names = calendar_names(upstream)
    return Declared(upstream, control.calendars(names) if names else {})


def outcomes(
    questions: Questions, seen: Mapping[RunKey, RunSeen], control: ControlTable, *, dry_run: bool
) -> dict[str, UpstreamOutcome]:
    """The outcome of each rule, by its name. To a dry run those of other dry runs count too."""
    found = {}
    for rule, awaited in questions.awaited.items():
        if isinstance(awaited, Unanswerable):
            found[rule.name] = UpstreamOutcome(False, str(awaited))
            continue
        ran = any(key in seen for one in awaited for key in one.keys)
        # Only to say it well: a pipeline that has a run exists, or did; the config of a window's was read.
        known = ran or rule.date is UpstreamDate.WINDOW or control.config(rule.pipeline_id) is not None
        found[rule.name] = outcome_of(rule, questions.run_date, awaited, seen, known=known, dry_run=dry_run)
    return found

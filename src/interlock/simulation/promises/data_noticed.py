"""What happened to data is noticed: late data and drift are told once, requests decided, met triggers and rules acted upon."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.simulation.promises.books import Books
from interlock.simulation.promises.decisions import requests_are_decided_rightly
from interlock.simulation.promises.facts import Broken, Facts
from interlock.simulation.promises.late import changes_are_noticed, changes_are_true, reruns_follow
from interlock.simulation.promises.post_run_judged import (
    drift_in_flight_is_told_once,
    post_run_rules_are_judged,
    verdicts_are_told_when_they_change,
)
from interlock.simulation.promises.requests import requests_are_decided
from interlock.simulation.promises.triggered import expired_runs_rest, reasons_are_kept, triggers_open_runs


def data_is_noticed(facts: Facts) -> Iterator[Broken]:
    """All that concerns readings, the runs that saw them, and the runs that should have."""
    books = Books(facts)
    for check in (
        changes_are_noticed,
        changes_are_true,
        reruns_follow,
        requests_are_decided,
        requests_are_decided_rightly,
        triggers_open_runs,
        post_run_rules_are_judged,
        drift_in_flight_is_told_once,
        expired_runs_rest,
        reasons_are_kept,
    ):
        yield from check(books)


def nothing_is_vague(facts: Facts) -> Iterator[Broken]:
    """Every event says something."""
    for published in facts.played.history.published:
        event = published.event
        if not event.message.strip():
            yield Broken(
                "never-vague", f"{event.type} of {event.pipeline_id} {event.date}", "it has no message"
            )


CHECKS = (data_is_noticed, verdicts_are_told_when_they_change, nothing_is_vague)

"""Each kind of expectation holds for what happened and fails for what did not."""

from __future__ import annotations

import pytest

from interlock.simulation.expectations import unmet_expectations
from scenario_text import GLUE_PIPELINE, LANDED, played, unmet

# One failure, one retry that succeeds: two alerts in one thread.
RETRIED = {
    "configs": GLUE_PIPELINE.replace("maxRetries: 0", "maxRetries: 1").replace(
        "schedule:",
        "validation: {rules: [{any: [{key: landed, check: exists}, {key: x, check: exists}]}]}\n    schedule:",
    ),
    "jobs": '{sessions: [{outcome: fail, after: 5m, error: "Rate exceeded"}, {outcome: succeed, after: 10m}]}',
}

EXPECTATIONS = [
    (
        "{events: [{type: JOB_FAILED}, {type: JOB_COMPLETED}]}",
        "{events: [{type: JOB_COMPLETED}, {type: JOB_FAILED}]}",
    ),
    ('{events: [{type: JOB_FAILED, at: "+5m"}]}', '{events: [{type: JOB_FAILED, at: "+6m", within: 59s}]}'),
    ('{events: [{type: JOB_FAILED, at: "+6m", within: 1m}]}', '{events: [{type: JOB_FAILED, at: "+6m"}]}'),
    ("{events: [{type: JOB_TRIGGERED, attempt: 2}]}", "{events: [{type: JOB_TRIGGERED, attempt: 3}]}"),
    ('{events: [{date: "2026-03-02", schedule: stream}]}', "{events: [{type: JOB_FAILED, schedule: cron}]}"),
    ("{events: [{type: JOB_FAILED, contains: Rate}]}", "{events: [{type: JOB_FAILED, contains: rate}]}"),
    (
        "{events: [{type: JOB_FAILED, severity: warning}]}",
        "{events: [{type: JOB_FAILED, severity: critical}]}",
    ),
    ("{never: [SLA_BREACH, {type: JOB_FAILED, attempt: 2}]}", "{never: [JOB_FAILED]}"),
    (
        '{never: [{type: JOB_FAILED, at: "+10m", within: 1m}]}',
        '{never: [{type: JOB_FAILED, at: "+10m", within: 5m}]}',
    ),
    ("{count: {JOB_FAILED: 1, SLA_BREACH: 0}}", "{count: {JOB_FAILED: 2}}"),
    ('{count: {JOB_TRIGGERED: ">= 2"}}', '{count: {JOB_TRIGGERED: "< 2"}}'),
    ("{jobs: {sessions: 2}}", "{jobs: {sessions: 1}}"),
    ("{jobs: {other: 0}}", "{jobs: {other: 1}}"),
    (
        '{runs: [{pipeline: sessions, date: "2026-03-02", status: SUCCEEDED, attempts: 2}]}',
        '{runs: [{pipeline: sessions, date: "2026-03-02", status: SUCCEEDED, attempts: 1}]}',
    ),
    (
        '{runs: [{pipeline: sessions, date: "2026-03-01", status: NONE}]}',
        '{runs: [{pipeline: sessions, date: "2026-03-02", status: NONE}]}',
    ),
    (
        '{runs: [{pipeline: sessions, date: "2026-03-02", schedule: cron, status: NONE}]}',
        '{runs: [{pipeline: sessions, date: "2026-03-02", schedule: cron, status: SUCCEEDED}]}',
    ),
    (
        "{alerts: [{type: JOB_FAILED, contains: Rate}, {type: JOB_COMPLETED}]}",
        "{alerts: [{type: RETRY_EXHAUSTED}]}",
    ),
    ("{alerts_never: [{contains: token}]}", "{alerts_never: [{type: JOB_FAILED, contains: exceeded}]}"),
    ("{alerts_count: {JOB_FAILED: 1, total: 2}}", "{alerts_count: {total: 1}}"),
    ("{threads: {sessions: 1, other: 0}}", "{threads: {sessions: 2}}"),
    ("{cancelled: {sessions: 0}}", "{cancelled: {sessions: 1}}"),
    ('{running: {sessions: "<= 1"}}', '{running: {sessions: "> 1"}}'),
    (
        '{reasons: [{pipeline: sessions, date: "2026-03-02", rule: x, contains: landed}]}',
        '{reasons: [{pipeline: sessions, date: "2026-03-02", rule: y, contains: landed}]}',
    ),
    (
        "{last_event: {pipeline: sessions, type: JOB_COMPLETED}}",
        "{last_event: {pipeline: sessions, type: JOB_FAILED}}",
    ),
    (
        '{started: [{pipeline: sessions, at: "+0s", config: {jobName: sessions, arguments.--par_day: "20260302"}}]}',
        "{started: [{pipeline: sessions, config: {jobName: other}}]}",
    ),
    (
        "{started: [{pipeline: sessions}, {pipeline: sessions}]}",
        "{started: [" + "{pipeline: sessions}, " * 3 + "]}",
    ),
    ('{cost: {transitions: "<= 16", events: "> 4"}}', '{cost: {lambda_invocations: "< 2"}}'),
]


@pytest.mark.parametrize("holds", [pytest.param(holds, id=holds) for holds, _ in EXPECTATIONS])
def test_what_happened_is_as_expected(holds: str) -> None:
    assert unmet(LANDED, expect=holds, **RETRIED) == []


@pytest.mark.parametrize("fails", [pytest.param(fails, id=fails) for _, fails in EXPECTATIONS])
def test_what_did_not_happen_is_found_missing(fails: str) -> None:
    assert len(unmet(LANDED, expect=fails, **RETRIED)) == 1


def test_a_missing_event_is_answered_with_the_nearest_thing_that_happened() -> None:
    world = played(LANDED, expect='{events: [{type: JOB_FAILED, at: "+1m"}]}', **RETRIED)

    (found,) = unmet_expectations(world)

    assert [line.text.split(":")[0] for line in found.happened] == [
        "JOB_FAILED sessions 2026-03-02 attempt 1"
    ]


def test_events_are_counted_by_id_however_often_they_are_published() -> None:
    lost_answers = '{at: "+0s", fault: {call: events.PutEvents, when: after, error: timeout, times: 3}}'

    world = played(lost_answers, LANDED)

    published = [entry.event for entry in world.history.published if entry.event.type == "RUN_OPENED"]
    assert (len(published), len({event.event_id for event in published})) == (4, 1)
    assert sum(entry.event.type == "RUN_OPENED" for entry in world.events()) == 1

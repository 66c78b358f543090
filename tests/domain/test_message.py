"""What an alert says, and which events become one."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from event_builder import AT, an_event
from interlock.domain.alert_facts import MOST_FACTS
from interlock.domain.event import EventType, Severity, severity_of
from interlock.domain.message import MOST_REASONS, alert_of, is_alert, thread_of

VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.just("2026-03-02T08:16:00Z"),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=10,
)
NAMES = st.sampled_from(
    [
        "unmet",
        "explanation",
        "error",
        "retryAt",
        "retriesLeft",
        "mistakes",
        "owner",
        "runbook",
        "durationSeconds",
        "recovered",
    ]
)


@pytest.mark.parametrize("event_type", EventType)
def test_warnings_and_worse_are_alerts_and_nothing_else(event_type):
    told = severity_of(event_type) in (Severity.WARNING, Severity.CRITICAL)

    assert is_alert(an_event(event_type)) is told


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        pytest.param({"recovered": True}, True, id="its trouble was told, so is its end"),
        pytest.param({"recovered": False}, False, id="a healthy run posts nothing"),
        pytest.param({}, False, id="unknown"),
        pytest.param({"recovered": "yes"}, False, id="only true is true"),
    ],
)
def test_a_completion_is_told_when_it_ends_a_trouble(detail, told):
    assert is_alert(an_event(EventType.JOB_COMPLETED, detail=detail)) is told


def test_all_events_of_a_run_share_its_thread():
    assert thread_of(an_event(EventType.SLA_BREACH, event_id="a")) == "stream#2026-03-02"
    assert thread_of(an_event(EventType.JOB_FAILED, event_id="b")) == "stream#2026-03-02"


@pytest.mark.parametrize("missing", ["pipeline_id", "schedule_id", "date"])
def test_an_event_without_a_run_has_a_thread_of_its_own(missing):
    assert thread_of(an_event(EventType.CONFIG_INVALID, event_id="ab12", **{missing: None})) == "event#ab12"


def test_the_title_says_what_happened_to_which_run():
    assert alert_of(an_event()).title == "Job failed: gold-revenue, 2026-03-02, attempt 1"


def test_the_longest_pipeline_id_leaves_date_and_attempt_in_sight():
    title = alert_of(an_event(EventType.SLA_BREACH, pipeline_id="p" * 128)).title

    assert title.startswith("SLA breached: ppp")
    assert len(title) <= 150


@pytest.mark.parametrize("event_type", EventType)
def test_every_event_type_has_a_heading_in_words(event_type):
    title = alert_of(an_event(event_type)).title

    assert "_" not in title
    assert not title.isupper()


@pytest.mark.parametrize("event_type", [kind for kind in EventType if severity_of(kind) is not Severity.INFO])
def test_every_alert_says_what_comes_next(event_type):
    assert alert_of(an_event(event_type)).next_step


def test_what_a_dry_run_tells_promises_no_start():
    event = an_event(EventType.VALIDATION_EXHAUSTED, detail={"dryRun": True})

    assert alert_of(event).next_step.startswith("Nothing was held up")


def test_a_failure_names_when_it_is_tried_again_and_how_often_still():
    detail = {"retryAt": "2026-03-02T08:17:00Z", "retriesLeft": 1}

    said = alert_of(an_event(detail=detail)).next_step

    assert said == "Retry at 08:17 UTC, 2m after this, if the rules hold (retries left: 1)."


def test_a_failure_without_a_retry_says_so():
    assert alert_of(an_event()).next_step == "No retry follows this failure."


ENDS = (EventType.JOB_FAILED, EventType.JOB_TIMEOUT, EventType.RETRY_EXHAUSTED, EventType.INFRA_FAILURE)


@pytest.mark.parametrize("event_type", ENDS)
def test_before_a_rerun_a_job_that_may_still_run_is_looked_for(event_type):
    said = alert_of(an_event(event_type, detail={"jobMayStillRun": True})).next_step

    assert said.startswith(
        "The job may still run, and a rerun would start another beside it: look at its service"
    )
    assert said.endswith("Then: interlock rerun gold-revenue 2026-03-02.")


@pytest.mark.parametrize("event_type", ENDS)
def test_before_a_rerun_a_job_of_which_nobody_knows_is_looked_for(event_type):
    alert = alert_of(an_event(event_type, detail={"startUnknown": True, "runId": "gold-1"}))

    assert alert.next_step.startswith(
        "Nobody knows whether the job was started, or how it ended. Look at its target"
    )
    assert alert.next_step.endswith("if its work is not done: interlock rerun gold-revenue 2026-03-02.")
    assert alert.facts == (("run id", "gold-1"),)


def test_of_a_job_that_nobody_waits_for_and_that_was_cancelled_nothing_is_left_to_stop():
    said = alert_of(
        an_event(EventType.INFRA_FAILURE, detail={"remoteJob": "the job was cancelled"})
    ).next_step

    assert said.startswith("Nothing is left to stop. interlock explain gold-revenue 2026-03-02 says")


def test_the_end_of_a_poll_window_leaves_the_next_step_to_the_end_of_its_attempt():
    said = alert_of(an_event(EventType.JOB_POLL_EXHAUSTED, detail={"jobMayStillRun": True})).next_step

    assert said == "This attempt ends as a time-out, which is announced on its own."


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [
        pytest.param(
            {
                "rule": "row-count.count >= 1000",
                "reason": "row-count.count is 998, wanted >= 1000",
                "seen": 998,
                "wanted": 1000,
                "since": "2026-03-02T07:55:00Z",
            },
            "row-count.count is 998, wanted >= 1000, since 07:55 UTC (20m)",
            id="the sentence has all, nothing is said twice",
        ),
        pytest.param(
            {"rule": "orders.count >= 10", "reason": "orders was never reported", "seen": None, "wanted": 10},
            "orders.count >= 10: orders was never reported",
            id="never reported",
        ),
        pytest.param(
            {"rule": "fresh", "reason": "too old", "seen": "2h", "wanted": "1h"},
            "fresh: too old (seen 2h, wanted 1h)",
            id="values that the sentence lacks",
        ),
        pytest.param({}, "does not hold", id="nothing known"),
        pytest.param("just text", "just text", id="not even a mapping"),
    ],
)
def test_an_unmet_rule_shows_what_was_seen_and_wanted_and_since_when(verdict, reason):
    assert alert_of(an_event(detail={"unmet": [verdict]})).reasons == (reason,)


def test_mistakes_of_a_file_are_listed_with_their_lines():
    mistakes = [
        "gold.yaml:3: schedule.cron: 61 is no minute",
        "gold.yaml:9: job.typ: unknown, did you mean type?",
    ]

    alert = alert_of(an_event(EventType.CONFIG_INVALID, detail={"mistakes": mistakes}))

    assert alert.reasons == tuple(mistakes)


def test_more_reasons_than_anybody_reads_are_counted():
    reasons = alert_of(an_event(detail={"mistakes": [f"line {n}" for n in range(30)]})).reasons

    assert len(reasons) == MOST_REASONS + 1
    assert reasons[-1] == "and 20 more in the event"


def test_facts_come_in_the_order_of_their_weight_and_unknown_ones_too():
    detail = {"zone": "eu", "jobId": "jr_8", "error": "Rate exceeded", "durationSeconds": 312, "bytesRead": 5}

    assert alert_of(an_event(message="attempt 1 failed", detail=detail)).facts == (
        ("error", "Rate exceeded"),
        ("job id", "jr_8"),
        ("duration", "5m 12s"),
        ("bytes read", "5"),
        ("zone", "eu"),
    )


def test_seconds_are_told_as_a_duration():
    assert alert_of(an_event(detail={"lateBySeconds": 90})).facts == (("late by", "1m 30s"),)


def test_facts_are_bounded_in_number_and_length():
    facts = alert_of(an_event(detail={f"fact{n:03}": "x" * 1000 for n in range(40)})).facts

    assert len(facts) == MOST_FACTS + 1
    assert facts[-1] == ("and", "28 more facts in the event")
    assert max(len(value) for _, value in facts) == 300


def test_owner_and_runbook_are_named_apart():
    alert = alert_of(an_event(detail={"owner": "analytics", "runbook": "https://wiki/x"}))

    assert (alert.owner, alert.runbook, alert.facts) == ("analytics", "https://wiki/x", ())


def test_an_instant_among_the_facts_reads_as_a_clock():
    later = (AT + timedelta(minutes=45)).isoformat()

    assert alert_of(an_event(detail={"windowEndsAt": later})).facts == (("window ends at", "09:00 UTC"),)


@pytest.mark.parametrize(
    ("event_type", "mark"),
    [(EventType.SLA_BREACH, "🔴"), (EventType.JOB_FAILED, "🟠"), (EventType.JOB_COMPLETED, "🟢")],
)
def test_the_mark_tells_how_grave_it_is(event_type, mark):
    assert alert_of(an_event(event_type)).mark == mark


def test_the_text_holds_the_message_and_the_facts():
    text = alert_of(an_event(detail={"jobId": "jr_8", "unmet": ["orders"], "owner": "analytics"})).text

    assert text.splitlines() == [
        "🟠 Job failed: gold-revenue, 2026-03-02, attempt 1",
        "attempt 1 failed: Rate exceeded",
        "- orders",
        "Next: No retry follows this failure.",
        "job id: jr_8",
        "owner: analytics",
        "JOB_FAILED · 2026-03-02 08:15:00 UTC · event 3fa9c0d1",
    ]


@settings(deadline=None)  # a busy machine is no failure
@given(message=st.text(), pipeline=st.none() | st.text(), detail=st.dictionaries(st.text() | NAMES, VALUES))
def test_no_event_is_too_odd_for_an_alert(message, pipeline, detail):
    alert = alert_of(an_event(EventType.SENSOR_INVALID, message=message, pipeline_id=pipeline, detail=detail))

    assert len(alert.text) < 15_000
    assert not any(ord(letter) < 32 for letter in alert.text.replace("\n", ""))


def test_what_would_have_to_change_takes_the_place_of_the_verdicts():
    verdict = {"rule": "row-count.count >= 1000", "reason": "row-count.count is 900, wanted >= 1000"}
    detail = {"unmet": [verdict], "explanation": ["row-count.count is 900: must rise by 100 to 1000"]}

    alert = alert_of(an_event(EventType.VALIDATION_EXHAUSTED, detail=detail))

    assert alert.reasons == ("row-count.count is 900: must rise by 100 to 1000",)
    assert not any(name in ("unmet", "explanation") for name, _ in alert.facts)


def test_of_a_long_explanation_an_alert_shows_the_first_lines_and_how_many_more():
    alert = alert_of(an_event(detail={"explanation": [f"line {n}" for n in range(30)]}))

    assert alert.reasons == (*(f"line {n}" for n in range(MOST_REASONS)), "and 20 more in the event")


def test_what_the_message_says_is_no_fact_again():
    detail = {"error": "Rate exceeded", "category": "TRANSIENT"}

    assert alert_of(an_event(detail=detail)).facts == (("category", "TRANSIENT"),)


def test_a_number_stays_a_fact_though_the_message_has_it_by_chance():
    event = an_event(message="job succeeded at attempt 2", detail={"recordsProcessed": 2})

    assert alert_of(event).facts == (("records processed", "2"),)


@pytest.mark.parametrize(
    ("name", "nothing"),
    [("lateBySeconds", 0), ("critical", False), ("requestedBy", ""), ("jobId", None)],
)
def test_nothing_is_no_fact(name, nothing):
    assert alert_of(an_event(detail={name: nothing})).facts == ()


def test_no_records_are_a_fact():
    assert alert_of(an_event(detail={"recordsProcessed": 0})).facts == (("records processed", "0"),)


def test_a_list_among_the_facts_reads_as_words():
    assert alert_of(an_event(detail={"parts": ["a", "b"]})).facts == (("parts", "a, b"),)


def test_the_only_mistake_of_a_file_is_read_once():
    mistake = "gold.yaml:3: schedule.cron: 61 is no minute"
    event = an_event(
        EventType.CONFIG_INVALID,
        message=f"gold.yaml has 1 mistake: {mistake}",
        detail={"mistakes": [mistake], "mistakeCount": 1, "source": "gold.yaml"},
    )

    alert = alert_of(event)

    assert (alert.reasons, alert.facts) == ((), ())


def test_the_next_step_is_a_command_to_type():
    said = alert_of(an_event(EventType.RETRY_EXHAUSTED)).next_step

    assert said.endswith("interlock rerun gold-revenue 2026-03-02.")


@pytest.mark.parametrize("event_type", EventType)
@pytest.mark.parametrize("unknown", ["pipeline_id", "date"])
def test_no_next_step_has_a_gap(event_type, unknown):
    assert "{" not in alert_of(an_event(event_type, **{unknown: None})).next_step

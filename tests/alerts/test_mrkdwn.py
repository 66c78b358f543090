"""Slack's markup: what is escaped, and what stays readable."""

import pytest

from event_builder import an_event
from interlock.alerts.mrkdwn import escaped, paragraphs
from interlock.domain.message import alert_of


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("a & b < c > d", "a &amp; b &lt; c &gt; d"),
        ("&lt;", "&amp;lt;"),
        ("<!channel>", "&lt;!channel&gt;"),
        ("run `rm`", "run 'rm'"),
        ("@here", "@\u2060here"),
        ("(@channel)", "(@\u2060channel)"),
        pytest.param("data@example.com", "data@example.com", id="an address is no mention"),
        pytest.param("5 @ 3", "5 @ 3", id="nobody is named"),
    ],
)
def test_text_stays_text(text, safe):
    assert escaped(text) == safe


@pytest.mark.parametrize(
    ("runbook", "line"),
    [
        ("https://wiki/x?a=1&b=2", "<https://wiki/x?a=1&amp;b=2|runbook>"),
        ("http://wiki/x", "<http://wiki/x|runbook>"),
        pytest.param(
            "https://a|ok> <!here", "runbook: https://a|ok&gt; &lt;!here", id="no way out of a link"
        ),
        pytest.param(
            "javascript:alert(1)", "runbook: javascript:alert(1)", id="only web addresses are links"
        ),
        pytest.param("ask Ann", "runbook: ask Ann", id="no address at all"),
    ],
)
def test_a_runbook_is_a_link_when_it_is_an_address(runbook, line):
    assert line in paragraphs(alert_of(an_event(detail={"runbook": runbook})))[-1].splitlines()


def test_an_alert_reads_from_what_happened_to_whom_to_ask():
    detail = {
        "unmet": [{"rule": "orders exists", "reason": "orders was never reported"}],
        "jobId": "jr_8",
        "retryAt": "2026-03-02T08:16:00Z",
        "owner": "analytics",
    }

    assert paragraphs(alert_of(an_event(detail=detail))) == [
        "🟠 *Job failed: gold-revenue, 2026-03-02, attempt 1*\nattempt 1 failed: Rate exceeded",
        "• orders exists: orders was never reported",
        "*Next:* Retry at 08:16 UTC, 1m after this, if the rules hold.",
        "job id: `jr_8`",
        "owner: analytics\n_JOB_FAILED · 2026-03-02 08:15:00 UTC · event 3fa9c0d1_",
    ]


def test_a_message_that_only_escaping_makes_too_long_is_shown_from_its_beginning():
    head = paragraphs(alert_of(an_event(message="&" * 1000)))[0]

    assert head.splitlines()[1] == "&amp;" * 250 + "…"

"""The local Slack: as strict as Slack about what it takes, and readable in a terminal."""

import io
import json

import pytest
import urllib3

from event_builder import an_event
from interlock.alerts.slack import SlackChannel
from interlock.domain.event import EventType
from interlock.domain.message import alert_of
from interlock.local.slack_endpoint import SlackEndpoint, render_thread
from interlock.ports import DeliveryError

TOKEN, CHANNEL = "xoxb-local", "C0LOCAL"
SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "hello"}}


@pytest.fixture
def slack():
    with SlackEndpoint(TOKEN, CHANNEL) as endpoint:
        yield endpoint


@pytest.fixture
def http():
    with urllib3.PoolManager(timeout=5, retries=False) as pool:
        yield pool


def post(slack, http, message, token=TOKEN, method="chat.postMessage"):
    body = message if isinstance(message, bytes) else json.dumps({"channel": CHANNEL} | message).encode()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = http.request("POST", f"{slack.url}/{method}", body=body, headers=headers)
    return answer.json()


def test_a_message_is_taken_and_kept(slack, http):
    answer = post(slack, http, {"text": "hello"})

    assert answer["ok"] is True
    assert answer["channel"] == CHANNEL
    assert [(message.ts, message.text) for message in slack.messages] == [(answer["ts"], "hello")]


def test_replies_stand_in_the_thread_they_reply_to(slack, http):
    first = post(slack, http, {"text": "a"})["ts"]
    post(slack, http, {"text": "b"})
    post(slack, http, {"text": "c", "thread_ts": first})

    assert [[message.text for message in thread] for thread in slack.threads()] == [["a", "c"], ["b"]]


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ({"text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
        ({"text": "x", "thread_ts": 5}, "thread_not_found"),
        ({"text": "x", "channel": "C1"}, "channel_not_found"),
        ({}, "no_text"),
        ({"text": 5}, "invalid_arguments"),
        ({"blocks": {}}, "invalid_arguments"),
        (b"text=x", "invalid_arguments"),
        (b"[1]", "invalid_arguments"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"blocks": [SECTION] * 51}, "invalid_blocks"),
        ({"blocks": [{"type": "section"}]}, "invalid_blocks"),
        ({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": ""}}]}, "invalid_blocks"),
        ({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]}, "invalid_blocks"),
        (
            {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3000}}] * 4},
            "msg_blocks_too_long",
        ),
    ],
)
def test_what_slack_would_refuse_is_refused(slack, http, message, error):
    assert post(slack, http, message) == {"ok": False, "error": error}
    assert slack.messages == []


@pytest.mark.parametrize(("token", "error"), [("xoxb-other", "invalid_auth"), (None, "not_authed")])
def test_only_the_bot_may_post(slack, http, token, error):
    assert post(slack, http, {"text": "x"}, token=token) == {"ok": False, "error": error}


def test_other_methods_are_unknown(slack, http):
    assert post(slack, http, {"text": "x"}, method="chat.update")["error"] == "unknown_method"


def test_failures_that_were_asked_for_come_next_and_end(slack, http):
    channel = SlackChannel(lambda _: TOKEN, CHANNEL, slack.url, http)
    slack.fail_next(1, status=429, retry_after=7)
    slack.fail_next(1, status=200, error="is_archived")

    with pytest.raises(DeliveryError) as limited:
        channel.send(alert_of(an_event()), None)
    with pytest.raises(DeliveryError, match="is_archived"):
        channel.send(alert_of(an_event()), None)
    channel.send(alert_of(an_event()), None)

    assert limited.value.retry_after_seconds == 7
    assert len(slack.messages) == 1


def test_a_thread_reads_in_the_terminal_as_a_person_would_read_it(http):
    out = io.StringIO()
    detail = {"error": "Rate <exceeded> & more", "runbook": "https://wiki/x?a=1&b=2"}
    with SlackEndpoint(TOKEN, CHANNEL, out) as slack:
        channel = SlackChannel(lambda _: TOKEN, CHANNEL, slack.url, http)
        thread = channel.send(alert_of(an_event(detail=detail)), None)
        channel.send(alert_of(an_event(EventType.RETRY_EXHAUSTED, message="no attempt is left")), thread)

        (messages,) = slack.threads()

    assert render_thread(messages) == (
        "🟠 Job failed: gold-revenue, 2026-03-02, attempt 1\n"
        "   attempt 1 failed: Rate exceeded\n"
        "   Next: No retry follows this failure.\n"
        "   error: Rate <exceeded> & more\n"
        "   runbook: https://wiki/x?a=1&b=2\n"
        "   JOB_FAILED · 2026-03-02 08:15:00 UTC · event 3fa9c0d1\n"
        "\n"
        "  ↳ 🔴 Run failed, no retry left: gold-revenue, 2026-03-02, attempt 1\n"
        "      no attempt is left\n"
        "      Next: Nothing more will be tried. Find the cause in the job's own log. Once that is settled:"
        " interlock rerun gold-revenue 2026-03-02.\n"
        "      RETRY_EXHAUSTED · 2026-03-02 08:15:00 UTC · event 3fa9c0d1"
    )
    assert out.getvalue() == render_thread(messages).replace("\n\n", "\n") + "\n"


def test_no_sender_moves_the_terminals_cursor(slack, http):
    post(slack, http, {"text": "a\x1b[2Jb\x07"})

    assert render_thread(slack.messages) == "a [2Jb"


def test_it_listens_on_this_machine_alone(slack):
    assert slack.url.startswith("http://127.0.0.1:")

"""Slack's wire: what is posted, and what each of its answers means."""

import json

import pytest
import urllib3

from alerts.scripted_server import serving
from event_builder import an_event
from interlock.alerts.slack import SlackChannel
from interlock.domain.event import EventType
from interlock.domain.message import alert_of
from interlock.ports import DeliveryError

ALERT = alert_of(an_event(detail={"error": "Rate exceeded"}))
OK = (200, json.dumps({"ok": True, "ts": "1503435956.000247"}).encode(), {})


def says(error, **headers):
    return 200, json.dumps({"ok": False, "error": error}).encode(), headers


class Token:
    """A secret that is rotated when it is read anew."""

    def __init__(self, first="xoxb-old", then="xoxb-new"):
        self.value, self._then = first, then

    def __call__(self, anew):
        if anew:
            self.value = self._then
        return self.value


@pytest.fixture
def http():
    with urllib3.PoolManager() as pool:
        yield pool


def send(http, *answers, alert=ALERT, thread=None, token=None):
    with serving(*answers) as (server, address):
        channel = SlackChannel(token or Token(), "C0123456789", f"{address}/api/", http)
        try:
            return server.requests, channel.send(alert, thread)
        except DeliveryError as error:
            return server.requests, error


def test_a_message_goes_to_the_channel_with_the_bot_token(http):
    requests, _ = send(http, OK)

    path, headers, body = requests[0]
    assert path == "/api/chat.postMessage"
    assert headers["Authorization"] == "Bearer xoxb-old"
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert body["channel"] == "C0123456789"


def test_a_message_is_blocks_for_the_eye_and_text_for_notifications(http):
    requests, _ = send(http, OK)

    body = requests[0][2]
    assert body["text"].startswith("🟠 *Job failed: gold-revenue, 2026-03-02, attempt 1*")
    assert {block["type"] for block in body["blocks"]} == {"section"}
    assert "*Next:* No retry follows this failure." in [block["text"]["text"] for block in body["blocks"]]


def test_slack_is_told_to_make_nothing_of_plain_text(http):
    requests, _ = send(http, OK)

    body = requests[0][2]
    assert all(block["text"]["verbatim"] for block in body["blocks"])
    assert [body[name] for name in ("parse", "link_names", "unfurl_links", "unfurl_media")] == ["none"] + [
        False
    ] * 3


def test_the_first_message_opens_the_thread(http):
    requests, reference = send(http, OK)

    assert "thread_ts" not in requests[0][2]
    assert reference == "1503435956.000247"


def test_a_later_message_replies_and_the_thread_stays_the_same(http):
    requests, reference = send(http, OK, thread="1500000000.000001")

    assert requests[0][2]["thread_ts"] == "1500000000.000001"
    assert reference == "1500000000.000001"


@pytest.mark.parametrize(
    ("event_type", "shown"),
    [
        pytest.param(EventType.SLA_BREACH, True, id="what is critical does not hide in a thread"),
        pytest.param(EventType.JOB_FAILED, False, id="a warning stays in it"),
    ],
)
def test_a_critical_reply_is_shown_in_the_channel_too(http, event_type, shown):
    requests, _ = send(http, OK, thread="1500000000.000001", alert=alert_of(an_event(event_type)))

    assert requests[0][2]["reply_broadcast"] is shown


@pytest.mark.parametrize("error", ["thread_not_found", "invalid_thread_ts", "cannot_reply_to_message"])
def test_an_alert_whose_thread_is_gone_opens_another(http, error):
    requests, reference = send(http, says(error), OK, thread="1500000000.000001")

    assert [body.get("thread_ts") for _, _, body in requests] == ["1500000000.000001", None]
    assert reference == "1503435956.000247"


@pytest.mark.parametrize(
    "error", ["invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"]
)
def test_a_token_that_is_refused_is_read_anew_once(http, error):
    requests, reference = send(http, says(error), OK)

    assert [headers["Authorization"] for _, headers, _ in requests] == ["Bearer xoxb-old", "Bearer xoxb-new"]
    assert reference == "1503435956.000247"


def test_a_token_that_is_refused_twice_is_given_up(http):
    requests, error = send(http, says("token_revoked"))

    assert (len(requests), error.permanent) == (2, True)
    assert "xoxb" not in str(error)


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        ("channel_not_found", "SLACK_CHANNEL_ID"),
        ("not_in_channel", "invite the app"),
        ("is_archived", "unarchive"),
        ("missing_scope", "chat:write"),
        ("msg_too_long", "defect"),
        ("invalid_blocks", "defect"),
    ],
)
def test_what_only_a_person_can_mend_is_permanent_and_says_how(http, error, advice):
    requests, failed = send(http, says(error))

    assert (len(requests), failed.permanent) == (1, True)
    assert advice in str(failed)
    assert "https://docs.slack.dev/" in str(failed)


@pytest.mark.parametrize(
    "error", ["service_unavailable", "fatal_error", "team_added_to_org", "something_new"]
)
def test_what_nobody_knows_to_be_permanent_is_tried_again(http, error):
    _, failed = send(http, says(error))

    assert not failed.permanent
    assert error in str(failed)


@pytest.mark.parametrize("error", ["ratelimited", "rate_limited"])
def test_a_limit_in_the_body_counts_as_one_in_the_status(http, error):
    _, failed = send(http, says(error, **{"Retry-After": "7"}))

    assert (failed.permanent, failed.retry_after_seconds) == (False, 7)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>proxy</html>",
        b"[]",
        b'"ok"',
        b"{}",
        b'{"ok": "true", "ts": "1.1"}',
        b'{"ts": "1.1"}',
        b'{"ok": true}',
        b"[" * 50_000,
        b"\xff",
    ],
)
def test_an_answer_that_is_not_slacks_is_no_success(http, body):
    _, failed = send(http, (200, body, {}))

    assert isinstance(failed, DeliveryError)
    assert not failed.permanent


def test_an_error_of_no_known_shape_is_not_repeated(http):
    _, failed = send(http, says("see https://evil/?t=xoxb-old"))

    assert "evil" not in str(failed)


@pytest.mark.parametrize("token", ["", "  ", "xoxb-a\r\nX-Evil: 1", "xoxb a", "xöxb"])
def test_a_secret_that_is_no_token_is_named_not_shown(http, token):
    requests, failed = send(http, OK, token=Token(token, token))

    assert (requests, failed.permanent) == ([], True)
    assert "does not hold a Slack token" in str(failed)
    assert "Evil" not in str(failed)


def test_a_line_break_at_the_end_of_the_secret_does_no_harm(http):
    requests, _ = send(http, OK, token=Token("xoxb-old\n"))

    assert requests[0][1]["Authorization"] == "Bearer xoxb-old"

"""Alerts as Slack messages, one thread for each run, through `chat.postMessage` with a bot token."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import urllib3

from interlock.alerts import ChannelMisconfigured, ChannelSettings, Secret
from interlock.alerts.mrkdwn import headline, paragraphs
from interlock.alerts.post import Answer, post_json, refuse_status, retry_after_seconds
from interlock.domain.event import Severity
from interlock.domain.message import Alert
from interlock.ports import DeliveryError

_DOCS = "https://docs.slack.dev/reference/methods/chat.postMessage"
# Trying again cannot help: a person must do this first. What is in neither table (service_unavailable,
# fatal_error, team_added_to_org, what Slack will add ...) may pass.
_TOKEN_ERRORS = {
    "invalid_auth": "put the app's bot token into the alert secret",
    "not_authed": "put the app's bot token into the alert secret",
    "account_inactive": "install the app again and store its new token",
    "token_revoked": "install the app again and store its new token",
    "token_expired": "store the rotated token in the alert secret",
}
_PERMANENT = _TOKEN_ERRORS | {
    "channel_not_found": "correct SLACK_CHANNEL_ID, or invite the app if the channel is private",
    "not_in_channel": "invite the app to the channel",
    "is_archived": "unarchive the channel, or set SLACK_CHANNEL_ID to another",
    "is_inactive": "set SLACK_CHANNEL_ID to another channel",
    "channel_type_not_supported": "set SLACK_CHANNEL_ID to a public or private channel",
    "missing_scope": "give the app the scope chat:write and install it again",
    "not_allowed_token_type": "store a bot token (xoxb-), no other kind",
    "restricted_action": "let the app post there: a preference of the workspace forbids it",
    "restricted_action_read_only_channel": "let the app post there: the channel is read-only",
    "restricted_action_thread_only_channel": "let the app post there: the channel takes replies only",
    "ekm_access_denied": "ask the workspace's administrators, who suspended posting",
    "access_denied": "ask the workspace's administrators",
    "accesslimited": "ask the workspace's administrators, who limit the network",
    "no_permission": "invite the app to the channel",
    "team_access_not_granted": "grant the app access to the workspace",
    # The message itself is at fault.
    "no_text": "report this as a defect of Interlock",
    "msg_too_long": "report this as a defect of Interlock",
    "msg_blocks_too_long": "report this as a defect of Interlock",
    "invalid_blocks": "report this as a defect of Interlock",
    "invalid_blocks_format": "report this as a defect of Interlock",
    "invalid_arguments": "report this as a defect of Interlock",
}
# Somebody deleted or locked the thread: the alert must not be lost with it, so it opens another.
_THREAD_GONE = frozenset(
    (
        "thread_not_found",
        "invalid_thread_ts",
        "cannot_reply_to_message",
        "restricted_action_thread_locked",
        "restricted_action_non_threadable_channel",
    )
)
_RATE_LIMITED = frozenset(("ratelimited", "rate_limited"))
_ERROR_NAME = re.compile(r"[a-z0-9_]{1,80}\Z")


class SlackChannel:
    """Posts to one channel. The token is asked for at each message, and read anew when Slack refuses it."""

    def __init__(self, token: Secret, channel_id: str, api_url: str, http: urllib3.PoolManager) -> None:
        self._token = token
        self._channel_id = channel_id
        self._url = f"{api_url.rstrip('/')}/chat.postMessage"
        self._http = http

    def send(self, alert: Alert, thread: str | None) -> str:
        """The `ts` of the thread's first message, which may be another than `thread` if that is gone."""
        answer = self._post(_message(alert, self._channel_id, thread))
        if answer.get("error") in _THREAD_GONE and thread:
            thread = None
            answer = self._post(_message(alert, self._channel_id, thread))
        if answer.get("ok") is not True:
            raise _refusal(str(answer.get("error")))
        if thread is None and not isinstance(answer.get("ts"), str):
            raise DeliveryError("Slack took the message but named no ts for its thread", permanent=False)
        return thread or str(answer["ts"])

    def _post(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = self._post_with(self._token(False), message)
        if answer.get("error") in _TOKEN_ERRORS:
            answer = self._post_with(self._token(True), message)  # rotated since this container read it
        return answer

    def _post_with(self, token: str, message: Mapping[str, Any]) -> Mapping[str, Any]:
        headers = {"Authorization": f"Bearer {_checked(token)}"}
        return _read(post_json(self._http, "Slack", self._url, message, headers))


def slack_channel(settings: ChannelSettings, secret: Secret) -> SlackChannel:
    """The channel of the settings; `ChannelMisconfigured` when they name none."""
    if not settings.slack_channel_id:
        raise ChannelMisconfigured("SLACK_CHANNEL_ID is not set: name the channel, like C0123456789")
    return SlackChannel(secret, settings.slack_channel_id, settings.slack_api_url, urllib3.PoolManager())


def _message(alert: Alert, channel_id: str, thread: str | None) -> dict[str, Any]:
    message: dict[str, Any] = {
        "channel": channel_id,
        "text": headline(alert),  # for notifications and screen readers; blocks are what a person sees
        "blocks": [_section(paragraph) for paragraph in paragraphs(alert)],
        "parse": "none",
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }
    if thread is not None:
        message["thread_ts"] = thread
        # A reply notifies only who follows the thread; what is critical must not hide in an old one.
        message["reply_broadcast"] = alert.severity is Severity.CRITICAL
    return message


def _section(paragraph: str) -> dict[str, Any]:
    # `verbatim`: names and addresses in plain text are not turned into mentions and links.
    # https://docs.slack.dev/reference/block-kit/composition-objects/text-object
    return {"type": "section", "text": {"type": "mrkdwn", "text": paragraph, "verbatim": True}}


def _checked(token: str) -> str:
    token = token.strip()
    # The HTTP library would quote a header that it cannot send in its error, token and all.
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise DeliveryError(
            "the alert secret does not hold a Slack token (one line, like xoxb-...)", permanent=True
        )
    return token


def _read(answer: Answer) -> Mapping[str, Any]:
    """Slack's JSON: it says `ok: false` with status 200, and uses other statuses for limits and outages."""
    refuse_status("Slack", answer)
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise DeliveryError("Slack answered something that is not its JSON", permanent=False)
    if body.get("error") in _RATE_LIMITED:
        wait = retry_after_seconds(answer.headers)
        raise DeliveryError("Slack: ratelimited", permanent=False, retry_after_seconds=wait)
    return body


def _refusal(error: str) -> DeliveryError:
    name = error if _ERROR_NAME.match(error) else "an error without a name"
    advice = f"; {_PERMANENT[error]}" if error in _PERMANENT else ""
    return DeliveryError(f"Slack: {name}{advice} ({_DOCS}#errors)", permanent=error in _PERMANENT)

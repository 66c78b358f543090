"""Alerts as one text to an incoming webhook: Slack's, or that of any tool that takes `{"text": ...}`."""

from __future__ import annotations

import urllib3

from interlock.alerts import ChannelSettings, Secret
from interlock.alerts.mrkdwn import paragraphs
from interlock.alerts.post import post_json, refuse_status
from interlock.domain.message import Alert
from interlock.ports import DeliveryError

# A webhook answers nothing that a later message could refer to: each alert stands alone.
NO_THREAD = "webhook"
_ADDRESS_GONE = frozenset({401, 403, 404, 410})


class WebhookChannel:
    """Posts to the address that the secret holds; it is read anew when the address is refused."""

    def __init__(self, address: Secret, http: urllib3.PoolManager) -> None:
        self._address = address
        self._http = http

    def send(self, alert: Alert, thread: str | None) -> str:  # noqa: ARG002  (the port's signature)
        body = {"text": "\n".join(paragraphs(alert))}
        answer = post_json(self._http, "the webhook", _checked(self._address(False)), body)
        if answer.status in _ADDRESS_GONE:
            answer = post_json(self._http, "the webhook", _checked(self._address(True)), body)
        # 4xx are permanent for Slack's webhooks: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
        refuse_status("the webhook", answer)
        return NO_THREAD


def webhook_channel(settings: ChannelSettings, secret: Secret) -> WebhookChannel:  # noqa: ARG001  (as every channel)
    return WebhookChannel(secret, urllib3.PoolManager())


def _checked(address: str) -> str:
    address = address.strip()
    if not address.isascii() or not address.isprintable() or " " in address or not _is_safe(address):
        # Without a quote: the address is the secret.
        raise DeliveryError("the alert secret does not hold a webhook's https address", permanent=True)
    return address


def _is_safe(address: str) -> bool:
    try:
        url = urllib3.util.parse_url(address)
    except urllib3.exceptions.LocationParseError:
        return False
    # Unencrypted only on this machine, where the embedded stack listens.
    return bool(url.host) and (url.scheme == "https" or (url.scheme == "http" and url.host == "127.0.0.1"))

"""Where people read alerts: one file for each kind of channel, imported on first use."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Protocol

from interlock.ports import AlertChannel

# A channel of another kind is a module, a line here, and a row in the contract test.
CHANNELS = {
    "slack": "interlock.alerts.slack:slack_channel",
    "webhook": "interlock.alerts.webhook:webhook_channel",
}

Secret = Callable[[bool], str]  # the channel's secret; True reads it anew, for it may have been rotated


class ChannelMisconfigured(ValueError):
    """The settings do not describe a channel that there is."""


class ChannelSettings(Protocol):
    """What the channels read of the alert dispatcher's settings."""

    @property
    def alert_channel(self) -> str: ...
    @property
    def slack_channel_id(self) -> str: ...
    @property
    def slack_api_url(self) -> str: ...


def channel_of(settings: ChannelSettings, secret: Secret) -> AlertChannel:
    """The channel that the settings choose; `ChannelMisconfigured` says what to set."""
    try:
        module, _, factory = CHANNELS[settings.alert_channel].partition(":")
    except KeyError:
        kinds = " or ".join(CHANNELS)
        raise ChannelMisconfigured(
            f"ALERT_CHANNEL is {settings.alert_channel!r}; set it to {kinds}"
        ) from None
    channel: AlertChannel = getattr(import_module(module), factory)(settings, secret)
    return channel

"""The settings choose the channel."""

import pytest

from alerts.scripted_server import serving
from event_builder import an_event
from interlock.alerts import CHANNELS, ChannelMisconfigured, channel_of
from interlock.domain.message import alert_of
from interlock.settings.alert_dispatcher import AlertDispatcherSettings


def settings(**changes):
    values = {
        "events_table": "e",
        "alert_queue_url": "q",
        "alert_channel": "slack",
        "alert_secret_arn": "arn",
    }
    return AlertDispatcherSettings(**(values | {"slack_channel_id": "C1"} | changes))


def test_slack_posts_to_the_channel_of_the_settings():
    with serving((200, b'{"ok": true, "ts": "1.1"}', {})) as (server, address):
        channel_of(settings(slack_api_url=f"{address}/api"), lambda _: "xoxb-1").send(
            alert_of(an_event()), None
        )

    assert server.bodies[0]["channel"] == "C1"


def test_a_webhook_posts_to_the_address_of_the_secret():
    with serving((200, b"ok", {})) as (server, address):
        channel_of(settings(alert_channel="webhook"), lambda _: f"{address}/T0").send(
            alert_of(an_event()), None
        )

    assert server.requests[0][0] == "/T0"


def test_a_kind_that_there_is_not_is_refused_with_those_there_are():
    with pytest.raises(ChannelMisconfigured, match=f"'pigeon'; set it to {' or '.join(CHANNELS)}"):
        channel_of(settings(alert_channel="pigeon"), lambda _: "")


def test_slack_without_a_channel_is_refused():
    with pytest.raises(ChannelMisconfigured, match="SLACK_CHANNEL_ID is not set"):
        channel_of(settings(slack_channel_id=""), lambda _: "xoxb-1")

"""What alert-dispatcher reads from its environment."""

from dataclasses import dataclass

from interlock.settings import FromEnvironment


@dataclass(frozen=True)
class AlertDispatcherSettings(FromEnvironment):
    events_table: str
    alert_queue_url: str
    alert_channel: str  # `slack` or `webhook`
    alert_secret_arn: str  # Slack: the bot token; webhook: the address
    slack_channel_id: str = ""
    slack_api_url: str = "https://slack.com/api"
    events_ttl_days: str = "90"

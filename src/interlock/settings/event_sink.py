"""What event-sink reads from its environment."""

from dataclasses import dataclass

from interlock.settings import FromEnvironment


@dataclass(frozen=True)
class EventSinkSettings(FromEnvironment):
    events_table: str
    events_ttl_days: str = "90"

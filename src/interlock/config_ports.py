"""What config-sync needs from the outside beside the control table; people wait for it, and no hot function's start pays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from interlock.domain.event import Announcement
from interlock.domain.pipeline import Pipeline
from interlock.domain.schedule import Calendar


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """What is known about one YAML file after the last sync: the row that records it, and its outbox."""

    source: str
    etag: str
    pipeline_id: str | None
    valid: bool
    version: int = 0
    calendar: str | None = None  # the one that it holds; its last good one while it is invalid
    calendars: tuple[str, ...] = ()  # that the pipeline's config in force names
    missing: tuple[str, ...] = ()  # that it was refused for naming


@dataclass(frozen=True, slots=True)
class StoredCalendar:
    """The row of a calendar."""

    source: str | None  # the file it came from; None if somebody put the row there
    calendar: Calendar | None  # None if somebody wrote over the row


class ConfigLedger(Protocol):
    """Which file holds which pipeline or calendar; read and written by config sync alone."""

    def files(self) -> list[ConfigFile]: ...
    def put_file(self, file: ConfigFile, announcement: Announcement | None, now: datetime) -> None: ...
    def remove_file(self, source: str) -> None: ...
    def calendar(self, name: str) -> StoredCalendar | None: ...
    def put_calendar(self, calendar: Calendar, source: str, now: datetime) -> None: ...
    def remove_calendar(self, name: str) -> None: ...


class CronSchedules(Protocol):
    """One EventBridge Scheduler schedule for each cron pipeline."""

    def put(self, pipeline: Pipeline) -> None:
        """Create it, or change it to what the config says. Two calls at most."""

    def remove(self, pipeline_id: str) -> None: ...


class ConfigWithheld(Exception):
    """A file is there, but the source will not hand it over until somebody changes something: the message says what."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code  # the source's own name for why


class ConfigSource(Protocol):
    """Where users keep their YAML."""

    def listing(self) -> Mapping[str, str]:
        """Name to etag of every YAML file. One call for each thousand."""

    def read(self, name: str) -> tuple[bytes, str] | None:
        """Content (at most one byte more than a config may have) and etag; None when it is gone. `ConfigWithheld`."""

"""Bring the stored configs in step with the user's YAML files: one pass, safely repeated, each file on its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from interlock.config_ports import ConfigFile, ConfigWithheld
from interlock.domain import announcement
from interlock.domain.pipeline import Pipeline
from interlock.domain.pipeline_codec import StoredPipelineUnreadable, decode_pipeline, encode_pipeline
from interlock.domain.schedule import calendar_names
from interlock.pipeline_yaml import Mistake, PipelineInvalid, is_calendar_file
from interlock.pipeline_yaml.public_holidays import HolidaysUnknown
from interlock.ports import CallFailed, StoredConfig
from interlock.steps.link_dependents import gives_up_rule, link_dependents, refuse_circle
from interlock.steps.sync_calendars import (
    calendars_held,
    calendars_without_file,
    ensure_holidays,
    give_up_calendar,
    has_file,
    holidays_among,
    holidays_in_force,
    missing_calendars,
    settle_calendar,
    sync_calendar,
)
from interlock.steps.sync_pass import (
    GIVEN_UP,
    ConfigSyncPorts,
    Pass,
    has_schedule,
    promise,
    refuse,
    remove_pipeline,
)

__all__ = ["ConfigSyncPorts", "SyncFailed", "sync_configs"]

log = logging.getLogger(__name__)

_MOST_HELD_BYTES = 32 * 1024 * 1024  # the function has 256 MB


class SyncFailed(Exception):
    """Some files could not be brought in step; the others were. The next pass tries them again."""


_Content = tuple[bytes, str]  # text, etag


@dataclass(slots=True)
class _Pipelines:
    """Pipelines that wait until the calendars are known: their texts, as far as they fit into memory."""

    contents: dict[str, _Content | None] = field(default_factory=dict)  # None: to be read once more
    room: int = _MOST_HELD_BYTES

    def add(self, name: str, content: _Content) -> None:
        self.room -= len(content[0])
        self.contents[name] = content if self.room >= 0 else None


def sync_configs(ports: ConfigSyncPorts, now: datetime) -> None:
    """Compare the listing with what the last pass recorded, file by file; only what differs is read.

    The record of a file says that it is unfinished until all is written, so a pass that dies is repeated by the next.
    """
    listing = ports.source.listing()
    known = {file.source: file for file in ports.ledger.files()}
    given_up = known.pop(GIVEN_UP, None) is not None
    gone = sorted(name for name, file in known.items() if has_file(file) and name not in listing)
    leaving = {name: known.pop(name) for name in gone}
    current = Pass(ports, now, listing, known, leaving, given_up)
    failures: list[str] = []
    _sync_changed(current, failures)
    if current.given_up or leaving:
        # A file may be invalid only because another one held its pipeline id, or closed a circle with it, until now.
        for name in sorted(name for name, file in known.items() if not file.valid and has_file(file)):
            _guarded(partial(_sync_file, name, current), name, failures)
    if not current.unsettled:  # else one may be one of these under another name, or was refused for them
        _guarded(current.tried_again, GIVEN_UP, failures)
        for name in gone:
            _guarded(partial(_forget_file, name, current), name, failures)
    for name in holidays_in_force(current):
        _guarded(partial(ensure_holidays, name, current), name, failures)
    if not failures:  # else a pipeline that could not be brought in step may name one of these
        for file in calendars_without_file(current):
            _guarded(partial(settle_calendar, file, current), file.source, failures)
    if failures:
        raise SyncFailed("; ".join(failures[:10]))


def _sync_changed(current: Pass, failures: list[str]) -> None:
    """Calendars first: a pipeline of the same pass must find the one that it names."""
    known, pipelines = current.known, _Pipelines()
    for name in sorted(current.listing):
        if name not in known or known[name].etag != current.listing[name]:
            _guarded(partial(_sort_out, name, pipelines, current), name, failures)
    held = calendars_held(current)
    refused_for_them = [name for name, file in known.items() if held & set(file.missing)]
    for name, content in pipelines.contents.items():
        work = (
            partial(_sync_pipeline, name, *content, current)
            if content
            else partial(_sync_file, name, current)
        )
        _guarded(work, name, failures)
    for name in sorted(set(refused_for_them) - set(pipelines.contents)):
        _guarded(partial(_sync_file, name, current), name, failures)


def _guarded(work: Callable[[], None], name: str, failures: list[str]) -> None:
    try:
        work()
    except (CallFailed, HolidaysUnknown) as error:
        log.error("config file could not be brought in step", extra={"source": name, "error": str(error)})
        failures.append(f"{name}: {error}")


def _sort_out(name: str, pipelines: _Pipelines, current: Pass) -> None:
    content = _read_pipeline(name, current)
    if content is not None:
        pipelines.add(name, content)


def _sync_file(name: str, current: Pass) -> None:
    content = _read_pipeline(name, current)
    if content is not None:
        _sync_pipeline(name, *content, current)


def _read_pipeline(name: str, current: Pass) -> _Content | None:
    """The text and etag of a pipeline. A calendar is synced at once, and what cannot be read refused."""
    current.unsettled.add(name)
    try:
        content = current.ports.source.read(name)
    except ConfigWithheld as withheld:
        mistake = Mistake(name, 1, "", str(withheld))
        # No file has this etag: it is tried again at each pass, and the refusal told once.
        refuse(name, f"withheld:{withheld.code}", PipelineInvalid([mistake]), current)
        return None
    if content is None:
        current.unsettled.discard(name)
        return None  # removed since the listing: the next pass forgets it
    if not is_calendar_file(content[0]):
        return content
    sync_calendar(name, *content, current)
    return None


def _sync_pipeline(name: str, text: bytes, etag: str, current: Pass) -> None:
    ports, before = current.ports, current.known.get(name)
    try:
        checked = ports.check(text, name)
        pipeline = checked.pipeline
        stored = ports.control.config(pipeline.id)
        _refuse_second_owner(pipeline.id, name, stored, current.listing)
        refuse_circle(checked, ports.control, current.listing)
    except PipelineInvalid as invalid:
        refuse(name, etag, invalid, current)
        return
    missing = missing_calendars(checked.calendars, current)
    if missing:
        known = calendars_held(current)
        mistakes = PipelineInvalid([named.missing(known) for named in missing], pipeline.id)
        refuse(name, etag, mistakes, current, tuple(named.name for named in missing))
        return
    names = calendar_names(pipeline)
    for holidays in holidays_among(names):
        ensure_holidays(holidays, current)
    if before is not None and before.pipeline_id not in (None, pipeline.id):
        # Also when an earlier pass died after it had removed the config.
        current.give_up()
        current.begin(name)
        remove_pipeline(before.pipeline_id, name, ports)
    _store(pipeline, stored, name, etag, checked.warnings, current)
    give_up_calendar(name, None, current)
    version = current.next_version(name)
    current.record(ConfigFile(name, etag, pipeline.id, valid=True, version=version, calendars=names), None)


def _refuse_second_owner(
    pipeline_id: str, name: str, stored: StoredConfig | None, listing: Mapping[str, str]
) -> None:
    if stored is not None and stored.source != name and stored.source in listing:
        message = (
            f"pipeline.id {pipeline_id} is already defined by {stored.source}; give one of them another id"
        )
        raise PipelineInvalid([Mistake(name, 1, "pipeline.id", message)], pipeline_id)


def _store(
    pipeline: Pipeline,
    stored: StoredConfig | None,
    name: str,
    etag: str,
    warnings: Iterable[Any],
    current: Pass,
) -> None:
    text, ports = encode_pipeline(pipeline), current.ports
    is_new = stored is None or stored.text != text or stored.source != name
    if is_new:
        current.begin(name, pipeline_id=pipeline.id)
    if gives_up_rule(pipeline, stored):
        current.give_up()
    link_dependents(pipeline, stored, ports.control)
    if is_new:
        version = stored.version + 1 if stored else 1
        told = announcement.config_loaded(name, current.now, [str(warning) for warning in warnings])
        ports.control.put_config(StoredConfig(pipeline.id, text, name, etag, version), told)
        log.info("config loaded", extra={"pipeline": pipeline.id, "source": name})
    current.unsettled.discard(name)
    # Also when the config was stored before: an earlier pass may have died between the two.
    if has_schedule(pipeline):
        ports.schedules.put(pipeline)
    elif stored is not None and (not is_new or _may_have_cron(stored.text)):
        ports.schedules.remove(pipeline.id)
    promise(pipeline, stored.loaded_at if stored is not None and not is_new else None, current)


def _may_have_cron(text: str) -> bool:
    try:
        return decode_pipeline(text).schedule.cron is not None
    except StoredPipelineUnreadable:
        return True  # whoever wrote over the row; removing a schedule that is not there is no error


def _forget_file(name: str, current: Pass) -> None:
    file = current.leaving[name]
    if file.pipeline_id is not None:
        current.begin(name)
        remove_pipeline(file.pipeline_id, name, current.ports)
    give_up_calendar(name, None, current)
    current.ports.ledger.remove_file(name)
    del current.leaving[name]

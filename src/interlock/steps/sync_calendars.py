"""Bring the calendar rows in step: those of the user's files, and the public holidays that pipelines name.

Whatever a pipeline in force names keeps its row: without it the pipeline would run on days that its author excluded.
A calendar without a file is recorded under a name that no file has.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace

from interlock.config_ports import ConfigFile
from interlock.domain import announcement
from interlock.domain.calendar import HOLIDAYS, Calendar
from interlock.pipeline_yaml import Mistake, NamedCalendar, PipelineInvalid, check_calendar
from interlock.pipeline_yaml.public_holidays import holiday_dates, holidays_edition
from interlock.steps.sync_pass import Pass, refuse, remove_pipeline

log = logging.getLogger(__name__)


def sync_calendar(name: str, text: bytes, etag: str, current: Pass) -> None:
    """Store the calendar of a file, or refuse the file."""
    try:
        checked = check_calendar(text, name)
        calendar = checked.calendar
        stored = current.ports.ledger.calendar(calendar.name)
        owner = None if stored is None else stored.source
        if owner != name and _holds(owner, calendar.name, current):
            message = f"{calendar.name} is already defined by {owner}; give one of them another name"
            raise PipelineInvalid([Mistake(name, checked.line, "calendar.name", message)])
    except PipelineInvalid as invalid:
        refuse(name, etag, invalid, current)
        return
    same = stored is not None and (stored.calendar, stored.source) == (calendar, name)
    same = same and not current.was_begun(name)
    give_up_calendar(name, calendar.name, current)
    if not same:
        current.begin(name, calendar=calendar.name)
        current.ports.ledger.put_calendar(calendar, name, current.now)
    current.unsettled.discard(name)
    file = ConfigFile(
        name, etag, None, valid=True, version=current.next_version(name), calendar=calendar.name
    )
    warnings = [str(warning) for warning in checked.warnings]
    told = None if same else announcement.calendar_loaded(name, calendar, current.now, warnings)
    before = current.known.get(name)
    if before is not None and before.pipeline_id is not None:  # the file described that one until now
        current.give_up()
        current.begin(name)
        remove_pipeline(before.pipeline_id, name, current.ports)
    current.record(file, told)
    log.info("calendar loaded", extra={"calendar": calendar.name, "source": name})


def _holds(source: str | None, calendar: str, current: Pass) -> bool:
    file = current.known.get(source or "")
    return file is not None and file.source in current.listing and file.calendar == calendar


def missing_calendars(named: Iterable[NamedCalendar], current: Pass) -> list[NamedCalendar]:
    """Those that neither a file nor a row defines."""
    return [calendar for calendar in named if not _exists(calendar.name, current)]


def _exists(name: str, current: Pass) -> bool:
    if name in current.calendars_seen:  # thousands of pipelines may name the same one
        return True
    if name not in calendars_held(current) and current.ports.ledger.calendar(name) is None:
        return False
    current.calendars_seen.add(name)  # none goes before all pipelines are in step
    return True


def calendars_held(current: Pass) -> set[str]:
    """The names of the users' calendars that there are."""
    names = {file.calendar for file in current.known.values() if file.calendar}
    return {name for name in names if not name.startswith(HOLIDAYS)}


def give_up_calendar(name: str, but: str | None, current: Pass) -> None:
    """The file defines no calendar any more, `but` this one: what it held is settled once the pipelines are."""
    before = current.known.get(name) or current.leaving.get(name)
    held = before.calendar if before else None
    if held is None or held == but:
        return
    if name in current.known:  # of a file that is gone nothing is held against others
        current.give_up()
    if _orphan(held) not in current.known:
        current.record(ConfigFile(_orphan(held), "", None, valid=True, calendar=held), None)


def _orphan(calendar: str) -> str:
    return f"calendar:{calendar}#"  # no file that we read ends like this


def has_file(file: ConfigFile) -> bool:
    """Not a record of computed holidays, nor of a calendar whose file is gone."""
    calendar = file.calendar or ""
    return not calendar.startswith(HOLIDAYS) and file.source != _orphan(calendar)


def ensure_holidays(name: str, current: Pass) -> None:
    """The row of a code's holidays, last year to two years ahead; made anew with each year and each release."""
    edition = f"{current.now.year} {holidays_edition()}"
    known = current.known.get(name)
    if known is not None and known.etag == edition:
        return
    years = range(current.now.year - 1, current.now.year + 3)
    calendar = Calendar(name, holiday_dates(name.removeprefix(HOLIDAYS), years))
    current.ports.ledger.put_calendar(calendar, name, current.now)
    version = current.next_version(name)
    current.record(ConfigFile(name, edition, None, valid=True, version=version, calendar=name), None)
    log.info("holidays computed", extra={"calendar": name, "edition": edition})


def holidays_in_force(current: Pass) -> list[str]:
    """The names of the computed calendars that pipelines need."""
    return holidays_among({name for file in current.records() for name in file.calendars})


def holidays_among(names: Iterable[str]) -> list[str]:
    """Those that are computed."""
    return sorted(name for name in names if name.startswith(HOLIDAYS))


def calendars_without_file(current: Pass) -> list[ConfigFile]:
    """What `settle_calendar` has to look at."""
    return [file for file in current.known.values() if not has_file(file)]


def settle_calendar(file: ConfigFile, current: Pass) -> None:
    """Keep what a pipeline names, and say so once; drop what none does. After all pipelines, if none of them failed."""
    name = file.calendar or ""
    names_it = sorted({user.pipeline_id or "?" for user in current.records() if name in user.calendars})
    has_another_file = any(has_file(other) and other.calendar == name for other in current.known.values())
    if names_it and not has_another_file:
        if file.valid and not name.startswith(HOLIDAYS):
            _announce_orphan(file, names_it, current)
        return
    if not has_another_file:
        current.ports.ledger.remove_calendar(name)
        log.info("calendar removed", extra={"calendar": name})
    current.ports.ledger.remove_file(file.source)
    del current.known[file.source]


def _announce_orphan(file: ConfigFile, names_it: list[str], current: Pass) -> None:
    users = ", ".join(names_it[:20])
    mistake = (
        f"no file defines it any more, but {users} name{'s' if len(names_it) == 1 else ''} it; "
        "put the file back, or take the name out of the pipelines"
    )
    told = announcement.config_invalid(f"calendar {file.calendar}", [mistake], True, current.now)
    current.record(replace(file, valid=False, version=file.version + 1), told)

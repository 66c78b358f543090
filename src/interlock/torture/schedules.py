"""Random schedules: when runs open, of which dates, until when the door is open."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from interlock.torture.chance import Chance
from interlock.torture.readings import Wanted
from interlock.torture.rules import a_rule
from interlock.torture.setting import HOUR, Setting

KINDS = {
    "daily": 5.0,  # a cron that fires once a day at most
    "hourly": 2,
    "often": 1.5,  # more than once an hour
    "trigger": 6,
    "trigger-hourly": 1.5,
    "any": 2,  # a cron or a trigger, whichever is first
    "all": 2.5,  # both
    "include": 2,
    "manual": 0.3,  # by request alone
}
_TRIGGERED = ("trigger", "trigger-hourly", "any", "all")
_WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")


@dataclass(frozen=True, slots=True)
class Opening:
    """A run that should open."""

    date: str  # the execution date
    second: int  # about when: the cron fires, or the trigger is to be written


@dataclass(frozen=True, slots=True)
class Plan:
    """A schedule and what is expected of it."""

    kind: str
    zone: str
    section: dict[str, Any]
    openings: tuple[Opening, ...]
    trigger: Wanted | None
    window: int  # seconds
    calendar: dict[str, Any] | None = None  # that it names
    edges: tuple[int, ...] = field(default=())  # seconds at which something ends or begins

    @property
    def schedule_id(self) -> str:
        return "cron" if "cron" in self.section else "stream"

    @property
    def is_hourly(self) -> bool:
        return self.kind in ("hourly", "trigger-hourly")

    @property
    def has_daily_dates(self) -> bool:
        return not self.is_hourly and self.kind != "often"


def a_plan(chance: Chance, setting: Setting, zone: str, name: str, *, deadlines: float) -> Plan:
    """`deadlines`: the share of triggers that have one."""
    kind = chance.of(KINDS)
    section: dict[str, Any] = {} if zone == "UTC" and chance.likely(0.7) else {"timezone": zone}
    openings = _openings(kind, chance, setting, zone, section)
    trigger = None
    if kind in _TRIGGERED or (kind == "include" and chance.likely(0.8)):
        trigger = a_rule(chance, chance.one(("go", "go", "landed", "rows")))
        section["trigger"] = dict(trigger.rule)
        if kind == "all":
            section["start"] = "all"
        if chance.likely(deadlines):
            section["trigger"]["deadline"] = _deadline(kind, chance, setting, zone, openings)
    window = chance.of({600: 3, 1200: 3, 2400: 3, HOUR: 1, 2 * HOUR: 0.5})
    section["evaluation"] = {"window": f"{window // 60}m", "interval": chance.one(("1m", "5m", "5m", "17m"))}
    calendar = _exclusions(chance, section, openings, name)
    edges = [opening.second + offset for opening in openings for offset in (0, window)]
    edges += _midnights(setting, zone)
    return Plan(kind, zone, section, tuple(openings), trigger, window, calendar, tuple(edges))


def _openings(
    kind: str, chance: Chance, setting: Setting, zone: str, section: dict[str, Any]
) -> list[Opening]:
    second = 60 * chance.whole(1, setting.busy * 6 // 600)
    local = setting.local(second, zone)
    if kind in ("daily", "any", "all"):
        section["cron"] = f"{local.minute} {local.hour} {_days(chance, local)}"
        return [Opening(f"{local:%Y-%m-%d}", second)]
    if kind == "hourly":
        return _hourly(chance, section, local, second)
    if kind == "often":
        return _often(chance, section, local, second)
    if kind == "include":
        return _included(chance, setting, section, local)
    days = [f"{local - timedelta(days=back):%Y-%m-%d}" for back in (1, 0, 2)]
    chosen = chance.some(days, 1, 1 if kind == "manual" else 2)
    if kind == "trigger-hourly":
        hours = [f"{local - timedelta(hours=back):%Y-%m-%dT%H}" for back in (3, 2, 1, 0)]
        chosen = chance.some(hours, 1, 3)
    last = setting.busy * 2 // 3
    return [Opening(date_, chance.second(30, last)) for date_ in chosen]


def _days(chance: Chance, local: datetime) -> str:
    """Day of month, month and weekday, so that the cron fires on that day."""
    weekday, other = _WEEKDAYS[local.weekday()], _WEEKDAYS[(local.weekday() + 3) % 7]
    last = (local + timedelta(days=1)).month != local.month
    return chance.of(
        {
            "* * *": 8.0,
            f"{local.day} * *": 1,
            f"* * {weekday}": 1,
            f"{local.day} * {other}": 1,  # either, as cron has it
            f"{1 + local.day % 28} * {weekday}": 0.5,
            f"*/{1 if local.day % 2 == 0 else 2} {local.month} *": 1,
            "L * *": 3 if last else 0.1,
        }
    )


def _hourly(chance: Chance, section: dict[str, Any], local: datetime, second: int) -> list[Opening]:
    # Few hours a day: a run costs as much as a quiet day.
    hours = [local + timedelta(hours=number) for number in range(chance.whole(2, 4))]
    section["cron"] = f"{local.minute} {','.join(str(hour.hour) for hour in hours)} * * *"
    return [Opening(f"{hour:%Y-%m-%dT%H}", second + number * HOUR) for number, hour in enumerate(hours)]


def _often(chance: Chance, section: dict[str, Any], local: datetime, second: int) -> list[Opening]:
    step = chance.one((10, 15, 20, 30))
    from_minute, since = local.minute - local.minute % step, second - 60 * (local.minute % step)
    hour = local - timedelta(minutes=local.minute)
    section["cron"] = f"{chance.one((f'*/{step}', f'0-59/{step}'))} {hour.hour} * * *"
    minutes = range(from_minute, 60, step)
    return [
        Opening(f"{hour:%Y-%m-%dT%H}:{minute:02}", max(since, 0) + 60 * (minute - from_minute))
        for minute in minutes
    ]


def _included(chance: Chance, setting: Setting, section: dict[str, Any], local: datetime) -> list[Opening]:
    days = [f"{local - timedelta(days=back):%Y-%m-%d}" for back in (1, 0)]
    chosen = chance.some(days, 1, 2)
    section["include"] = {"dates": sorted({*chosen, "2026-12-25"})}
    if chance.likely(0.7):
        section["time"] = f"{local:%H:%M}"
    return [Opening(date_, chance.second(30, setting.busy * 2 // 3)) for date_ in chosen]


def _deadline(kind: str, chance: Chance, setting: Setting, zone: str, openings: list[Opening]) -> str:
    """Some time after the first opening; on the day after its date, or in the hour after."""
    if kind == "trigger-hourly":
        return f":{chance.whole(0, 59):02}"
    closing = setting.local(openings[0].second + chance.second(-HOUR, 2 * HOUR), zone)
    return f"{closing:%H:%M}"


def _exclusions(
    chance: Chance, section: dict[str, Any], openings: list[Opening], name: str
) -> dict[str, Any] | None:
    if not chance.likely(0.15) or not openings:
        return None
    day = openings[0].date[:10]
    kind = chance.of({"weekends": 2, "days": 1, "dates": 2, "calendar": 2, "holidays": 0.3})
    if kind == "calendar":
        section["exclude"] = {"calendar": f"closed-{name}"}
        return {
            "name": f"closed-{name}",
            "dates": [day] if chance.likely(0.4) else ["2026-12-24"],
            "days": ["sunday"],
        }
    weekday = date.fromisoformat(day).strftime("%A").lower()
    section["exclude"] = {
        "weekends": {"weekends": True},
        "days": {"days": [weekday if chance.likely(0.3) else "sunday"]},
        "dates": {"dates": [openings[-1].date[:10] if chance.likely(0.5) else "2026-12-24"]},
        "holidays": {"holidays": chance.one(("US", "XNYS"))},
    }[kind]
    return None


def _midnights(setting: Setting, zone: str) -> list[int]:
    day = setting.local(0, zone).date()
    found = (setting.second_of(day + timedelta(days=ahead), 0, 0, zone) for ahead in (0, 1))
    return [second for second in found if 0 <= second <= setting.busy]

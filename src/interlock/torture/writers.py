"""What outsiders write about the data of a pipeline: too late, twice, back and forth, with wrong clocks, as garbage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from interlock.torture.ambush import Ambush
from interlock.torture.chance import Chance
from interlock.torture.profiles import Profile
from interlock.torture.readings import Wanted, forged, nonsense
from interlock.torture.rules import Leaf, RuleSet
from interlock.torture.schedules import Opening, Plan
from interlock.torture.setting import Setting

Entry = tuple[int, dict[str, Any]]  # the second after the start, and what happens


@dataclass(frozen=True, slots=True)
class Writer:
    """Everybody who writes sensors of one pipeline."""

    chance: Chance
    setting: Setting
    profile: Profile
    name: str
    plan: Plan
    rules: RuleSet
    audited: Sequence[Wanted]  # sensors that are watched after a success
    ambush: Ambush | None = None

    def entries(self) -> list[Entry]:
        """In any order."""
        found = [entry for opening in self.plan.openings for entry in self._story(opening)]
        last = self.setting.busy
        return [(min(max(second, 0), last), entry) for second, entry in found]

    def _story(self, opening: Opening) -> Iterator[Entry]:
        """Of one date: what its run waits for, and what comes after its success."""
        chance, profile = self.chance, self.profile
        ready_at, last = opening.second, None
        for leaf in self.rules.leaves:
            if chance.likely(0.03):
                continue  # nobody ever writes it
            second = self._due(opening)
            if second >= ready_at:
                ready_at, last = second, leaf
            if chance.likely(profile.flapping):
                yield from self._flapping(leaf.wanted, opening, second, meets=leaf.must_hold)
            yield self._write(leaf.wanted, opening, second, meets=leaf.must_hold)
            if chance.likely(0.2):  # a heartbeat, or what an upstream job sends twice
                yield self._write(
                    leaf.wanted, opening, second + chance.one((0, 1, 60, 900)), meets=leaf.must_hold
                )
        if self.plan.trigger is not None:
            yield from self._trigger(self.plan.trigger, opening)
        yield from self._afterwards(opening, ready_at)
        if self.ambush is not None and self.ambush.chance.likely(profile.ambushes):
            # With a chance of its own: without its ambush a world is the same.
            yield from replace(self, chance=self.ambush.chance)._ambushed(
                self.ambush, opening, ready_at, last
            )

    def _ambushed(
        self, ambush: Ambush, opening: Opening, ready_at: int, last: Leaf | None
    ) -> Iterator[Entry]:
        """`last`: what is written last of all that the run waits for."""
        latest = self.setting.busy - 120
        ready_at = min(max(ready_at, 1), latest)
        window_ends = opening.second + self.plan.window
        kind = self.chance.of({"frozen": 5, "lost": 3, "told": 1, "expiring": 2})
        if kind == "expiring" and last is not None and ready_at < window_ends - 3 < latest:
            # It does not hold after all, but two seconds before the window's end, when who would wake the run freezes.
            yield self._write(last.wanted, opening, ready_at, meets=not last.must_hold)
            yield self._write(last.wanted, opening, window_ends - 2, meets=last.must_hold)
            ready_at, entries = window_ends - 2, list(ambush.token_that_expires(window_ends))
        elif kind == "frozen":
            seconds, entries = ambush.frozen_start(ready_at)
            changes_at = ready_at + self.chance.whole(1, seconds - 1)
            meddling = self.chance.of({"data": 3, "stop": 2, "config": 1})
            if meddling == "stop":
                if self.chance.likely(0.7):
                    changes_at, entries = ready_at + 2, list(ambush.start_beside_its_closing(ready_at))
                    if last is not None:  # its rules would open it again, and its job be found
                        yield self._write(last.wanted, opening, changes_at, meets=not last.must_hold)
                yield changes_at, {"stop_execution": {"pipeline": self.name, "date": opening.date}}
            elif meddling == "config":
                yield changes_at, {"remove_config": self.name}
            elif last is not None:
                yield self._write(last.wanted, opening, changes_at, meets=not last.must_hold)
                yield self._write(last.wanted, opening, ready_at + 400, meets=last.must_hold)
        else:
            entries = list((ambush.told_at_once if kind == "told" else ambush.lost_start)(ready_at))
        for entry in entries:
            yield ready_at - 1, entry

    def _trigger(self, trigger: Wanted, opening: Opening) -> Iterator[Entry]:
        second = self._on_the_edge(opening.second)
        if self.chance.likely(0.15):
            yield self._write(trigger, opening, second - 90, meets=False)
        if self.chance.likely(0.95):
            yield self._write(trigger, opening, second, meets=True)
        if self.chance.likely(0.2):
            yield self._write(trigger, opening, second + self.chance.one((0, 1, 300, 3000)), meets=True)

    def _flapping(self, wanted: Wanted, opening: Opening, second: int, *, meets: bool) -> Iterator[Entry]:
        for _ in range(self.chance.whole(1, 3)):
            at = second + self.chance.whole(-600, 900)
            yield self._write(wanted, opening, at, meets=self.chance.likely(0.4))
        if self.chance.likely(0.85):
            yield self._write(wanted, opening, second + self.chance.whole(900, 1200), meets=meets)

    def _afterwards(self, opening: Opening, ready_at: int) -> Iterator[Entry]:
        chance = self.chance
        watched = [leaf.wanted for leaf in self.rules.leaves] + list(self.audited)
        for wanted in self.audited:
            yield self._write(wanted, opening, ready_at - chance.whole(0, 900), meets=True)
            if chance.likely(0.6):  # else it is missing after the success
                yield self._write(
                    wanted, opening, ready_at + chance.whole(300, 3000), meets=chance.likely(0.6)
                )
        while watched and chance.likely(self.profile.late_data):
            second = ready_at + chance.second(0, 4500)
            yield self._write(chance.one(watched), opening, second, meets=chance.likely(0.75))
            watched.pop(chance.whole(0, len(watched) - 1))

    def _due(self, opening: Opening) -> int:
        """Mostly before the run opens or while it waits; else too late."""
        chance, window = self.chance, self.plan.window
        kind = chance.of({"before": 4, "while": 4, "after": 0.8})
        if kind == "before":
            second = opening.second - chance.whole(0, 1800)
        elif kind == "while":
            second = opening.second + chance.whole(0, window)
        else:
            second = opening.second + window + chance.whole(0, 1800)
        return self._on_the_edge(second)

    def _on_the_edge(self, second: int) -> int:
        edges = [edge for edge in self.plan.edges if 0 <= edge <= self.setting.busy]
        if edges and self.chance.likely(self.profile.on_the_edge):
            return self.chance.one(edges) + self.chance.one((-1, 0, 0, 1))
        return second

    def _write(self, wanted: Wanted, opening: Opening, second: int, *, meets: bool) -> Entry:
        chance, at = self.chance, self.setting.at(max(second, 0))
        data = (wanted.meets if meets else wanted.fails)(chance, at)
        if "updatedAt" not in data and chance.likely(0.25):
            data["updatedAt"] = forged(chance) if chance.likely(0.3) else f"{at:%Y-%m-%dT%H:%M:%SZ}"
        key = self._dated(wanted.key, data, opening, second)
        if chance.likely(self.profile.malformed):
            key = self._spoilt(key, data)
            if chance.likely(0.1):
                return second, {"remove_sensor": {"pipeline": self.name, "key": key}}
        sensor: dict[str, Any] = {"pipeline": self.name, "key": key, "data": data}
        if chance.likely(0.2):
            sensor["flat"] = True
        return second, {"sensor": sensor}

    def _dated(self, key: str, data: dict[str, Any], opening: Opening, second: int) -> str:
        """The key; the date is in it, or goes into the data, or is left out."""
        day, _, time = opening.date.partition("T")
        hour, compact = time[:2], day.replace("-", "")
        if ":" in time:  # dates of minutes: a reading is of the day or of the hour, or of all
            hour = hour if self.chance.likely(0.3) else ""
        forms = {"date": 4.0, "compact": 1, "suffix": 2, "compact-suffix": 1}
        if len(self.plan.openings) > 1:  # a plain reading is of one period: the next overwrites it
            forms |= {"date": 0.7, "compact": 0.2}
        if day == f"{self.setting.local(second, self.plan.zone):%Y-%m-%d}":  # then it is of today
            forms["dateless"] = 1.5
        form = self.chance.of(forms)
        if form == "suffix":
            return f"{key}#{day}T{hour}" if hour else f"{key}#{day}"
        if form == "compact-suffix":
            return f"{key}#{compact}T{hour}" if hour else f"{key}#{compact}"
        if form != "dateless":
            data["date"] = compact if form == "compact" else day
            if hour:
                data["hour"] = self.chance.one((hour, int(hour), str(int(hour))))
        return key

    def _spoilt(self, key: str, data: dict[str, Any]) -> str:
        match self.chance.whole(0, 6):
            case 0:
                data["hour"] = self.chance.one((24, "24", "-1", "noon", 3.5, []))
            case 1:
                data["date"] = self.chance.one(
                    ("2026-02-30", "yesterday", 20260302, "2026-3-2", "", "0000-00-00")
                )
            case 2:
                data["date"] = "2026-03-01"
                return f"{key.partition('#')[0]}#2026-03-02"
            case 3:
                return f"{key.partition('#')[0]}#{self.chance.one(('2026-13-01', 'latest', '', '2026-03-02T99'))}"
            case 4:
                data[self.chance.one(sorted(data) or ["count"])] = nonsense(self.chance)
            case 5:
                data["updatedAt"] = forged(self.chance)
            case _:
                data["note"] = "lorem ipsum " * 800
        return key

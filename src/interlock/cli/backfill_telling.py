"""What `interlock backfill` prints: a line for each change and a summary, or one JSON object at the end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, TextIO

from interlock.domain.backfill import UNDER_WAY, PlannedDate, Standing
from interlock.domain.pipeline import Pipeline

_BAD = (Standing.FAILED, Standing.REFUSED)


class Telling:
    """Writes to one stream, line by line."""

    def __init__(self, pipeline: Pipeline, since: str, until: str, out: TextIO, *, as_json: bool) -> None:
        self._pipeline, self._since, self._until = pipeline, since, until
        self._out, self._as_json = out, as_json

    def preview(self, planned: Sequence[PlannedDate]) -> int:
        for one in planned:
            would = "would run" if one.standing is Standing.TO_RUN else str(one.standing)
            self._line(f"{one.date}  {would}: {one.reason}")
        self._line(f"{_counted(planned)}; nothing was asked for")
        self._data(planned, None, preview=True)
        return 0

    def plan(self, planned: Sequence[PlannedDate]) -> None:
        self._line(f"{self._pipeline.id} from {self._since} to {self._until}: {_counted(planned)}")
        for one in planned:
            if one.standing in (Standing.SKIPPED, Standing.FAILED):
                self.date(one)

    def date(self, one: PlannedDate) -> None:
        self._line(f"{one.date}  {one.standing}: {one.reason}")

    def stops(self, why: str) -> None:
        self._line(f"stopping: {why}; no more are asked for, what is open goes on")

    def interrupted(self, dates: Sequence[PlannedDate], same_command: str) -> None:
        under_way = sum(one.standing in UNDER_WAY for one in dates)
        goes_on = f"{under_way} under way go on by themselves" if under_way else "nothing is under way"
        self._line(f"interrupted: {goes_on}. To go on with the rest: {same_command}")
        self._data(dates, "interrupted", preview=False)

    def summary(self, dates: Sequence[PlannedDate], stopped: str | None) -> int:
        """The exit code."""
        self._line(_counted(dates) + (f"; stopped: {stopped}" if stopped else ""))
        self._data(dates, stopped, preview=False)
        return 1 if stopped or any(one.standing in _BAD for one in dates) else 0

    def _line(self, text: str) -> None:
        if not self._as_json:
            print(text, file=self._out, flush=True)

    def _data(self, dates: Sequence[PlannedDate], stopped: str | None, *, preview: bool) -> None:
        if not self._as_json:
            return
        data: dict[str, Any] = {
            "pipeline": self._pipeline.id,
            "schedule": self._pipeline.schedule_id,
            "from": self._since,
            "to": self._until,
            "preview": preview,
            "dates": [
                {"date": one.date, "standing": str(one.standing), "reason": one.reason} for one in dates
            ],
            "counts": {str(standing): count for standing, count in _counts(dates).items()},
            "stopped": stopped,
        }
        print(json.dumps(data, indent=2), file=self._out)


def _counts(dates: Sequence[PlannedDate]) -> dict[Standing, int]:
    found = Counter(one.standing for one in dates)
    return {standing: found[standing] for standing in Standing if found[standing]}


def _counted(dates: Sequence[PlannedDate]) -> str:
    total = f"{len(dates)} date{'s' if len(dates) != 1 else ''}"
    parts = [f"{count} {standing}" for standing, count in _counts(dates).items()]
    return f"{total}: {', '.join(parts)}" if parts else total

"""What `interlock redrive` prints: a line for each queue and for each letter that is left, or one JSON object at the end."""

from __future__ import annotations

import json
from typing import Any, TextIO

from interlock.domain.dead_letter import DeadLetterQueue, Found, Redriven
from interlock.domain.plain_text import instant, one_line

_MOST_SHOWN = 50  # letters of a queue, for a person
_LONGEST = 400  # characters of a line's reason
# Whose letters hold what failed, but not why.
_REASON = {
    DeadLetterQueue.STREAM_FAILURES: "stream-router's log says why",
    DeadLetterQueue.ALERTS: "alert-dispatcher's log says why",
}


class Telling:
    """Writes to one stream, queue by queue."""

    def __init__(self, out: TextIO, *, dry_run: bool, as_json: bool) -> None:
        self._out, self._dry_run, self._as_json = out, dry_run, as_json
        self._told: dict[DeadLetterQueue, Redriven] = {}

    def queue(self, queue: DeadLetterQueue, redriven: Redriven) -> None:
        self._told[queue] = redriven
        if self._as_json:
            return
        self._line(f"{queue}: {', '.join(self._counts(queue, redriven))}")
        for found in redriven.left[:_MOST_SHOWN]:
            self._line(f"  {described(found)}")
        if len(redriven.left) > _MOST_SHOWN:
            self._line(f"  and {len(redriven.left) - _MOST_SHOWN} more; --json lists all")

    def end(self) -> int:
        """The exit code."""
        if self._as_json:
            data = {
                "dryRun": self._dry_run,
                "queues": {queue: _data(one) for queue, one in self._told.items()},
            }
            print(json.dumps(data, indent=2), file=self._out)
        return 0 if all(redriven.empty for redriven in self._told.values()) else 1

    def _counts(self, queue: DeadLetterQueue, redriven: Redriven) -> list[str]:
        if self._dry_run:
            counts = [f"{redriven.found} {'waits' if redriven.found == 1 else 'wait'}"]
            counts += [_REASON[queue]] if queue in _REASON else []
        else:
            counts = [
                f"{redriven.found} found",
                f"{redriven.went_back} went back",
                f"{len(redriven.left)} left",
            ]
        if not redriven.found:
            counts = ["nothing waits"]
        return [*counts, *_also(redriven)]

    def _line(self, text: str) -> None:
        print(text, file=self._out, flush=True)


def _also(redriven: Redriven) -> list[str]:
    also = []
    if redriven.not_looked_at:
        also.append(f"about {redriven.not_looked_at} more not looked at: the same command again takes them")
    if redriven.in_other_hands:
        hands = "another redrive has them, or was cut off: ask again in a quarter of an hour"
        also.append(f"{redriven.in_other_hands} in other hands ({hands})")
    if redriven.stopped:
        also.append(f"stopped: {one_line(redriven.stopped, _LONGEST)}")
    return also


def described(found: Found) -> str:
    """A letter as one line: what, of which run, since when, why."""
    since = f"since {instant(found.since)}"
    contents = found.contents
    if contents is None:
        return f"message {one_line(found.id, 80)}, {since}: {one_line(found.why, _LONGEST)}"
    about = " ".join(filter(None, (contents.pipeline, contents.date)))
    what = f"{contents.what} of {about}" if about else contents.what
    why = found.why or (f"given up for {contents.error}" if contents.error else "")
    return f"{what}, {since}{': ' + one_line(why, _LONGEST) if why else ''}"


def _data(redriven: Redriven) -> dict[str, Any]:
    return {
        "found": redriven.found,
        "wentBack": redriven.went_back,
        "left": [_letter(found) for found in redriven.left],
        "notLookedAt": redriven.not_looked_at,
        "inOtherHands": redriven.in_other_hands,
        "stopped": redriven.stopped or None,
    }


def _letter(found: Found) -> dict[str, Any]:
    contents = found.contents
    return {
        "messageId": found.id,
        "since": found.since.isoformat().replace("+00:00", "Z"),
        "what": contents.what if contents else None,
        "pipeline": contents.pipeline if contents else None,
        "date": contents.date if contents else None,
        "error": contents.error if contents else None,
        "why": found.why or None,
    }

"""`make jobs`: for each type of job the remote jobs after a crash at each point of its start, and how soon its end is noticed.

Exit 1 when a start was doubled or lost, or an end that is told took longer than two seconds.
"""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from flow.world import World
from interlock.local.session import embedded_stack
from jobs_table.crash_points import Aftermath, aftermaths, aftermaths_of_two
from jobs_table.nine_types import CAN_BE_ASKED, CANNOT_BE_ASKED, Job
from jobs_table.noticed import noticed

_AT_MOST_SECONDS = 2.0  # where an event, an answer or a callback tells


def main() -> int:
    logging.disable(logging.CRITICAL)  # each death is told there
    broken = _crashes()
    slow = _ends()
    print("\na start was doubled or lost" if broken else "\nno start was doubled, none was lost")
    if slow:
        print(f"noticed later than after {_AT_MOST_SECONDS:g} s: {', '.join(slow)}")
    return 1 if broken or slow else 0


def _crashes() -> int:
    print(
        "remote jobs of one attempt, when the function that starts the job dies before or after each call that it"
    )
    print(
        "makes (simulator); and when the one that makes it good dies as well, before or after each of its own\n"
    )
    _row("type", "jobs", "points", "points of two deaths")
    rows: Mapping[str, Job] = {
        **CAN_BE_ASKED,
        **CANNOT_BE_ASKED,
        **{f"{kind}, idempotent": {**job, "idempotent": True} for kind, job in CANNOT_BE_ASKED.items()},
    }
    broken = [each for kind, job in rows.items() for each in _crashes_of(kind, job)]
    print(
        "\noutcome unknown: nobody can be asked whether the job was started. It is not started again: the attempt"
        "\nfails, and its event says what to check."
        "\nidempotent: the config says that the target recognises a start that is made again, and the simulated one does."
    )
    for each in broken:
        print(f"BROKEN {each}")
    return len(broken)


def _crashes_of(kind: str, job: Job) -> list[Aftermath]:
    """Prints the rows of one type; the aftermaths that are not as promised."""
    once, twice = list(aftermaths(job)), list(aftermaths_of_two(job))
    counts = [Counter((each.unknown_outcome, each.remote_jobs) for each in found) for found in (once, twice)]
    for unknown, jobs in sorted({*counts[0], *counts[1]}):
        places = [
            f"{count[unknown, jobs]} of {len(found)}"
            for count, found in zip(counts, (once, twice), strict=True)
        ]
        _row("  outcome unknown" if unknown else kind, jobs, *places)
    may_be_unknown = kind in CANNOT_BE_ASKED
    every = (*once, *twice)
    return [each for each in every if not (each.started_once or (may_be_unknown and each.unknown_outcome))]


def _ends() -> list[str]:
    print("\nseconds from the remote end to SUCCEEDED (embedded stack, warm functions)\n", flush=True)
    with embedded_stack({}) as session:
        session.warm_up()
        measured = noticed(World(session))
    _row("type", "noticed by", "median", "slowest", "runs")
    for kind, ends in measured.items():
        seconds = ends.seconds
        _row(kind, ends.by, f"{median(seconds):.2f}", f"{max(seconds):.2f}", len(seconds))
    print(
        "\npoll: nothing is published, so the watchdog asks 60 s after the start, then at intervals that grow by half up"
    )
    print("to 5 minutes, at its next tick of a minute each; these jobs took 5, 25 and 45 s.")
    told = {kind: ends for kind, ends in measured.items() if ends.by != "poll"}
    return [kind for kind, ends in told.items() if median(ends.seconds) > _AT_MOST_SECONDS]


def _row(kind: str, *cells: Any) -> None:
    print(f"{kind:28}{''.join(f'{cell!s:>12}' for cell in cells[:-1])}{cells[-1]!s:>22}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

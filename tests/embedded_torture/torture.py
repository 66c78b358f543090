"""Many worlds at once on one stack, and what came of them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from traceback import format_exc

from embedded_torture.faults import Strike
from embedded_torture.play import Played, play, waited
from embedded_torture.stage import Stage, stage
from embedded_torture.worlds import WorldPlan
from interlock.simulation.promises.facts import Broken

_STORED_WITHIN_SECONDS = 60.0  # what the watchdog says of itself at the end


@dataclass(frozen=True)
class Result:
    """What was played and what was struck."""

    seed: int
    worlds: tuple[Played, ...]
    strikes: tuple[Strike, ...]
    broken_after: tuple[Broken, ...]  # dead letters, and events that are about no world
    invocations: int
    calls: int  # of AWS, by our functions
    messages: int  # that Slack took
    seconds: float

    @property
    def broken_worlds(self) -> list[Played]:
        return [played for played in self.worlds if played.broken]

    @property
    def count_of_broken(self) -> int:
        return sum(len(played.broken) for played in self.worlds) + len(self.broken_after)


def _played(made: Stage, plan: WorldPlan) -> Played:
    """What fails in the torture itself costs this world alone, and is no good world either."""
    try:
        return play(made, plan)
    except Exception:  # noqa: BLE001
        failed = Broken("the-torture-itself", plan.name, format_exc())
        return Played(plan, None, (failed,), 0.0, 0)


def _as_they_end(futures: Sequence[Future[Played]]) -> Iterator[Future[Played]]:
    told: set[Future[Played]] = set()
    try:
        for future in as_completed(futures):
            told.add(future)
            yield future
    except KeyboardInterrupt:
        begun = [future for future in futures if not future.cancel() and future not in told]
        yield from as_completed(begun)


def torture(
    plans: Sequence[WorldPlan],
    folder: Path,
    at_once: int = 20,
    tell: Callable[[Played], None] = lambda _: None,
) -> Result:
    """Play all of them. `folder`: for their faults, what was struck, and the emulator's log.

    Interrupted, it begins no further world, sees those under way to their end, and tells of what was played.
    """
    begun = time.monotonic()
    worlds: list[Played] = []
    with stage(plans, folder) as made:
        with ThreadPoolExecutor(at_once) as players:
            futures = [players.submit(_played, made, plan) for plan in plans]
            for future in _as_they_end(futures):
                worlds.append(future.result())
                tell(worlds[-1])
        waited(lambda: not list(made.nobodys()), _STORED_WITHIN_SECONDS)
        broken_after = (*made.dead_letters(), *made.nobodys())
        counts = made.session.emulator.counts()
        shutil.copy(made.session.emulator.log_path, folder / "emulator.log")
        return Result(
            seed=plans[0].seed,
            worlds=tuple(sorted(worlds, key=lambda played: played.plan.name)),
            strikes=tuple(made.strikes()),
            broken_after=broken_after,
            invocations=sum(counts.invocations.values()),
            calls=made.session.calls().total(),
            messages=len(made.session.slack.messages),
            seconds=time.monotonic() - begun,
        )

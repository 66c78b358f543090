"""One seed: its world is made, played and judged. Whatever goes wrong on the way is a finding, never a lost seed."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath

from interlock.domain.plain_text import one_line
from interlock.simulation.faults import FunctionCrashed
from interlock.simulation.play import play
from interlock.simulation.played import Played
from interlock.simulation.promises import broken_promises
from interlock.simulation.promises.facts import Broken
from interlock.simulation.scenario_yaml import ScenarioInvalid
from interlock.torture.document import Document, scenario_of
from interlock.torture.figures import Figures, figures_of
from interlock.torture.profiles import PROFILES
from interlock.torture.worlds import a_world

# Not one of the design's promises: the world itself came to nothing, by a bug in it, in a check or in ours.
SIMULATOR = "simulator"
_MOST_SHOWN = 10  # of what one seed broke
_LONGEST = 1000  # characters


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one seed; small, for it travels between processes."""

    seed: int
    profile: str
    broken: tuple[Broken, ...]
    figures: Figures


def told(result: Result) -> Iterator[str]:
    """Which seed it is and what it broke, in lines."""
    yield f"seed {result.seed} of {result.profile}"
    for one in result.broken[:_MOST_SHOWN]:
        yield f"  breaks {one.promise} for {one_line(one.about, _LONGEST)}: {one_line(one.what, _LONGEST)}"
    if len(result.broken) > _MOST_SHOWN:
        yield f"  and {len(result.broken) - _MOST_SHOWN} more"


def play_seed(seed: int, profile: str) -> Result:
    """The seed's world, from its making to its verdict."""
    begun = time.process_time()
    played: Played | None = None
    try:
        document = a_world(seed, PROFILES[profile])
        played = play(scenario_of(document))
        broken = tuple(broken_promises(played))
    except (Exception, FunctionCrashed) as error:  # noqa: BLE001 - whatever it is, this seed has found it
        broken = (_finding(error),)
    spent = time.process_time() - begun
    figures = figures_of(played, spent) if played else Figures(worlds=1, cpu_seconds=spent)
    return Result(seed, profile, broken, figures)


def broken_in(document: Document) -> tuple[Broken, ...]:
    """What the world breaks; raises `ScenarioInvalid` when it is none."""
    scenario = scenario_of(document)
    try:
        return tuple(broken_promises(play(scenario)))
    except (Exception, FunctionCrashed) as error:  # noqa: BLE001 - as in `play_seed`
        return (_finding(error),)


def is_same_trouble(one: Broken, other: Broken) -> bool:
    """Whether they break the same promise; two crashes are the same if they are of one kind."""
    return one.promise == other.promise and (one.promise != SIMULATOR or one.about == other.about)


def _finding(error: BaseException) -> Broken:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{PurePath(frame.filename).name}:{frame.lineno} in {frame.name}"
    said = error.mistakes[0] if isinstance(error, ScenarioInvalid) else error
    return Broken(SIMULATOR, type(error).__name__, f"{said} ({where})")

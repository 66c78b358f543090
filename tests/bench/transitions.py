"""How many state transitions AWS would bill for one attempt, counted by the simulator on the real state machine."""

from __future__ import annotations

from pathlib import Path

from bench.figure import Figure
from interlock.simulation.output import judged
from interlock.simulation.play import play
from interlock.simulation.scenario_yaml import read_scenario_file

SCENARIOS = Path(__file__).parent / "scenarios"


def figures() -> list[Figure]:
    found = []
    for path in sorted(SCENARIOS.glob("*.yaml")):
        scenario = read_scenario_file(path)
        played = play(scenario)
        if not judged(str(path), played).passed:
            raise SystemExit(f"{path.name} did not go as expected: interlock simulate {path}")
        found.append(Figure(scenario.name, float(played.cost.transitions), "transitions", at_most=8))
    return found

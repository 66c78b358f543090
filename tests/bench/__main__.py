"""`make bench`: what waiting costs and how soon a run starts, as counts and ratios. Exit 1 when a bound is missed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import embedded, init_cost, routing, rules, transitions, watchdog
from bench.figure import Figure

SECTIONS: dict[str, Callable[[], list[Figure]]] = {
    "state transitions an attempt (simulator)": transitions.figures,
    "rules (one process)": rules.figures,
    "stream-router, 100 records of 10 pipelines": routing.figures,
    "watchdog, 10,000 pipelines (the simulator's table)": watchdog.figures,
    "init of the hot handlers": init_cost.figures,
    "embedded stack, 30 runs": embedded.figures,
}


def main(wanted: str = "") -> int:
    """`wanted`: only the sections whose titles begin so."""
    missed = 0
    for title, measure in SECTIONS.items():
        if not title.startswith(wanted):
            continue
        print(f"\n{title}", flush=True)
        for figure in measure():
            print(f"  {figure}", flush=True)
            missed += not figure.holds
    print(f"\n{missed} bound{'' if missed == 1 else 's'} missed" if missed else "\nevery bound holds")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))

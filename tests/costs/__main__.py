"""`make costs`: what Interlock costs on AWS at 10, 1,000 and 100,000 runs a day, in the tables of `docs/deploy.md`.

`python -m tests.costs measure` measures the functions' processor time anew, on the embedded stack.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from costs.tables import bill_table, details, kinds_table, pipelines_table
from interlock.simulation.prices import CHECKED_ON, OTHERS, PRICES


def main(wanted: str = "") -> int:
    if wanted == "measure":
        return _measure()
    print(f"{bill_table()}\n\n{pipelines_table()}\n\n{kinds_table()}")
    print(*details(), sep="\n")
    print(f"\nlist prices of us-east-1, seen on {CHECKED_ON}")
    for price in (*PRICES, *OTHERS):
        print(f"  {price.thing:32}{price.dollars:>14} for {price.each:<10,}{price.seen:32}{price.source}")
    return 0


def _measure() -> int:
    from costs.measure import measured

    warm, start = measured()
    print("processor seconds, as tests/costs/durations.py has them")
    for function, seconds in sorted(warm.items()):
        print(f"  {function:20}{seconds:.3f}")
    print(f"  {'a start':20}{start:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))

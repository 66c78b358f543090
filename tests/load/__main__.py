"""`make load`: many pipelines and sensor writes on the embedded stack. Exit 1 when anything is lost, comes twice, or grows."""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from count_argument import a_count
from load import report
from load.ceiling import bare_writes_a_second
from load.play import LOST_ANSWERS, play
from load.plot import draw
from load.story import story
from load.upstream import Pace

_CEILING_SECONDS = 5.0


def main() -> int:
    asked = _asked()
    if importlib.util.find_spec("matplotlib") is None:
        print("tests.load draws with matplotlib: pip install -e '.[load]', or `make load`", file=sys.stderr)
        return 2
    began = time.monotonic()
    parts = story(asked.pipelines, asked.writes, asked.seed)
    alone = bare_writes_a_second(_CEILING_SECONDS)

    def tell(said: str) -> None:
        print(f"[{time.monotonic() - began:6.0f} s] {said}", flush=True)

    tell(f"{asked.pipelines:,} pipelines, {asked.writes:,} sensor writes, seed {asked.seed}")
    played = play(parts, Pace(asked.at_once, asked.minutes * 60, asked.patience), tell)
    rate = played.writes / played.writing_seconds
    pace = f"{asked.at_once} pipelines at a time, {LOST_ANSWERS:.0%} of stream batches delivered twice"
    tell(f"{played.writes:,} written in {played.writing_seconds:.0f} s: {rate:.0f} writes/s, with {pace}")
    if len(played.begun) < len(parts):
        tell(f"for want of time {len(parts) - len(played.begun):,} pipelines were only declared")
    print()
    print(*report.counted(parts, played), "", sep="\n")
    print(*report.latency_table(played.latencies), "", sep="\n")
    print(*report.memory_table(played), report.emulator_growth(played), "", sep="\n")
    print(*report.processor_table(played, alone), "", sep="\n")
    about = f"{len(played.begun):,} pipelines, {played.writes:,} writes at {rate:.0f}/s on the embedded stack; {pace}"
    draw(report.named(played.latencies), report.finding(played.latencies), about, asked.plot)
    print(f"plot: {asked.plot}")
    verdict = report.judge(parts, played)
    print(*report.verdict_lines(verdict), sep="\n")
    return 0 if verdict.is_good else 1


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--pipelines", type=a_count, default=1000, metavar="N", help="how many; default 1000")
    parser.add_argument(
        "--writes",
        type=a_count,
        default=50_000,
        metavar="N",
        help="sensor writes, of all together; default 50000",
    )
    parser.add_argument("--seed", type=a_count, default=1, metavar="N", help="of what is written; default 1")
    parser.add_argument(
        "--at-once",
        type=a_count,
        default=4,
        metavar="N",
        help="pipelines under way at a time: the pace; default 4",
    )
    parser.add_argument(
        "--minutes",
        type=float,
        default=120,
        metavar="N",
        help="after these no other pipeline begins; default 120",
    )
    parser.add_argument(
        "--patience", type=float, default=180, metavar="SECONDS", help="that one run may take; default 180"
    )
    parser.add_argument(
        "--plot",
        type=Path,
        default=Path("build/load.png"),
        metavar="FILE",
        help="the picture; default build/load.png",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""`make torture-embedded`: seeded worlds end to end on one embedded stack, under faults. Exit 1 when a promise is broken."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from count_argument import a_count
from embedded_torture.figures import table
from embedded_torture.play import Played, story
from embedded_torture.torture import torture
from embedded_torture.worlds import a_world


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.embedded_torture", description=__doc__)
    parser.add_argument("--worlds", type=a_count, default=200, metavar="N", help="how many; default 200")
    parser.add_argument(
        "--seed", type=a_count, default=1, metavar="N", help="of which the worlds are made; default 1"
    )
    parser.add_argument(
        "--first", type=a_count, default=1, metavar="N", help="number of the first world; default 1"
    )
    parser.add_argument(
        "--at-once", type=a_count, default=20, metavar="N", help="worlds under way at a time; default 20"
    )
    parser.add_argument(
        "--keep",
        type=_an_empty_folder,
        metavar="FOLDER",
        help="an empty folder for plan, strikes and logs, which stays; made if it is not there",
    )
    options = parser.parse_args()
    numbers = range(options.first, options.first + options.worlds)
    with TemporaryDirectory(prefix="interlock-torture-") as scratch:
        folder = options.keep or Path(scratch).resolve()
        plans = [a_world(options.seed, number) for number in numbers]
        result = torture(plans, folder, options.at_once, _progress(options.worlds, folder))
    print("\r\033[K" if sys.stdout.isatty() else "", end="")
    for played in result.broken_worlds:
        print("\n".join(story(played)), end="\n\n")
    for each in result.broken_after:
        print(f"BROKEN  {each.promise}: {each.about}: {each.what}")
    print(table(result))
    return 1 if result.count_of_broken else 0


def _an_empty_folder(text: str) -> Path:
    folder = Path(text).resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_empty = not any(folder.iterdir())
    except OSError as error:
        message = f"{text!r} can be no folder ({error.strerror}); name a new one"
        raise argparse.ArgumentTypeError(message) from error
    if not is_empty:
        raise argparse.ArgumentTypeError(f"{text!r} is not empty; name a new folder")
    return folder


def _progress(worlds: int, folder: Path) -> Callable[[Played], None]:
    done: list[Played] = []

    def tell(played: Played) -> None:
        done.append(played)
        with (folder / "worlds.txt").open("a") as kept:
            how = (
                f"BROKEN {played.broken[0].promise}" if played.broken else f"at last for {played.waited_for}"
            )
            print(f"{played.plan.name} {played.seconds:6.0f} s, {how}", file=kept)
        if sys.stdout.isatty():
            broken = sum(bool(each.broken) for each in done)
            print(f"\r\033[K{len(done)} of {worlds} worlds, {broken} broken", end="", flush=True)

    return tell


if __name__ == "__main__":
    sys.exit(main())

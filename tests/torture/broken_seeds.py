"""Plays seeds one after the other and prints those that break a promise, a line of JSON each. Run in a folder of sources."""

from __future__ import annotations

import json
import sys

from interlock.torture.search import be_silent
from interlock.torture.seed import SIMULATOR, play_seed


def main(first: int, last: int) -> None:
    be_silent()
    for seed in range(first, last + 1):
        # A world that came to nothing has shown no promise to be broken.
        broken = [one for one in play_seed(seed, "mixed").broken if one.promise != SIMULATOR]
        if broken:
            promises = list(dict.fromkeys(one.promise for one in broken))
            said = {"seed": seed, "promises": promises, "about": broken[0].about, "what": broken[0].what}
            print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))

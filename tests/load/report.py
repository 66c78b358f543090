"""What a play came to, in words and tables; and whether it kept what was promised."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from load.machine import EMULATOR, THE_LOAD, Growth
from load.outcome import Outcome, expected
from load.play import Latencies, Played
from load.story import Part

MOST_GROWTH = 0.05  # of the memory of a function's process, from the middle to the last third of the writing
_SHOWN = 50  # differences
_PERCENTILES = (0.5, 0.9, 0.99, 1.0)


@dataclass(frozen=True)
class Verdict:
    """What broke, by name; nothing is good."""

    differences: Sequence[str]
    growing: Sequence[str]

    @property
    def is_good(self) -> bool:
        return not self.differences and not self.growing


def judge(parts: Sequence[Part], played: Played) -> Verdict:
    wanted = expected(played.begun, parts)
    differences = list(played.outcome.differences(wanted))
    differences += [
        f"after old batches came once more: {said}"
        for said in played.after_redelivery.differences(played.outcome)
    ]
    growing = [
        f"{growth.who} (process {growth.pid}) grew by {growth.share:.1%}: "
        f"{growth.middle:.1f} MB, then {growth.last:.1f} MB"
        for growth in functions(played.machine.growths())
        if growth.share > MOST_GROWTH
    ]
    return Verdict(differences, growing)


def functions(growths: Sequence[Growth]) -> list[Growth]:
    return [growth for growth in growths if growth.who not in (EMULATOR, THE_LOAD)]


def verdict_lines(verdict: Verdict) -> Iterator[str]:
    for said in verdict.differences[:_SHOWN]:
        yield f"  {said}"
    if len(verdict.differences) > _SHOWN:
        yield f"  ... and {len(verdict.differences) - _SHOWN} more"
    yield from (f"  {said}" for said in verdict.growing)
    yield "nothing lost, nothing twice, memory flat" if verdict.is_good else "BROKEN"


def counted(parts: Sequence[Part], played: Played) -> Iterator[str]:
    """What had to come and came."""
    wanted, outcome = expected(played.begun, parts), played.outcome
    kinds = Counter(str(part.kind) for part in played.begun)
    yield f"{len(played.begun):,} pipelines: " + ", ".join(
        f"{n:,} {kind}" for kind, n in sorted(kinds.items())
    )
    yield f"{'':24}{'expected':>10}{'found':>10}"
    for what in ("sensor_records", "runs", "jobs", "events", "messages"):
        need, have = _total(wanted, what), _total(outcome, what)
        yield f"  {_CALLED.get(what, what):22}{need:>10,}{have:>10,}"
    stream = played.stream
    yield (
        f"{stream.batches:,} batches of {stream.records:,} stream records; {stream.twice:,} batches delivered twice at once, "
        f"and {played.redelivered:,} records once more when all was over"
    )
    by_type: Counter[str] = Counter()
    for name, times in outcome.events.items():
        by_type[name.rpartition(" ")[2]] += times
    yield "events: " + ", ".join(f"{times:,} {kind}" for kind, times in by_type.most_common())


_CALLED = {"sensor_records": "sensor changes streamed", "jobs": "job starts", "messages": "Slack messages"}


def _total(outcome: Outcome, what: str) -> int:
    counts: Counter[str] = getattr(outcome, what)
    return counts.total()


def named(latencies: Latencies) -> Mapping[str, Sequence[float]]:
    return {
        "last needed reading to job start": latencies.start,
        "job end to SUCCEEDED": latencies.end,
        "reading in the table to stream-router done": latencies.routed,
    }


def latency_table(latencies: Latencies) -> Iterator[str]:
    yield f"{'seconds':44}{'n':>8}" + "".join(f"{name:>9}" for name in ("p50", "p90", "p99", "max"))
    for what, seconds in named(latencies).items():
        row = "".join(f"{percentile(seconds, share):>9.3f}" for share in _PERCENTILES)
        yield f"  {what:42}{len(seconds):>8,}{row}"


def percentile(seconds: Sequence[float], share: float) -> float:
    """The smallest that this share does not exceed."""
    ordered = sorted(seconds)
    return ordered[max(0, -(-int(share * 10_000) * len(ordered) // 10_000) - 1)]


def finding(latencies: Latencies) -> str:
    half, most = (percentile(latencies.start, share) for share in (0.5, 0.99))
    return f"Half of the jobs start within {half:.1f} s of their last reading, 99 % within {most:.1f} s"


def memory_table(played: Played) -> Iterator[str]:
    growths = played.machine.growths()
    yield f"{'memory, MB resident (medians)':44}{'processes':>10}{'middle':>9}{'last':>9}{'growth':>9}"
    for who in sorted({growth.who for growth in growths}, key=lambda who: (who in (EMULATOR, THE_LOAD), who)):
        mine = [growth for growth in growths if growth.who == who]
        worst = max(mine, key=lambda growth: growth.share)
        middle, last = (median(getattr(growth, part) for growth in mine) for part in ("middle", "last"))
        yield f"  {who:42}{len(mine):>10}{middle:>9.1f}{last:>9.1f}{worst.share:>9.1%}"
    missing = sorted({who for who, _ in played.machine.samples} - {growth.who for growth in growths})
    yield from (f"  {who:42}{'none was there from the middle to the end':>41}" for who in missing)
    yield (
        f"growth: the worst process's, last third over middle third; at most {MOST_GROWTH:.0%} of a function's. "
        "The emulator's own is its tables, stream records and execution histories, all of which it keeps."
    )


def emulator_growth(played: Played) -> str:
    """It keeps all that it was ever given."""
    (samples,) = (taken for (who, _), taken in played.machine.samples.items() if who == EMULATOR)
    grown = samples[-1].megabytes - samples[0].megabytes
    return (
        f"the emulator grew from {samples[0].megabytes:.0f} to {samples[-1].megabytes:.0f} MB: "
        f"{grown * 1024 / max(1, played.writes):.1f} KB a sensor write"
    )


def processor_table(played: Played, alone: float) -> Iterator[str]:
    """Who took how much of the processors; `alone`: writes a second of an emulator that does nothing else."""
    spent, machine = played.machine.processor_seconds(), played.machine
    ours, cores = sum(spent.values()), os.cpu_count() or 1
    yield f"{'processor':44}{'seconds':>10}{'share':>9}"
    for who, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        yield f"  {who:42}{seconds:>10.1f}{seconds / ours:>9.1%}"
    emulator, calls = spent[EMULATOR], played.calls.total()
    rate, each = played.writes / played.writing_seconds, calls / played.writes
    yield (
        f"the emulator takes {emulator / ours:.0%} of the CPU; alone it manages {alone:.0f} writes/s, "
        f"here {rate:.0f} writes/s, each of which leads to {each:.1f} calls of our functions to AWS"
    )
    yield (
        f"the emulator, one interpreter, used a processor {emulator / played.writing_seconds:.0%} of the time: "
        f"{1000 * emulator / (calls + played.writes):.1f} ms a call, its streams, workflows and deliveries included"
    )
    others = max(0.0, machine.busy - ours)
    yield (
        f"meanwhile others on this machine used {others / (machine.seconds * cores):.0%} of its {cores} processors: "
        "timings depend on the machine and on them"
    )

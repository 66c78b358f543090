"""What a search looks for: a profile says how often each kind of trouble comes into its worlds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Profile:
    """Shares are from 0 to 1; counts are means, per world or per pipeline and date."""

    name: str
    looks_for: str
    pipelines: Mapping[int, float] = field(
        default_factory=lambda: {1: 40, 2: 34, 3: 16, 4: 7, 6: 2, 10: 1}
    )  # how many, and how often
    faults: float = 0  # calls of ours that fail, a world
    stalls: float = 0  # frozen functions, a world
    ambushes: float = 0  # share of dates whose start is disturbed at its very instant
    rehearsed: float = (
        0  # share of worlds that are played before, so that faults strike the calls made seldom
    )
    outages: float = 0  # services that fail for minutes, a world
    deliveries: float = 0  # delays, duplicates, odd batches, redeliveries, a world
    pauses: float = 0  # share of worlds in which the watchdog or Scheduler stands still
    lost_job_events: float = 0  # a world
    lost_records: float = 0  # a world
    job_trouble: float = 0.25  # share of starts that end badly, late, or never
    flapping: float = 0.2  # share of dates whose rules hold, hold no more and hold again
    on_the_edge: float = 0.15  # share of writes made exactly at the end of something, or a second beside
    late_data: float = 0.25  # share of dates whose data changes after the success
    malformed: float = 0.03  # share of writes that make no sense
    requests: float = 0.15  # reruns and backfills, a date
    reports: float = 0.05  # of outsiders about jobs, a date
    people: float = 0.1  # stops, config changes, removals, rotated secrets, a pipeline
    garbage: float = 0.05  # rows of outsiders, a pipeline
    upstreams: float = 0.3  # share of pipelines that wait for an earlier one
    slots: float = 0.2  # share of pipelines with limits
    promises: float = 0.35  # share of pipelines with an SLA, or with a deadline of their trigger
    post_run: float = 0.25  # share of pipelines
    dry_run: float = 0.1  # share of pipelines
    odd_nights: float = (
        0.1  # share of worlds around a change of clocks, a month's end, a leap day, a year's end
    )
    job_types: float = 0.5  # share of jobs that are of another type than glue
    sick: bool = False  # all trouble strikes the pipeline `sick` alone


_ALL = (
    Profile(
        "quiet",
        "a promise that is broken although nothing fails at all",
        job_trouble=0.15,
        people=0.05,
        malformed=0.02,
        garbage=0,
    ),
    Profile(
        "calls",
        "a call that fails, or whose answer is lost, at the worst moment",
        ambushes=0.3,
        faults=6,
        rehearsed=0.4,
        outages=0.5,
        pauses=0.1,
        lost_job_events=0.5,
    ),
    Profile(
        "delivery",
        "what comes twice, late, in another order or in other batches",
        ambushes=0.15,
        deliveries=7,
        faults=1,
        pauses=0.15,
        lost_job_events=1,
    ),
    Profile(
        "frozen",
        "two functions that are at the same row at the same time",
        ambushes=0.6,
        stalls=6,
        faults=2,
        deliveries=1,
        flapping=0.4,
        requests=0.3,
    ),
    Profile(
        "time",
        "deadlines, windows and dates where clocks change, months and years end",
        odd_nights=1,
        on_the_edge=0.4,
        promises=0.8,
        faults=1,
        pauses=0.3,
    ),
    Profile(
        "data",
        "late data, drift and reruns beyond their budgets, or none where one was due",
        late_data=0.9,
        post_run=0.8,
        requests=0.5,
        flapping=0.4,
        faults=1.5,
        malformed=0.08,
    ),
    Profile(
        "jobs",
        "a job that is started twice, left alone or judged wrongly, of whichever type",
        ambushes=0.5,
        job_types=1,
        job_trouble=0.7,
        faults=4,
        rehearsed=0.4,
        outages=0.3,
        lost_job_events=1,
        reports=0.3,
        requests=0.25,
        upstreams=0.1,
    ),
    Profile(
        "slots",
        "one job too many, or a slot that nobody gives back",
        ambushes=0.3,
        pipelines={2: 4, 3: 4, 4: 3, 5: 1},
        slots=1,
        job_trouble=0.4,
        flapping=0.4,
        faults=4,
        stalls=1,
        people=0.2,
        promises=0.1,
    ),
    Profile(
        "people",
        "configs, requests and stops that come at the wrong moment",
        ambushes=0.2,
        people=1.5,
        requests=0.7,
        reports=0.3,
        garbage=0.4,
        faults=1.5,
        rehearsed=0.4,
    ),
    Profile(
        "lost",
        "what nobody ever hears of: records of a stream that are really lost",
        lost_records=3,
        lost_job_events=1,
        pauses=0.1,
    ),
    Profile(
        "neighbours",
        "a healthy pipeline that suffers from a sick one",
        ambushes=0.4,
        pipelines={2: 5, 3: 4, 4: 1},
        sick=True,
        faults=5,
        garbage=3,
        malformed=0.4,
        people=1.5,
        reports=0.3,
        upstreams=0.2,
    ),
    Profile(
        "crowd",
        "many pipelines at once, that wait for each other and share slots",
        ambushes=0.1,
        pipelines={8: 5, 12: 3, 16: 1, 20: 1},
        faults=4,
        deliveries=2,
        slots=0.4,
        upstreams=0.5,
        late_data=0.1,
        flapping=0.1,
        promises=0.2,
        post_run=0.1,
        requests=0.05,
    ),
)
# Its worlds are those of the others, a seed each; large ones more seldom.
MIXED = Profile("mixed", "anything: each seed takes one of the other profiles")
SHARES: Mapping[str, float] = MappingProxyType({one.name: 0.2 if one.name == "crowd" else 1 for one in _ALL})
PROFILES: Mapping[str, Profile] = MappingProxyType({one.name: one for one in (*_ALL, MIXED)})

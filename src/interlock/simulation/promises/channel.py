"""What people are told: each alert at least once, and again only where nobody can know whether the first one arrived."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from interlock.aws.run_item import parse_instant_text
from interlock.simulation.history import Posted
from interlock.simulation.promises.announced import Announced, RunName
from interlock.simulation.promises.facts import Broken, Facts, clock
from interlock.simulation.promises.undelivered import Undelivered

_THREAD = "THREAD#"


@dataclass(frozen=True, slots=True, eq=False)
class _Thread:
    """What the dispatcher knew of one thread, and when."""

    opened: int | None  # the place in the history at which its row had a reference
    marked: Mapping[str, int]  # the place at which an event was known to be delivered


def alerts_reach_people(
    facts: Facts, told: Sequence[Announced], undelivered: Undelivered
) -> Iterator[Broken]:
    """What reached the bus; whether it was published at all is judged elsewhere."""
    by_id = {one.id: one for one in told}
    posts: dict[str, list[Posted]] = {}
    threads: dict[RunName, list[Posted]] = {}
    for post in facts.played.history.posted:
        one = by_id.get(post.event_id)
        if one is None:
            continue  # an alarm of CloudWatch's, or it is told as made up
        posts.setdefault(post.event_id, []).append(post)
        if one.run:
            threads.setdefault(one.run, []).append(post)
        if not one.reaches_people:
            yield Broken("channel-only-what-matters", str(one), f"was posted at {clock(post.at)}")
    known = _threads(facts)
    yield from _posted_once(by_id, posts, known)
    yield from _one_thread(threads, known)
    yield from _claims_are_respected(facts)
    if undelivered.is_everything_dealt_with:
        missing = {each.event.event_id for each in facts.played.history.published}
        missing -= posts.keys() | undelivered.alerts
        for one in by_id.values():
            if one.is_ours and one.reaches_people and one.id in missing:
                yield Broken("every-alert-posted", str(one), "reached the bus, and never the channel")


def _posted_once(
    by_id: Mapping[str, Announced], posts: Mapping[str, Sequence[Posted]], known: Mapping[str, _Thread]
) -> Iterator[Broken]:
    """A post comes again only if whoever made it before was disturbed before it had noted that."""
    for event_id, of_one in posts.items():
        one = by_id[event_id]
        noted = known[_thread_of(one)].marked.get(event_id) if _thread_of(one) in known else None
        for number, post in enumerate(of_one[1:], 1):
            before = of_one[number - 1]
            excused = before.by.struck or post.by.struck
            if not excused or (noted is not None and noted < _looked(post, before)):
                said = f"posted at {clock(before.at)} and again at {clock(post.at)}"
                yield Broken("alert-posted-once", str(one), said)


def _looked(post: Posted, before: Posted) -> int:
    """The place in the history after which whoever posts looks at what is known."""
    return before.order if before.by is post.by else post.by.began


def _one_thread(
    threads: Mapping[RunName, Sequence[Posted]], known: Mapping[str, _Thread]
) -> Iterator[Broken]:
    """A run's second thread is opened only by who could not know of the first."""
    for run, posts in threads.items():
        name = f"{run[0]} {run[1]} {run[2]}"
        thread = known.get(f"PIPELINE#{run[0]} {_THREAD}{run[1]}#{run[2]}")
        opened: dict[str, Posted] = {}
        for post in posts:
            if post.thread in opened:
                continue
            excused = not opened or post.by.struck or any(other.by.struck for other in opened.values())
            began = post.by.began
            if not excused or (thread and thread.opened is not None and thread.opened < began):
                said = f"thread {len(opened) + 1} opened at {clock(post.at)}"
                yield Broken("one-thread-per-run", name, said)
            opened[post.thread] = post


def _claims_are_respected(facts: Facts) -> Iterator[Broken]:
    """Who opens a thread says for how long nobody else may; however long he stands still meanwhile."""
    for key, past in facts.rows_ever(_THREAD, "events"):
        for change in past:
            claimed = [(row or {}).get("claimedUntil") for row in (change.old, change.new)]
            before, after = (None if text is None else parse_instant_text(text) for text in claimed)
            if before is not None and after is not None and after != before and change.at < before:
                said = f"claimed at {clock(change.at)}, though another's until {before:%H:%M:%S}"
                yield Broken("one-thread-per-run", " ".join(key), said)


def _thread_of(one: Announced) -> str:
    thread = f"{one.schedule_id}#{one.date}" if one.run else f"event#{one.id}"
    return f"PIPELINE#{one.pipeline_id or '-'} {_THREAD}{thread}"


def _threads(facts: Facts) -> dict[str, _Thread]:
    found: dict[str, _Thread] = {}
    for key, past in facts.rows_ever(_THREAD, "events"):
        opened = next((change.order for change in past if (change.new or {}).get("reference")), None)
        marked: dict[str, int] = {}
        for change in past:
            for event_id in (change.new or {}).get("delivered", ()):
                marked.setdefault(event_id, change.order)
        found[" ".join(key)] = _Thread(opened, marked)
    return found

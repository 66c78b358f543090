"""Processor seconds of our functions' invocations and starts, on the embedded stack: what `durations.py` holds."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flow.world import World
from interlock.domain.run import RunStatus
from interlock.local.job_services import JobFailed, JobRun, LocalJob
from interlock.local.session import Session, embedded_stack

_RUNS, _FAILURES, _TICKS = 30, 10, 30
_TICK = os.sysconf("SC_CLK_TCK")  # a second, in the kernel's unit
_NAME = b"AWS_LAMBDA_FUNCTION_NAME="


def measured() -> tuple[dict[str, float], float]:
    """By function, of a warm invocation; and of the average start with its first invocations."""
    with embedded_stack({}) as session:
        session.warm_up()
        world = World(session)
        world.tick()
        _play(world, runs=1, failures=1)  # now every function has started
        invoked, spent, starts = session.invocations(), *_spent(session)
        start = sum(spent.values()) / starts
        _play(world, _RUNS, _FAILURES)
        for _ in range(_TICKS):
            world.tick()
        invoked_more, spent_more = session.invocations() - invoked, _spent(session)[0]
        functions = {name: session.stack.function(name) for name in invoked_more}
    warm = {
        name.replace("_", "-"): (spent_more[function] - spent[function]) / invoked_more[name]
        for name, function in functions.items()
    }
    return warm, start


def _play(world: World, runs: int, failures: int) -> None:
    sla = {"maxDuration": "2h"}  # which sla-monitor has a schedule for
    good = [_opened(world, LocalJob(lambda _, run: run.sleep(0.1)), sla=sla) for _ in range(runs)]
    bad = [_opened(world, LocalJob(_fail), sla=sla, maxRetries=0) for _ in range(failures)]
    for pipeline in good:
        world.reaches(pipeline, RunStatus.SUCCEEDED)
        world.hears(pipeline, "POST_RUN_BASELINE_CAPTURED")
    for pipeline in bad:
        world.reaches(pipeline, RunStatus.FAILED)
        world.reads(pipeline, 2)


def _fail(_: object, run: JobRun) -> None:
    raise JobFailed(f"{run.job} was meant to")


def _opened(world: World, job: LocalJob, **settings: Any) -> str:
    pipeline: str = world.declare(job, **settings)
    world.open_ready(pipeline)
    return pipeline


def _spent(session: Session) -> tuple[Mapping[str, float], int]:
    """Processor seconds by function so far, and how many processes have used them."""
    seconds, processes = defaultdict[str, float](float), 0
    for function, ticks in _workers(session.emulator.pid):
        seconds[function] += ticks / _TICK
        processes += 1
    return seconds, processes


def _workers(group: int) -> Iterator[tuple[str, int]]:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            # After the name in parentheses: state, parent, group ... user time and system time are the 14th and 15th
            # of all. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
            fields = (process / "stat").read_text().rpartition(")")[2].split()
            environment = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # it ended meanwhile
        names = [entry.removeprefix(_NAME).decode() for entry in environment if entry.startswith(_NAME)]
        if names and int(fields[2]) == group:
            yield names[0], int(fields[11]) + int(fields[12])

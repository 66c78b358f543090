"""Many seeds in many processes: a world is played by one process at a time, chunk by chunk."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, as_completed, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing import active_children, get_context, parent_process

from interlock.torture.seed import Result, play_seed

_CHUNK = 8  # seeds: some seconds

Chunk = tuple[int, ...]


class WorkerDied(Exception):
    """A process ended without an answer, as one does that takes more memory than there is."""

    def __init__(self, chunks: Iterable[Chunk]) -> None:
        names = " or ".join(f"{chunk[0]}..{chunk[-1]}" for chunk in sorted(chunks))
        super().__init__(f"a process that played seeds died; play {names} with --jobs 1 to see which")


def search(
    seeds: Iterable[int], profile: str, jobs: int, goes_on: Callable[[], bool] = lambda: True
) -> Iterator[list[Result]]:
    """The results, in any order; once `goes_on` says no, only what was begun is finished. Raises `WorkerDied`."""
    chunks = _chunks(seeds, goes_on)
    if jobs == 1:
        yield from (play_seeds(chunk, profile) for chunk in chunks)
        return
    with _workers(jobs) as pool:
        yield from _played(pool, chunks, profile, jobs + 1)


def play_seeds(seeds: Chunk, profile: str) -> list[Result]:
    """One after the other."""
    return [play_seed(seed, profile) for seed in seeds]


def be_silent() -> None:
    """What our functions log goes to CloudWatch; here it would only disturb."""
    logging.getLogger("interlock").setLevel(logging.CRITICAL + 1)


def _chunks(seeds: Iterable[int], goes_on: Callable[[], bool]) -> Iterator[Chunk]:
    left = iter(seeds)
    while goes_on() and (chunk := tuple(islice(left, _CHUNK))):
        yield chunk


def _played(
    pool: ProcessPoolExecutor, chunks: Iterable[Chunk], profile: str, most_waiting: int
) -> Iterator[list[Result]]:
    waiting: dict[Future[list[Result]], Chunk] = {}
    try:
        for chunk in chunks:
            with _unheard(signal.SIGINT):  # here the pool starts processes
                waiting[pool.submit(play_seeds, chunk, profile)] = chunk
            if len(waiting) == most_waiting:
                for done in wait(waiting, return_when=FIRST_COMPLETED).done:
                    yield done.result()
                    del waiting[done]
        for done in as_completed(waiting):
            yield done.result()
    except BrokenProcessPool:
        raise WorkerDied(waiting.values()) from None


@contextmanager
def _workers(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """However this ends, they end with it, and at once."""
    others = {*active_children()}
    # Not forked: what this process has open is none of theirs, and it is the same on every system.
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_begin_work)
    try:
        yield pool
    except BaseException:
        for child in {*active_children()} - others:
            child.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _unheard(one: signal.Signals) -> Iterator[None]:
    """Until then it is kept back; a process that is started meanwhile does not hear it from its first line on.

    https://man7.org/linux/man-pages/man7/signal.7.html: a mask is inherited, and preserved across execve(2).
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {one})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_work() -> None:
    # Ctrl-C reaches every process of the terminal; the first one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_first, daemon=True).start()
    be_silent()


def _end_with_the_first() -> None:
    """The first process may be killed, and then ends nobody."""
    first = parent_process()
    if first is not None:
        first.join()
    os._exit(1)

"""Two pipelines that share one slot: `gold-revenue`, whose rules hold, and `other`, which wants the slot as well."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from builders import a_key, a_pipeline, a_rule, a_run
from interlock.domain.pipeline import Job, JobPool, JobType, Pipeline
from interlock.domain.pool import Pool, asked, ticket_of
from interlock.domain.run import Run
from world_builder import NOW, World

MINE = a_run(task_token="mine", token_for="readiness")
THEIRS = a_run(key=a_key("other"), task_token="theirs", token_for="readiness")


def limited(
    name: str = "gold-revenue", slots: int | None = 1, pool: str = "warehouse", **job: Any
) -> Pipeline:
    """At least 1000 rows, and a slot."""
    shared = JobPool(pool, slots) if slots else None
    return a_pipeline(
        id=name, rules=[a_rule()], job=Job(JobType.GLUE, {"jobName": "etl"}, **{"pool": shared, **job})
    )


class SlotWorld(World):
    """Everybody's rules hold until a test says otherwise."""

    def __init__(self, mine: Run = MINE, theirs: Run = THEIRS, **job: Any) -> None:
        super().__init__(limited(**job), mine)
        self.put_config(limited("other"))
        self.put_run(theirs)
        self.rows("gold-revenue")
        self.rows("other")
        self.events.clear()

    def rows(self, pipeline_id: str, count: int = 1000) -> None:
        self.write_sensor("row-count", pipeline_id, count=count)

    def pool(self, name: str = "warehouse") -> Pool:
        return self.outside.pool(name)

    def ask_only(self, run: Run, slots: int = 1, pool: str = "warehouse") -> None:
        """By somebody who knows no better."""
        before = self.pool(pool)
        self.outside.change_pool(before, asked(before, ticket_of(run), slots), NOW)

    def ask(self, run: Run, slots: int = 1, pool: str = "warehouse") -> Run:
        """The run as it stands after it has asked."""
        self.ask_only(run, slots, pool)
        current = self.outside.run(run.key)
        assert current is not None
        pools = tuple(dict.fromkeys((*current.pools, pool)))
        return self.outside.note(current, replace(current, pools=pools))

    def at_call(self, number: int, what: Callable[[], None], *, after: bool = False) -> None:
        """What happens before (or after) the call of that number from now on."""
        count = 0

        def strike(*_: Any, **__: Any) -> None:
            nonlocal count
            count += 1
            if count == number:
                what()

        self.calls.before = (lambda *_, **__: None) if after else strike  # type: ignore[method-assign]
        self.calls.after = strike if after else (lambda *_, **__: None)  # type: ignore[method-assign]

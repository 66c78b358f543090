"""What is gathered for an explanation: the run, its rules, the ledger, the calendar; and what cannot be explained."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from builders import a_key, a_pipeline, a_rule, a_run, at
from interlock.aws import keys
from interlock.aws.config_ledger import DynamoConfigLedger
from interlock.config_ports import ConfigFile
from interlock.domain.baseline import Baseline
from interlock.domain.calendar import Calendar
from interlock.domain.explanation import Explanation
from interlock.domain.pipeline import Deadline, Exclude, Include, Sla, UpstreamRule
from interlock.domain.promise import PromiseKind, promised, settled
from interlock.domain.readiness import evaluate_readiness
from interlock.ports import DueRun
from interlock.steps.explain_run import NothingToExplain, explain_run
from slot_world import MINE, SlotWorld
from world_builder import NOW, WAITS_FOR_ROWS, World


def explained(
    world: World, run_date: str | None = None, schedule: str | None = None, now: datetime = NOW
) -> Explanation:
    found = asked(world, "gold-revenue", run_date, schedule, now)
    assert isinstance(found, Explanation)
    return found


def asked(
    world: World,
    pipeline_id: str,
    run_date: str | None = None,
    schedule: str | None = None,
    now: datetime = NOW,
) -> Explanation | NothingToExplain:
    ledger = DynamoConfigLedger(world.table)
    return explain_run(pipeline_id, run_date, schedule, world.control, ledger, now)


def file(world: World, pipeline_id: str | None, *, valid: bool = True, source: str = "p.yaml") -> None:
    DynamoConfigLedger(world.table).put_file(ConfigFile(source, "e", pipeline_id, valid), None, NOW)


def test_run_rules_and_the_next_look_are_read_from_the_table() -> None:
    world = World(run=a_run())
    world.write_sensor(count=900)
    world.outside.promise(DueRun(a_key(), at("2026-03-02T08:35"), "readiness"))

    told = explained(world)

    assert told.headline == "waits: row-count.count is 900, must rise by 100 to 1000"
    assert "it looks again by itself at 08:35 UTC, in 5m" in told.following


def test_the_current_date_is_explained_unless_another_is_named() -> None:
    world = World(a_pipeline(timezone="Asia/Tokyo"))

    assert explained(world, now=at("2026-03-02T16:00")).key.date == "2026-03-03"
    assert explained(world, "2026-01-31").key.date == "2026-01-31"


def test_the_runs_schedule_is_the_configs_unless_another_is_named() -> None:
    world = World(a_pipeline(cron="0 6 * * *"), run=a_run("SUCCEEDED"))

    assert explained(world).state == "NO_RUN"
    assert explained(world, schedule="stream").state == "SUCCEEDED"


def test_since_when_a_rule_is_unmet_is_what_the_row_remembers() -> None:
    opened_at = at("2026-03-02T08:00")
    unmet = evaluate_readiness(WAITS_FOR_ROWS.validation, {}, opened_at).verdicts
    world = World(run=a_run(verdicts=unmet))
    world.write_sensor(count=900)

    told = explained(world)

    assert told.rules is not None
    assert [(need.found, need.since) for need in told.rules.members] == [
        ("row-count.count is 900", opened_at)
    ]


def test_the_trigger_is_judged_on_the_reading_of_that_date() -> None:
    world = World()
    world.write_sensor("upstream-complete#2026-03-01", status="late")

    assert explained(world, "2026-03-01").headline == (
        'waits for its trigger: upstream-complete.status is "late"'
    )
    assert explained(world, "2026-03-02").headline == (
        "waits for its trigger: upstream-complete was never reported"
    )


def test_other_pipelines_are_asked_how_they_stand() -> None:
    world = World(a_pipeline(rules=[UpstreamRule("silver")]), run=a_run())
    world.put_config(a_pipeline(id="silver"))
    world.put_run(a_run("RUNNING", key=a_key("silver")))

    assert explained(world).headline == (
        "waits: silver 2026-03-02 is RUNNING, must succeed; see interlock explain silver 2026-03-02"
    )


def test_a_named_calendar_excludes_its_dates() -> None:
    world = World(a_pipeline(exclude=Exclude(calendar="closed")))
    DynamoConfigLedger(world.table).put_calendar(
        Calendar("closed", frozenset({date(2026, 3, 2)})), "closed.yaml", NOW
    )

    assert explained(world).headline == "has no run: 2026-03-02 is excluded by the calendar closed"


def test_a_date_that_is_not_included_says_so() -> None:
    world = World(a_pipeline(include=Include(dates=(date(2026, 3, 9),))))

    told = explained(world)

    assert told.headline == ("has no run: 2026-03-02 is not one of the dates that schedule.include lists")
    assert told.following[0].startswith("the next date is 2026-03-09")


def test_what_the_ledger_says_of_a_promise_is_told() -> None:
    sla = Sla(Deadline(0, 9), day_offset=0)
    world = World(a_pipeline(sla=sla), run=a_run("FAILED"))
    promise = promised(PromiseKind.SLA, a_key(), NOW, NOW)
    world.outside.make_promise(settled(promise, "breached"))

    assert [line.standing for line in explained(world).deadlines] == ["breached"]


def test_late_data_can_be_told_once_what_the_run_read_is_kept() -> None:
    world = World(run=a_run("SUCCEEDED"))
    assert explained(world).following == ("late data cannot be told: what it read was not kept",)

    world.outside.put_baseline(Baseline(a_key(), 1, NOW, {}))

    assert explained(world).following[0].startswith("a write that changes upstream-complete.status")


def test_the_latest_runs_are_named_when_the_date_has_none() -> None:
    world = World()
    for day in ("2026-02-25", "2026-02-26", "2026-02-27"):
        world.put_run(a_run("SUCCEEDED", key=a_key(date=day)))

    assert explained(world).notes == (
        "there are runs of 2026-02-27 (SUCCEEDED), 2026-02-26 (SUCCEEDED), 2026-02-25 (SUCCEEDED)",
    )


def test_the_runs_of_an_hourly_pipelines_day_are_named_when_the_day_is_asked_for() -> None:
    world = World(a_pipeline(cron="5 * * * *"))
    world.put_run(a_run("SUCCEEDED", key=a_key(schedule_id="cron", date="2026-03-02T07")))
    world.put_run(a_run("SUCCEEDED", key=a_key(schedule_id="cron", date="2026-02-02T07")))

    assert explained(world, "2026-03-02").notes == ("there are runs of 2026-03-02T07 (SUCCEEDED)",)


def test_a_run_under_the_other_schedule_is_named() -> None:
    world = World(a_pipeline(cron="0 6 * * *"), run=a_run("SUCCEEDED"))

    assert explained(world).notes == ("there are runs of 2026-03-02 (SUCCEEDED, --schedule stream)",)


def test_a_file_that_was_refused_is_named_beside_the_config_in_force() -> None:
    world = World()
    file(world, "gold-revenue", valid=False)

    (note,) = explained(world).notes

    assert note.startswith("p.yaml was refused since")


def test_a_file_that_is_in_force_is_not_worth_a_note() -> None:
    world = World()
    file(world, "gold-revenue")

    assert explained(world).notes == ()


@pytest.mark.parametrize(
    ("pipeline_id", "reason", "near"),
    [
        pytest.param("gold-revenu", "is no pipeline here", ("gold-revenue",), id="a slip"),
        pytest.param(
            "zzz", "is no pipeline here", ("gold-revenue", "silver-orders"), id="like none: what there is"
        ),
        pytest.param(
            "broken",
            "has no valid config: broken.yaml was refused (CONFIG_INVALID says why)",
            (),
            id="its first file was refused",
        ),
    ],
)
def test_an_unknown_pipeline_is_said_to_be(pipeline_id: str, reason: str, near: tuple[str, ...]) -> None:
    world = World()
    for known in ("silver-orders", "gold-revenue"):
        file(world, known, source=f"{known}.yaml")
    file(world, "broken", valid=False, source="broken.yaml")

    found = asked(world, pipeline_id)

    assert isinstance(found, NothingToExplain)
    assert (found.reason, found.near[-2:]) == (reason, near)


def test_a_removed_pipeline_is_told_from_one_that_never_was() -> None:
    world = World(None, run=a_run("CANCELLED"))

    assert asked(world, "gold-revenue") == NothingToExplain(
        "gold-revenue", "has no config any more; there are runs of 2026-03-02 (CANCELLED)"
    )


def test_a_config_that_somebody_wrote_over_is_said_to_be() -> None:
    world = World(None)
    partition, sort = keys.config_key("gold-revenue")
    world.table.put({"PK": partition, "SK": sort, "config": "{"})

    found = asked(world, "gold-revenue")

    assert isinstance(found, NothingToExplain)
    assert found.reason.startswith("has a config that cannot be read: ")


def test_a_run_that_somebody_wrote_over_is_said_to_be() -> None:
    world = World()
    partition, sort = keys.run_key(a_key())
    world.table.put({"PK": partition, "SK": sort, "status": "?"})

    found = asked(world, "gold-revenue")

    assert isinstance(found, NothingToExplain)
    assert found.reason.startswith("2026-03-02 has a row that cannot be read: ")


def test_a_row_of_another_date_that_somebody_wrote_over_is_passed_over() -> None:
    world = World()
    partition, sort = keys.run_key(a_key(date="2026-03-01"))
    world.table.put({"PK": partition, "SK": sort, "status": "?"})

    assert explained(world).headline.startswith("waits for its trigger")


@pytest.mark.parametrize("run_date", ["yesterday", "2026-02-30", "2026-3-1", ""])
def test_what_is_no_date_is_refused(run_date: str) -> None:
    with pytest.raises(ValueError, match="is not an execution date"):
        asked(World(), "gold-revenue", run_date)


def test_nothing_is_written() -> None:
    world = World(a_pipeline(rules=[a_rule()]), run=a_run())
    before = world.rows

    explained(world)

    assert world.rows == before
    assert not any("Put" in call or "Update" in call for call in world.calls.made)


def test_a_run_that_waits_for_a_slot_says_of_which_pool_who_holds_it_and_how_many_wait_before_it():
    world = SlotWorld()
    for name in ("other", "third"):
        world.ask_only(a_run(key=a_key(name)))
    world.ask(MINE)

    found = explained(world)

    assert found.headline == (
        "waits for a slot of the pool warehouse (1 slot), held by other 2026-03-02; 1 run waits before it: its rules hold"
    )


def test_a_run_that_holds_its_slot_is_not_said_to_wait_for_one():
    world = SlotWorld()
    world.ask(MINE)

    assert explained(world).headline == "is about to start: its rules hold"

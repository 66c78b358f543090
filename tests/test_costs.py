"""What Interlock costs a month: the bill asks a price for everything that is counted, and `docs/deploy.md` tells the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from costs.bill import SERVICES, VOLUMES, by_service, dollars, month_of
from costs.days import KINDS, day_of
from costs.durations import PROCESSOR_SECONDS, Work, gb_seconds
from costs.tables import bill_table, kinds_table, pipelines_table
from interlock.local.zip_contents import FUNCTIONS
from interlock.simulation.prices import OTHERS, PRICES

# For xdist: the days are played once.
pytestmark = pytest.mark.xdist_group("costs")

PAGE = Path(__file__).parent.parent / "docs" / "deploy.md"
TEN, THOUSAND, HUNDRED_THOUSAND = VOLUMES


def told(name: str) -> str:
    """A generated table of the page."""
    found = re.search(rf"<!-- {name} -->\n(.*?)\n<!-- end -->", PAGE.read_text(encoding="utf-8"), re.S)
    assert found, f"docs/deploy.md has no table {name}"
    return found[1]


@pytest.mark.parametrize(
    ("name", "table"),
    [("bill", bill_table), ("pipelines", pipelines_table), ("kinds", kinds_table)],
    ids=["bill", "pipelines", "kinds"],
)
def test_the_page_tells_what_the_script_counts(name: str, table: Callable[[], str]) -> None:
    assert told(name) == table(), "run `make costs`, and copy its table"


def test_the_volumes_have_the_runs_a_day_that_they_are_called_by() -> None:
    assert [volume.runs_a_day for volume in VOLUMES] == [10, 1_000, 100_000]


def test_every_price_is_asked_for_something_that_is_counted() -> None:
    things = [thing for asked in SERVICES.values() for thing in asked]
    # Requests that no typical day makes: configs that change, alerts that are put off.
    rare = {"s3.GetObject", "sqs.ChangeMessageVisibility"}

    assert sorted(things) == sorted({price.thing for price in (*PRICES, *OTHERS)} - rare)


def test_everything_that_has_a_price_is_counted_for_the_largest_volume() -> None:
    assert [thing for _, thing, count, _ in dollars(month_of(HUNDRED_THOUSAND)) if not count] == []


def test_a_run_that_waits_takes_no_more_transitions_than_one_that_does_not() -> None:
    ready, waits = (day_of(kind) for kind in KINDS[:2])

    assert ready["transitions"] == waits["transitions"] == 8


def test_what_stands_there_outweighs_ten_runs_a_day() -> None:
    bill = by_service(month_of(TEN))

    assert bill["CloudWatch"] > sum(bill.values(), Decimal(0)) / 2


def test_each_function_has_a_measured_duration() -> None:
    assert sorted(PROCESSOR_SECONDS) == sorted(name.replace("_", "-") for name in FUNCTIONS)


def test_a_cold_start_is_billed_as_well_as_the_invocation() -> None:
    warm = Work({"orchestrator": Decimal(10)})

    assert gb_seconds(replace(warm, cold=Decimal(1))) > 10 * gb_seconds(warm)


def test_a_sweep_is_billed_by_what_it_looks_at() -> None:
    tick = Work({"watchdog": Decimal(1)}, looks=Decimal(10))

    assert gb_seconds(replace(tick, looks=Decimal(1000))) > 50 * gb_seconds(tick)


def test_the_page_says_how_many_calls_a_sweep_makes_for_a_pipeline() -> None:
    (told,) = re.findall(r"\((\d+) calls for each", PAGE.read_text(encoding="utf-8"))
    passes_a_day = 24 * 60 // 55

    # However often a pipeline runs.
    for kind in KINDS:
        assert f"{day_of(kind)['calls of sweeps'] / passes_a_day:.0f}" == told, kind.name

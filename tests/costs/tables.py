"""The tables of `docs/deploy.md` and of `make costs`, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal

from costs.bill import DAYS, VOLUMES, a_thousand_runs, by_service, dollars, month_of
from costs.days import KINDS


def bill_table() -> str:
    """Dollars a month by service, for each volume."""
    months = [month_of(volume) for volume in VOLUMES]
    services = [by_service(month) for month in months]
    rows = [[name, *(_money(each[name]) for each in services)] for name in services[0]]
    sums = [sum(each.values(), Decimal(0)) for each in services]
    rows.append(["**together**", *(f"**{_money(amount)}**" for amount in sums)])
    runs = [volume.runs_a_day * DAYS / 1000 for volume in VOLUMES]
    rows.append(
        ["a thousand runs", *(_money(amount / count) for amount, count in zip(sums, runs, strict=True))]
    )
    return _table(["dollars a month", *(f"{volume.runs_a_day:,} runs a day" for volume in VOLUMES)], rows)


def kinds_table() -> str:
    """What a run of each kind takes, and a thousand of them cost, in Step Functions and DynamoDB requests and the like."""
    things = {
        "transitions": "transitions",
        "invocations": "lambda_invocations",
        "read units": "dynamodb_read_units",
        "write units": "dynamodb_write_units",
        "events": "events",
    }
    rows = []
    for kind in KINDS:
        counts = a_thousand_runs(kind)
        per_run = [_count(counts[thing] / 1000) for thing in things.values()]
        rows.append([f"`{kind.name}`", kind.what, *per_run])
    return _table(["pipeline", "its day", *(f"{name} a run" for name in things)], rows)


def pipelines_table() -> str:
    """How many pipelines of each kind the volumes have."""
    rows = [
        [f"{volume.runs_a_day:,} runs a day", *(f"{volume.pipelines[kind.name]:,}" for kind in KINDS)]
        for volume in VOLUMES
    ]
    return _table(["pipelines", *(f"`{kind.name}`" for kind in KINDS)], rows)


def details() -> Iterator[str]:
    """Every count of every volume, with its price: for whoever does not believe the tables."""
    for volume in VOLUMES:
        month = month_of(volume)
        yield f"\n{volume.runs_a_day:,} runs a day, {volume.files:,} pipelines: a month"
        for service, thing, count, amount in dollars(month):
            yield f"  {service:16}{thing:32}{count:>20,.2f}{amount:>12,.4f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    aligned = ["---" if not number else "---:" for number in range(len(head))]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, aligned, *rows))


def _money(amount: Decimal) -> str:
    step = Decimal("0.01") if amount < 100 else Decimal(1)
    return f"{amount.quantize(step, ROUND_HALF_UP):,}"


def _count(number: Decimal) -> str:
    return f"{number.quantize(Decimal(1), ROUND_HALF_UP):,}"

"""The row of a pool, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.aws import keys
from interlock.aws.run_item import RowInvalid, whole_number
from interlock.aws.table import Item
from interlock.domain.pool import Pool, Ticket, Waiting
from interlock.domain.run import RunKey


def pool_item(pool: Pool) -> Item:
    partition, sort = keys.pool_key(pool.name)
    return {
        "PK": partition,
        "SK": sort,
        "version": pool.version,
        "holders": [_ticket(holder) for holder in pool.holders],
        "waiting": [[*_ticket(each.ticket), each.slots] for each in pool.waiting],
    }


def read_pool(name: str, item: Mapping[str, Any] | None) -> Pool:
    """Empty without a row; `RowInvalid` when it is not one of ours."""
    if item is None:
        return Pool(name)
    try:
        return Pool(
            name=name,
            holders=tuple(_read_ticket(holder) for holder in item["holders"]),
            waiting=tuple(Waiting(_read_ticket(each), int(each[5])) for each in item["waiting"]),
            version=whole_number(item["version"]),
        )
    except (KeyError, TypeError, ValueError, IndexError, ArithmeticError) as error:
        raise RowInvalid(
            f"the row of the pool {name} is not one of ours: {str(error)[:200]}; delete it"
        ) from error


def _ticket(ticket: Ticket) -> list[Any]:
    key = ticket.key
    return [key.pipeline_id, key.schedule_id, key.date, ticket.attempt, ticket.turn]


def _read_ticket(parts: Any) -> Ticket:
    pipeline_id, schedule_id, date, attempt, turn = parts[:5]
    ticket = Ticket(RunKey(str(pipeline_id), str(schedule_id), str(date)), str(attempt), int(turn))
    _ = ticket.order  # `ValueError` if it is none
    return ticket

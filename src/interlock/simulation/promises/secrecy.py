"""No secret is told or kept: neither in a row, nor in an event, nor in a message."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.simulation.promises.facts import Broken, Facts
from interlock.simulation.scenario import SetSecrets

_LEAST = 6  # characters: a shorter one stands in any text by chance


def secrets_stay_secret(facts: Facts) -> Iterator[Broken]:
    """Of the rows, those that are left at the end: what a run's row held before is among its events and handles."""
    actions = (entry.action for entry in facts.played.scenario.timeline)
    values = [
        value for action in actions if isinstance(action, SetSecrets) for value in action.values.values()
    ]
    secrets = {value for value in values if len(value) >= _LEAST}
    if not secrets:
        return
    for where, text in _everything_said(facts):
        for secret in secrets:
            if secret in text:
                yield Broken("secrets-stay-secret", where, f"the secret {secret!r} stands there")


def _everything_said(facts: Facts) -> Iterator[tuple[str, str]]:
    for table, rows in facts.rest.tables.items():
        for (partition, sort), row in rows.items():
            yield f"{table} {partition} {sort}", str(row)
    for published in facts.played.history.published:
        yield f"{published.event.type} of {published.event.pipeline_id}", str(published.event)
    for posted in facts.played.history.posted:
        yield f"the message on {posted.type} of {posted.pipeline_id}", posted.text


CHECKS = (secrets_stay_secret,)

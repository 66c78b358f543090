"""What a torture came to, as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from statistics import median

from embedded_torture.torture import Result


def table(result: Result) -> str:
    return "\n".join(f"{name:<34}{value:>10}" for name, value in _lines(result))


def _lines(result: Result) -> Iterator[tuple[str, str]]:
    facts = [played.facts for played in result.worlds if played.facts is not None]
    yield f"worlds of seed {result.seed}", f"{len(result.worlds):,}"
    yield "pipelines", f"{sum(len(played.plan.corners) for played in result.worlds):,}"
    yield "runs", f"{sum(len(each.rows.now('RUN#')) for each in facts):,}"
    yield "jobs started", f"{sum(map(len, (starts for each in facts for starts in each.starts.values()))):,}"
    yield "events", f"{sum(len({event.id for event in each.rows.announced}) for each in facts):,}"
    yield "messages in Slack", f"{result.messages:,}"
    yield "invocations", f"{result.invocations:,}"
    yield "AWS calls", f"{result.calls:,}"
    struck = {strike.fault.id: strike.fault for strike in result.strikes}.values()
    yield "faults planned", f"{sum(len(played.plan.faults) for played in result.worlds):,}"
    yield "faults struck", f"{len(struck):,}"
    kinds = Counter(f"{fault.kind} {fault.when} the effect" for fault in struck)
    yield from ((f"  {kind}", f"{count:,}") for kind, count in sorted(kinds.items()))
    functions = Counter(fault.function for fault in struck)
    yield from ((f"  in {function}", f"{count:,}") for function, count in sorted(functions.items()))
    services = Counter(strike.did.partition(".")[0] for strike in result.strikes)
    yield "calls hit, the SDK's repeats too", f"{len(result.strikes):,}"
    yield from ((f"  of {service}", f"{count:,}") for service, count in sorted(services.items()))
    yield "records and events brought again", f"{sum(played.again for played in result.worlds):,}"
    slowest = max(result.worlds, key=lambda played: played.seconds)
    yield "seconds of a world, median", f"{median(played.seconds for played in result.worlds):,.0f}"
    yield "  of the slowest", f"{slowest.seconds:,.0f}"
    yield "broken", f"{result.count_of_broken:,}"
    yield "minutes", f"{result.seconds / 60:.1f}"

"""`interlock explain`: what a person sees while an environment works, and what programs and terminals get of it."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from datetime import timedelta
from io import StringIO

import pytest

from interlock.aws.config_ledger import DynamoConfigLedger
from interlock.aws.control_table import DynamoControlTable
from interlock.cli.explain import add_parser, explain
from interlock.cli.main import main
from interlock.domain.explanation import Explanation
from interlock.simulation.scenario import JobPlay
from interlock.steps.explain_run import explain_run
from obedience import longest_wait, obey
from simulated_cloud import START, SimulatedCloud

WAITS = """
pipeline: {id: gold}
schedule:
  timezone: Europe/Berlin
  trigger: {key: upstream, check: equals, field: status, value: ready}
validation:
  rules:
    - {key: orders, check: gte, field: count, value: 1000}
    - {key: settled, check: age_gt, field: at, value: 10m}
    - {atLeast: 2, of: [{key: eu, check: exists}, {key: us, check: exists}, {key: apac, check: exists}]}
    - {not: {key: incident, check: equals, field: status, value: open}}
job: {type: glue, config: {jobName: gold}, maxRetries: 0}
"""
DATE = "2026-03-10"


@pytest.fixture
def place() -> SimulatedCloud:
    return SimulatedCloud(WAITS, JobPlay(after=timedelta(minutes=5)))


def asked(*arguments: str) -> Namespace:
    parser = ArgumentParser()
    add_parser(parser.add_subparsers())
    return parser.parse_args(["explain", *arguments])


def printed(place: SimulatedCloud, *arguments: str) -> list[str]:
    out = StringIO()
    assert explain(asked("gold", *arguments), place.cloud, place.clock.now(), out) == 0
    return out.getvalue().splitlines()


def told(place: SimulatedCloud) -> Explanation:
    control, ledger = DynamoControlTable(place.cloud.control), DynamoConfigLedger(place.cloud.control)
    found = explain_run("gold", None, None, control, ledger, place.clock.now())
    assert isinstance(found, Explanation)
    return found


def test_it_follows_a_run_from_its_trigger_to_its_end(place: SimulatedCloud):
    headlines = [printed(place)[0]]
    place.write_sensor("upstream", status="ready")
    place.write_sensor("orders", count=900)
    place.write_sensor("settled", at="2026-03-10T08:00:00Z")
    place.write_sensor("eu")
    place.write_sensor("us")
    headlines.append(printed(place)[0])
    place.passes(minutes=12)
    headlines.append(printed(place)[0])
    place.write_sensor("orders", count=1000)
    headlines.append(printed(place)[0])
    place.passes(minutes=15)
    headlines.append(printed(place)[0])

    assert headlines == [
        "gold 2026-03-10 waits for its trigger: upstream was never reported",
        "gold 2026-03-10 waits: 2 of 4 rules do not hold",
        "gold 2026-03-10 waits: orders.count is 900, must rise by 100 to 1000",
        "gold 2026-03-10 is running: its glue job has run for 1s",
        "gold 2026-03-10 succeeded at 09:17 CET (08:17 UTC), 10m ago; its job took 5m",
    ]


def test_a_run_starts_when_somebody_does_what_is_said_and_knows_nothing_else(place: SimulatedCloud):
    place.write_sensor("incident", status="open")
    for _ in range(4):
        found = told(place)
        needs = [need for need in (found.trigger, found.rules if found.trigger is None else None) if need]
        for need in needs:
            for key, fields in obey(need, place.clock.now()):
                place.write_sensor(key, **(fields or {}))
            place.passes(seconds=longest_wait(need).total_seconds())
        if place.started:
            break

    assert place.started == [DATE]


def test_it_names_what_is_missing_and_nothing_else(place: SimulatedCloud):
    place.write_sensor("upstream", status="ready")
    place.write_sensor("settled", at="2026-03-10T07:00:00Z")
    place.write_sensor("us")
    place.write_sensor("apac")

    found = told(place)

    assert found.rules is not None
    assert [need.rule for need in found.rules.lacking] == ["orders.count >= 1000"]


def test_a_run_that_expired_says_what_starts_it_still_and_that_does(place: SimulatedCloud):
    place.write_sensor("upstream", status="ready")
    for key in ("eu", "us"):
        place.write_sensor(key)
    place.write_sensor("settled", at="2026-03-10T07:00:00Z")
    place.passes(hours=2)

    lines = printed(place)
    place.write_sensor("orders#2026-03-10", count=1000)

    assert lines[0] == (
        "gold 2026-03-10 expired at 10:00 CET (09:00 UTC), 1h ago: orders was never reported,"
        " SENSOR#orders#2026-03-10 must be written with count >= 1000"
    )
    assert "  the next write at which its rules hold starts it at once, outside every budget" in lines
    assert place.started == [DATE]


def test_a_date_can_be_named_and_its_schedule(place: SimulatedCloud):
    assert printed(place, "2026-03-09", "--schedule", "cron")[0].startswith("gold 2026-03-09 waits for")


def test_programs_get_json(place: SimulatedCloud):
    data = json.loads("\n".join(printed(place, "--json")))

    assert (data["pipeline"], data["date"], data["state"]) == ("gold", DATE, "NO_RUN")
    assert data["trigger"]["change"] == 'SENSOR#upstream#2026-03-10 must be written with status == "ready"'
    assert len(data["rules"]) == 4


@pytest.mark.parametrize("as_json", [False, True])
def test_an_unknown_pipeline_is_no_answer(place: SimulatedCloud, as_json: bool):
    out = StringIO()

    code = explain(asked("golf", *(["--json"] if as_json else [])), place.cloud, START, out)

    reason = "golf is no pipeline here; there are gold"
    assert code == 1
    assert out.getvalue() == (json.dumps({"pipeline": "golf", "error": reason}) if as_json else reason) + "\n"


def test_what_is_no_date_is_wrong_usage(capsys: pytest.CaptureFixture[str]):
    code = main(["explain", "gold", "tomorrow", "--environment", "dev", "--region", "eu-west-1"])

    assert code == 2
    assert capsys.readouterr().err == (
        "interlock explain: 'tomorrow' is not an execution date:"
        " write 2026-03-01, 2026-03-01T18 or 2026-03-01T18:15\n"
    )


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_colours_and_lines_that_fit(place: SimulatedCloud, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.delenv("NO_COLOR", raising=False)
    place.write_sensor("eu")
    out = Terminal()

    explain(asked("gold"), place.cloud, place.clock.now(), out)

    lines = out.getvalue().splitlines()
    assert lines[0] == "\x1b[1mgold 2026-03-10 waits for its trigger: upstream was never\x1b[0m"
    assert lines[1] == "\x1b[1m    reported\x1b[0m"
    assert "      \x1b[32m✓\x1b[0m eu was reported" in lines
    assert "  \x1b[31m✗\x1b[0m orders was never reported" in lines


def test_a_terminal_without_colours_gets_lines_that_fit(
    place: SimulatedCloud, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("NO_COLOR", "1")
    out = Terminal()

    explain(asked("gold"), place.cloud, place.clock.now(), out)

    assert "\x1b" not in out.getvalue()
    assert max(map(len, out.getvalue().splitlines())) <= 60


def test_a_pipe_gets_neither(place: SimulatedCloud):
    assert not any("\x1b" in line for line in printed(place))

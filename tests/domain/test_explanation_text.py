"""An explanation as it is printed: exact for what people see most, bounded and safe whatever is in it, and as JSON."""

import json
from datetime import timedelta

from builders import a_pipeline, a_rule, a_run, a_trigger, at
from interlock.domain.explain import explain
from interlock.domain.explanation_text import MOST_LINES, MOST_RULES, explanation_data, explanation_lines
from interlock.domain.pipeline import AtLeast, Deadline, Not, Sla
from interlock.domain.run import JobEnd, Outcome
from situations import NOW, a_situation

UP = a_rule("equals", "ready", "status", "up")
REGIONS = AtLeast(2, tuple(a_rule("exists", field=None, key=region) for region in ("eu", "us", "apac")))


def printed(situation) -> str:
    return "\n".join(explanation_lines(explain(situation)))


def test_a_run_that_waits():
    pipeline = a_pipeline(
        rules=[a_rule(), UP, REGIONS, Not(a_rule("equals", "open", "status", "incident"))],
        timezone="Europe/Berlin",
        sla=Sla(Deadline(0, 14), day_offset=0, expected_duration=timedelta(hours=2)),
    )
    readings = {"row-count": {"count": 900}, "up": {"status": "ready"}, "us": {}}
    situation = a_situation(
        pipeline,
        a_run(),
        {**readings, "incident": {"status": "open"}},
        unmet_since=at("2026-03-02T08:00"),
        look_at=at("2026-03-02T08:35"),
    )

    assert (
        printed(situation)
        == """\
gold-revenue 2026-03-02 waits: 3 of 4 rules do not hold

Run
  opened   09:00 CET (08:00 UTC), 30m ago, by trigger
  attempt  1

Rules, read now: 1 of 4 hold, all must
  ✗ row-count.count is 900, wanted >= 1000 · for 30m, since 09:00 CET (08:00 UTC)
      must rise by 100 to 1000
  ✓ up.status is "ready", wanted == "ready"
  ✗ 1 of 3 hold, 1 more needed · for 30m, since 09:00 CET (08:00 UTC)
      one of these is enough:
      ✗ eu was never reported · for 30m, since 09:00 CET (08:00 UTC)
          SENSOR#eu#2026-03-02 must be written
      ✓ us was reported
      ✗ apac was never reported · for 30m, since 09:00 CET (08:00 UTC)
          SENSOR#apac#2026-03-02 must be written
  ✗ incident.status is "open", wanted == "open", which must not be
      must become anything but "open"

Next
  a write of row-count, up, eu, us, apac and 1 more is looked at within seconds: the run goes on the moment its rules hold
  it looks again by itself at 09:35 CET (08:35 UTC), in 5m
  its window ends at 10:00 CET (09:00 UTC), in 30m: if its rules do not hold then, it expires
  once expired, it is started by the next write that makes its rules hold

Deadlines
  · SLA warning   12:00 CET (11:00 UTC), in 2h 30m  given unless it has succeeded by then
  · SLA deadline  14:00 CET (13:00 UTC), in 4h 30m  breached unless it has succeeded by then"""
    )


def test_a_date_whose_trigger_is_awaited():
    pipeline = a_pipeline(rules=[a_rule()], trigger=a_trigger(deadline=Deadline(0, 9)))

    assert (
        printed(a_situation(pipeline, readings={"row-count": {"count": 1200}}))
        == """\
gold-revenue 2026-03-02 waits for its trigger: upstream-complete was never reported

Trigger
  ✗ upstream-complete was never reported
      SENSOR#upstream-complete#2026-03-02 must be written with status == "ready"

Rules, read now: 1 of 1 hold
  ✓ row-count.count is 1200, wanted >= 1000

Next
  the write that meets the trigger opens the run at once; then it waits for its rules, up to 1h

Deadlines
  · trigger deadline  2026-03-03 09:00 UTC, in 1d  after it nothing starts by itself"""
    )


def test_a_run_that_failed():
    run = a_run(
        "FAILED",
        attempt=3,
        retries=2,
        job_type="glue",
        remote_id="jr_3",
        started_at=at("2026-03-02T08:10"),
        updated_at=at("2026-03-02T08:20"),
        outcome=Outcome(JobEnd.FAIL, "disk full"),
    )

    assert (
        printed(a_situation(a_pipeline(), run))
        == """\
gold-revenue 2026-03-02 failed at 08:20 UTC, 10m ago: its glue job failed

Run
  opened        08:00 UTC, 30m ago, by trigger
  attempt       3, after 2 retries
  started       08:10 UTC, 20m ago
  job           glue jr_3
  error         disk full
  category      TRANSIENT, counted by maxRetries
  retries left  0 of 2 maxRetries, 0 of 0 maxCodeRetries

Next
  no more is tried by itself

What you can do
  find the cause in the job's own log
  run it by hand: interlock rerun gold-revenue 2026-03-02 (1 of 1 maxManualReruns left)"""
    )


def test_of_very_many_rules_those_that_do_not_hold_come_first():
    rules = [a_rule("gte", n, f"field-{n}") for n in range(200)]
    readings = {"row-count": {f"field-{n}": 100 for n in range(200)}}

    lines = explanation_lines(explain(a_situation(a_pipeline(rules=rules), a_run(), readings)))

    assert sum("✗" in line for line in lines) == MOST_RULES
    assert sum("✓" in line for line in lines) == MOST_RULES
    assert "  and 120 more" in lines


def test_huge_groups_and_huge_values_are_bounded():
    rules = [
        AtLeast(1, tuple(a_rule("equals", "x" * 5000, f"f{n}-{m}") for n in range(100))) for m in range(9)
    ]
    readings = {"row-count": {f"f{n}-{m}": "y" * 100_000 for n in range(100) for m in range(9)}}

    lines = explanation_lines(explain(a_situation(a_pipeline(rules=rules), a_run(), readings)))

    assert len(lines) < MOST_LINES + 30
    assert max(map(len, lines)) < 500


def test_nothing_from_outside_reaches_the_terminal_as_a_control():
    evil = "\x1b[2J\r\nSUCCEEDED\u202e\u2028\x07"
    run = a_run(
        "FAILED", outcome=Outcome(JobEnd.FAIL, evil, report={evil: evil}), remote_id=evil, job_type="glue"
    )
    pipeline = a_pipeline(rules=[a_rule("equals", evil, "status")])

    for situation in (
        a_situation(pipeline, run, {"row-count": {"status": evil}}),
        a_situation(pipeline, a_run(), {"row-count": {"status": evil}}),
        a_situation(pipeline, a_run(refused_since=NOW, refusal=evil)),
        a_situation(pipeline, None, {"upstream-complete": {"status": evil}}, refused_file=evil),
    ):
        assert all(line.isprintable() for line in explanation_lines(explain(situation)))


def test_the_same_is_there_as_json():
    situation = a_situation(
        a_pipeline(rules=[a_rule(), REGIONS], sla=Sla(Deadline(0, 14), day_offset=0)),
        a_run(),
        {"row-count": {"count": 900}},
        unmet_since=at("2026-03-02T08:00"),
    )

    data = json.loads(json.dumps(explanation_data(explain(situation))))

    assert (data["pipeline"], data["schedule"], data["date"]) == ("gold-revenue", "stream", "2026-03-02")
    assert (data["state"], data["at"]) == ("WAITING", "2026-03-02T08:30:00Z")
    assert data["rules"][0] == {
        "rule": "row-count.count >= 1000",
        "holds": False,
        "reason": "row-count.count is 900, wanted >= 1000",
        "change": "must rise by 100 to 1000",
        "since": "2026-03-02T08:00:00Z",
    }
    assert (data["rules"][1]["stillNeeded"], len(data["rules"][1]["members"])) == (2, 3)
    assert data["deadlines"] == [
        {
            "name": "SLA deadline",
            "at": "2026-03-02T14:00:00Z",
            "standing": "breached unless it has succeeded by then",
        }
    ]
    assert data["text"] == explanation_lines(explain(situation))

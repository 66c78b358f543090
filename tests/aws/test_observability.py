"""What a function's output looks like to CloudWatch."""

import json
import logging

import pytest

from interlock.aws.observability import configure_logging, count


@pytest.fixture
def lines_of(capsys):
    """What a piece of work writes once logging is configured, parsed line by line."""
    root, metrics = logging.getLogger(), logging.getLogger("interlock.metrics")
    before = (root.handlers, root.level, metrics.handlers, metrics.propagate)

    def lines_of(work):
        configure_logging("prod-interlock-watchdog")
        work()
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    yield lines_of
    root.handlers, root.level, metrics.handlers, metrics.propagate = before


log = logging.getLogger("interlock.steps")


def test_a_line_carries_its_fields_beside_its_message(lines_of):
    (line,) = lines_of(lambda: log.info("job started", extra={"pipeline": "gold", "attempt": 2}))

    assert line["message"] == "job started"
    assert line["service"] == "prod-interlock-watchdog"
    assert (line["pipeline"], line["attempt"], line["level"]) == ("gold", 2, "INFO")


def test_an_exception_is_one_line_with_its_traceback(lines_of):
    def fail():
        try:
            raise ValueError("bad\nvalue")
        except ValueError:
            log.exception("step failed")

    (line,) = lines_of(fail)

    assert line["exception_name"] == "ValueError"
    assert "bad\nvalue" in line["exception"]


def test_a_value_that_json_does_not_know_still_makes_a_line(lines_of):
    (line,) = lines_of(lambda: log.info("odd", extra={"value": {b"x"}}))

    assert line["value"] == str({b"x"})


def test_a_count_is_an_embedded_metric(lines_of):
    (line,) = lines_of(lambda: count("StreamRecordUnreadable", table="control"))

    timestamp = line["_aws"].pop("Timestamp")
    assert timestamp > 1_700_000_000_000
    assert line == {
        "_aws": {
            "CloudWatchMetrics": [
                {
                    "Namespace": "Interlock",
                    "Dimensions": [["function", "table"]],
                    "Metrics": [{"Name": "StreamRecordUnreadable", "Unit": "Count"}],
                }
            ]
        },
        "StreamRecordUnreadable": 1,
        "function": "prod-interlock-watchdog",
        "table": "control",
    }

"""What CloudWatch sees of a function: log lines as JSON, and metrics embedded in them."""

from __future__ import annotations

import json
import logging
import sys

NAMESPACE = "Interlock"
_metrics = logging.getLogger("interlock.metrics")


def configure_logging(function_name: str) -> None:
    """Once for each container: every line of ours as one JSON object, with the fields of `extra` in it."""
    # Here, so that the simulator, which counts too, need not load it.
    from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

    root = logging.getLogger()
    root.handlers = [
        _to_stdout(LambdaPowertoolsFormatter(service=function_name, utc=True))
    ]  # not Lambda's own
    root.setLevel(logging.INFO)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    _metrics.handlers = [_to_stdout(_EmbeddedMetric(function_name))]
    _metrics.propagate = False


def count(name: str, **dimensions: str) -> None:
    """Count one occurrence of `name`. Where no logging was configured, as in the simulator, it goes nowhere."""
    _metrics.info(name, extra={"dimensions": dimensions})


class _EmbeddedMetric(logging.Formatter):
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html"""

    def __init__(self, function_name: str) -> None:
        super().__init__()
        self._function_name = function_name  # has the environment in it: two of them never share a metric

    def format(self, record: logging.LogRecord) -> str:
        name = record.getMessage()
        dimensions = {"function": self._function_name, **getattr(record, "dimensions", {})}
        metric = {
            "Namespace": NAMESPACE,
            "Dimensions": [list(dimensions)],
            "Metrics": [{"Name": name, "Unit": "Count"}],
        }
        about = {"Timestamp": int(record.created * 1000), "CloudWatchMetrics": [metric]}
        return json.dumps({"_aws": about, name: 1, **dimensions})


def _to_stdout(formatter: logging.Formatter) -> logging.Handler:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    return handler

"""The embedded stack, whole: an emulated AWS, stand-ins for what is outside it, our functions deployed onto it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from interlock.local.airflow_stand_in import Airflow
from interlock.local.databricks_stand_in import Databricks
from interlock.local.emr_serverless_stand_in import EmrServerless
from interlock.local.emr_stand_in import Emr
from interlock.local.emulator import Emulator
from interlock.local.glue_stand_in import Glue
from interlock.local.job_services import LocalJob
from interlock.local.slack_endpoint import SlackEndpoint
from interlock.local.stack import Cloud, Stack, StackOptions
from interlock.local.stand_in import Dialect, StandIn

# AWS's own are reached by the functions' settings, the others by what a pipeline's config says.
_FOUND_BY_SETTINGS = ("glue", "emr", "emr-serverless")
DATABRICKS_TOKEN = "dapi-local"
AIRFLOW_LOGIN = ("local", "local-password")


@dataclass(frozen=True)
class Session:
    """What runs; `embedded_stack` starts and ends it."""

    emulator: Emulator
    stack: Stack
    # Stand-ins for what the emulator does not have, by job type. They share their jobs: a name that is given to one
    # (a Glue job, a cluster, an application, a Databricks job's number, a DAG) is known to all.
    job_services: Mapping[str, StandIn]
    slack: SlackEndpoint

    @property
    def glue(self) -> StandIn:
        return self.job_services["glue"]

    def upload_pipeline(self, name: str, text: str | bytes) -> None:
        """Put one file where config-sync finds it."""
        content = text.encode() if isinstance(text, str) else text
        self.emulator.client("s3").put_object(
            Bucket=self.stack.bucket, Key=f"{self.stack.config_prefix}{name}", Body=content
        )

    def calls(self) -> Counter[str]:
        """AWS calls that the functions have made, `<boto3 service>.<Operation>`."""
        counted = self.emulator.counts().calls
        return sum((service.calls() for service in self.job_services.values()), counted)

    def invocations(self) -> Counter[str]:
        """By function, as the folder in `lambdas/` is called."""
        found = self.emulator.counts().invocations
        return Counter({name: found[self.stack.function(name)] for name in self.stack.functions})

    def warm_up(self) -> None:
        """Have each function start and make its clients, as those of an installation in use have.

        On AWS this is a container that served the minute before; the first call after a quiet hour is slower, there
        and here.
        """
        with ThreadPoolExecutor(len(_HARMLESS)) as callers:
            list(callers.map(self._invoke, *zip(*_HARMLESS, strict=True)))

    def _invoke(self, function: str, event: Mapping[str, Any]) -> None:
        answer = self.emulator.client("lambda").invoke(
            FunctionName=self.stack.function(function), Payload=json.dumps(event)
        )
        if "FunctionError" in answer:
            raise RuntimeError(f"{function} does not start: {answer['Payload'].read().decode()[:2000]}")


# Each does nothing but start, and as often as one run alone has it work at the same moment: a step that wakes its own
# execution overlaps with the next one, and a job's end comes as an event, by the joblog and by the control stream.
_HARMLESS: list[tuple[str, Mapping[str, Any]]] = [
    *[("orchestrator", {"step": "CheckRuns", "runs": []})] * 2,
    *[("stream_router", {"Records": []})] * 3,
    ("alert_dispatcher", {"Records": []}),
]


@contextmanager
def embedded_stack(
    jobs: Mapping[str, LocalJob],
    options: StackOptions | None = None,
    messages: TextIO | None = None,
    stack_of: Callable[[Cloud, StackOptions, Path], Stack] = Stack,
    emulator: Emulator | None = None,
) -> Iterator[Session]:
    """Everything, ready to use; it ends with the block and leaves nothing behind. `messages`: shows Slack's as they come.

    `stack_of`: who deploys; the tests of the Terraform module have Terraform do it. `emulator`: one that was given
    settings of its own, and is not started yet.
    """
    chosen, known = options or StackOptions(), dict(jobs)
    emulator = emulator or Emulator()
    # The emulator ends first: until then, what the functions call is there.
    with SlackEndpoint(chosen.slack_token, chosen.slack_channel, messages) as slack, ExitStack() as opened:
        services = {
            job_type: opened.enter_context(
                StandIn(dialect, known, emulator.publish_service_event, emulator.refuses)
            )
            for job_type, dialect in _dialects().items()
        }
        opened.enter_context(emulator)
        addresses = {job_type: services[job_type].url for job_type in _FOUND_BY_SETTINGS}
        reachable = replace(
            chosen, slack_api_url=slack.url, job_endpoints={**addresses, **chosen.job_endpoints}
        )
        stack = stack_of(emulator, reachable, zips_folder(emulator)).deploy()
        yield Session(emulator, stack, services, slack)


def _dialects() -> dict[str, Dialect]:
    return {
        "glue": Glue(),
        "emr": Emr(),
        "emr-serverless": EmrServerless(),
        "databricks": Databricks(DATABRICKS_TOKEN),
        "airflow": Airflow(*AIRFLOW_LOGIN),
    }


def zips_folder(emulator: Emulator) -> Path:
    """Among the emulator's own files, which are removed whichever way the session ends."""
    return emulator.folder / "zips"

"""Which adapter starts which type of job: one module, one line here, one row in the contract test for each."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from interlock.ports import JobTrigger, TriggerError

if TYPE_CHECKING:
    from interlock.triggers.outside import Outside

# By name, and imported on first use: an orchestrator that starts Glue jobs never loads the HTTP client.
ADAPTERS = {
    "airflow": "interlock.triggers.airflow:AirflowTrigger",
    "command": "interlock.triggers.command:CommandTrigger",
    "databricks": "interlock.triggers.databricks:DatabricksTrigger",
    "emr": "interlock.triggers.emr:EmrTrigger",
    "emr-serverless": "interlock.triggers.emr_serverless:EmrServerlessTrigger",
    "glue": "interlock.triggers.glue:GlueTrigger",
    "http": "interlock.triggers.http:HttpTrigger",
    "lambda": "interlock.triggers.lambda_function:LambdaTrigger",
    "step-function": "interlock.triggers.step_function:StepFunctionTrigger",
}


class TriggerTable:
    """`Triggers`: the adapters, each made once."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self._made: dict[str, JobTrigger] = {}

    def of_type(self, job_type: str) -> JobTrigger:
        if job_type not in ADAPTERS:
            known = ", ".join(sorted(ADAPTERS))
            raise TriggerError(
                f"jobs of type {job_type} cannot be started here; these can: {known}", permanent=True
            )
        if job_type not in self._made:
            module, name = ADAPTERS[job_type].split(":")
            self._made[job_type] = getattr(import_module(module), name)(self._outside)
        return self._made[job_type]

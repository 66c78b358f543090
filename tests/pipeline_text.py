"""Pipeline files for tests: a smallest valid one, and what is wrong with a text."""

from __future__ import annotations

from pathlib import Path

from interlock.domain.pipeline import Pipeline
from interlock.pipeline_yaml import PipelineInvalid, check_pipeline, read_pipeline

PIPELINE = "pipeline: {id: gold-revenue}\n"
JOB = "job: {type: glue, config: {jobName: etl}}\n"
TRIGGER = "{key: ready, check: exists}"
SAMPLES = sorted((Path(__file__).parent.parent / "pipelines").glob("*.yaml"))


def text_with(*sections: str, job: str = JOB) -> str:
    """A valid file (lines 1 and 2 are `pipeline` and `job`) with further top-level sections."""
    return PIPELINE + job + "".join(f"{section}\n" for section in sections)


def pipeline_with(*sections: str, job: str = JOB) -> Pipeline:
    """What is read from `text_with`."""
    return read_pipeline(text_with(*sections, job=job), "p.yaml")


def mistakes_in(text: str | bytes) -> list[str]:
    """Every mistake as `path: message`; none for a valid text."""
    try:
        read_pipeline(text, "p.yaml")
    except PipelineInvalid as invalid:
        return [f"{mistake.path}: {mistake.message}" for mistake in invalid.mistakes]
    return []


def mistakes_with(*sections: str, job: str = JOB) -> list[str]:
    """`mistakes_in` the text of `text_with`."""
    return mistakes_in(text_with(*sections, job=job))


def warnings_with(*sections: str, job: str = JOB) -> list[str]:
    """Every warning as `path: message`."""
    checked = check_pipeline(text_with(*sections, job=job), "p.yaml")
    return [f"{warning.path}: {warning.message}" for warning in checked.warnings]

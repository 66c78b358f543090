"""Pipelines that wait for pipelines, at sync: no circle gets in, and a success finds those that wait for it."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

from interlock.domain.pipeline import Pipeline, upstream_rules
from interlock.domain.pipeline_codec import StoredPipelineUnreadable, decode_pipeline
from interlock.pipeline_yaml import Checked, PipelineInvalid
from interlock.pipeline_yaml.dependencies import first_circle, upstreams_in_step
from interlock.ports import ControlTable, StoredConfig


def refuse_circle(checked: Checked, control: ControlTable, files: Collection[str]) -> None:
    """Raises `PipelineInvalid` if the stored configs lead from an upstream back here. `files` are those there are."""

    @cache
    def upstreams_of(pipeline_id: str) -> list[str]:
        stored = control.config(pipeline_id)
        # Another pass, or the end of this one, removes a config whose file is gone.
        pipeline = decoded(stored) if stored is not None and stored.source in files else None
        return upstreams_in_step(pipeline) if pipeline else []

    own = checked.pipeline.id
    found = first_circle(own, checked.dependencies, upstreams_of)
    if found is not None:
        raise PipelineInvalid([found[0]], own)


def gives_up_rule(pipeline: Pipeline, stored: StoredConfig | None) -> bool:
    """Whether one goes that a circle is made of: another file may have been refused for that."""
    before = decoded(stored) if stored is not None else None
    return before is not None and not set(upstreams_in_step(before)) <= set(upstreams_in_step(pipeline))


def link_dependents(pipeline: Pipeline, stored: StoredConfig | None, control: ControlTable) -> None:
    """Before the config is stored: a pass that dies is repeated as a whole while `stored` still tells what was.

    A row too many wakes nobody (the config is asked), one too few leaves a run to its fallback re-check.
    """
    before = decoded(stored) if stored is not None else None
    wanted = _upstreams(pipeline)
    for upstream in sorted(wanted):
        control.add_dependent(upstream, pipeline.id)
    for upstream in sorted(_upstreams(before) - wanted if before is not None else ()):
        control.remove_dependent(upstream, pipeline.id)


def unlink_dependents(stored: StoredConfig, control: ControlTable) -> None:
    """Before the config is removed, for the same reason."""
    before = decoded(stored)
    for upstream in sorted(_upstreams(before) if before else ()):
        control.remove_dependent(upstream, stored.pipeline_id)


def _upstreams(pipeline: Pipeline) -> set[str]:
    return {rule.pipeline_id for rule in upstream_rules(pipeline)}


def decoded(stored: StoredConfig) -> Pipeline | None:
    """The pipeline of a stored config; None where somebody wrote over it."""
    try:
        return decode_pipeline(stored.text)
    except StoredPipelineUnreadable:
        return None

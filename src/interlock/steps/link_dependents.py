"""Keep the rows by which a success finds the pipelines that wait for it in step with the stored configs."""

from __future__ import annotations

from interlock.domain.pipeline import Pipeline, upstream_rules
from interlock.domain.pipeline_codec import StoredPipelineUnreadable, decode_pipeline
from interlock.ports import ControlTable, StoredConfig


def link_dependents(pipeline: Pipeline, stored: StoredConfig | None, control: ControlTable) -> bool:
    """Before the config is stored: a pass that dies is repeated as a whole while `stored` still tells what was.

    Says whether the pipeline gave up an upstream: another file may have been refused for the cycle that made.
    A row too many wakes nobody (the config is asked), one too few leaves a run to its fallback re-check.
    """
    wanted = _upstreams(pipeline)
    given_up = _stored_upstreams(stored) - wanted
    for upstream in sorted(wanted):
        control.add_dependent(upstream, pipeline.id)
    for upstream in sorted(given_up):
        control.remove_dependent(upstream, pipeline.id)
    return bool(given_up)


def unlink_dependents(stored: StoredConfig, control: ControlTable) -> None:
    """Before the config is removed, for the same reason."""
    for upstream in sorted(_stored_upstreams(stored)):
        control.remove_dependent(upstream, stored.pipeline_id)


def _upstreams(pipeline: Pipeline) -> set[str]:
    return {rule.pipeline_id for rule in upstream_rules(pipeline)}


def _stored_upstreams(stored: StoredConfig | None) -> set[str]:
    try:
        return _upstreams(decode_pipeline(stored.text)) if stored is not None else set()
    except StoredPipelineUnreadable:
        return set()  # whoever wrote over the row

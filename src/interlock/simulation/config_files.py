"""The `configs` of a scenario: inline, from files beside it, or many copies of one."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import yaml

from interlock.pipeline_yaml import check_pipeline_node
from interlock.pipeline_yaml.document import MOST_BYTES, compose
from interlock.pipeline_yaml.mistake import PipelineInvalid
from interlock.simulation.place import Place
from interlock.simulation.scenario import ConfigText

_MOST_COPIES = 100_000
_ID_MARK = "interlock-repeated-id"  # stands for the id while a repeated config's text is made


def read_configs(place: Place, folder: Path) -> Iterator[ConfigText]:
    owners: dict[str, str] = {}
    for item in place.items():
        for pipeline_id, config in _config(item, folder):
            if pipeline_id in owners:
                item.wrong(f"names the pipeline {pipeline_id} a second time; ids are unique")
                break
            owners[pipeline_id] = config.name
            yield config


def _config(place: Place, folder: Path) -> list[tuple[str, ConfigText]]:
    """One config, or its copies, each with the id it names."""
    if not isinstance(place.node, yaml.MappingNode):
        place.wrong("is no mapping; write a pipeline config, or {file: relative/path.yaml}")
        return []
    own, repeat = _without(place.node, "repeat")
    copies = Place(repeat, (*place.path, "repeat"), place.findings).whole(1, _MOST_COPIES) if repeat else None
    file = next((value for key, value in own.value if key.value == "file"), None)
    found = _inline(own, place) if file is None else _from_file(own, place, folder)
    if found is None:
        return []
    node, name = found
    if copies is None:
        return [(pipeline_id_of(node) or "", ConfigText(name, config_text(node)))]
    return list(_repeated(node, copies))


def _without(node: yaml.MappingNode, name: str) -> tuple[yaml.MappingNode, yaml.Node | None]:
    """The mapping without this key, and the key's value."""
    left = [(key, value) for key, value in node.value if key.value != name]
    found = next((value for key, value in node.value if key.value == name), None)
    return yaml.MappingNode(node.tag, left, node.start_mark, node.end_mark, node.flow_style), found


def _inline(node: yaml.MappingNode, place: Place) -> tuple[yaml.Node, str] | None:
    try:
        pipeline = check_pipeline_node(node, place.findings.file, place.path).pipeline
    except PipelineInvalid as invalid:
        place.findings.mistakes.extend(invalid.mistakes)
        return None
    return node, f"{pipeline.id}.yaml"


def _from_file(node: yaml.MappingNode, place: Place, folder: Path) -> tuple[yaml.Node, str] | None:
    fields = Place(node, place.path, place.findings).fields(("file",), required=("file",))
    name = fields["file"].text() if "file" in fields else ""
    if not name:
        return None
    try:
        config = compose(read_file(folder / name, MOST_BYTES + 1), name)
        check_pipeline_node(config, name)
    except (OSError, ValueError) as error:
        if isinstance(error, PipelineInvalid):
            place.findings.mistakes.extend(error.mistakes)
        else:
            fields["file"].wrong(f"cannot be read: {getattr(error, 'strerror', None) or error}")
        return None
    return config, name


def _repeated(config: yaml.Node, copies: int) -> Iterator[tuple[str, ConfigText]]:
    # The text is made once: thousands of copies differ in their id alone.
    pipeline_id = pipeline_id_of(config) or ""
    pipeline = _member(config, "pipeline")
    assert pipeline is not None, "a config that was checked names its pipeline"
    marked = _with_member(pipeline, "id", yaml.ScalarNode("tag:yaml.org,2002:str", _ID_MARK))
    text = config_text(_with_member(config, "pipeline", marked))
    for number in range(1, copies + 1):
        copy_id = f"{pipeline_id}-{number:04}"
        yield copy_id, ConfigText(f"{copy_id}.yaml", text.replace(_ID_MARK.encode(), copy_id.encode()))


def config_text(node: yaml.Node) -> bytes:
    """The file that an inline config stands for."""
    return str(yaml.serialize(node, Dumper=yaml.SafeDumper, allow_unicode=True)).encode()


def pipeline_id_of(config: yaml.Node) -> str | None:
    """The id that a config names, if it names one."""
    found = _member(_member(config, "pipeline"), "id")
    return str(found.value) if isinstance(found, yaml.ScalarNode) and found.value else None


def _member(node: yaml.Node | None, name: str) -> yaml.Node | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for key, value in pairs if key.value == name), None)


def _with_member(node: yaml.Node, name: str, member: yaml.Node) -> yaml.Node:
    pairs = [(key, member if key.value == name else value) for key, value in node.value]
    return yaml.MappingNode(node.tag, pairs, flow_style=node.flow_style)


def read_file(path: Path, most_bytes: int) -> bytes:
    """At most `most_bytes` and one more, from a regular file: a device or a pipe might never end."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(0, "it is no regular file")
    with path.open("rb") as stream:
        return stream.read(most_bytes + 1)

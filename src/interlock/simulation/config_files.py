"""The `configs` of a scenario: inline, from files beside it, or many copies of one."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import yaml

from interlock.pipeline_yaml import check_pipeline, check_pipeline_node
from interlock.pipeline_yaml.document import MOST_BYTES, compose
from interlock.pipeline_yaml.mistake import PipelineInvalid
from interlock.simulation.place import Place
from interlock.simulation.scenario import ConfigText

_MOST_COPIES = 100_000
_SUFFIXES = (".yaml", ".yml")
_ID_MARK = "interlock-repeated-id"  # stands for the id while a repeated config's text is made


def read_configs(place: Place, folder: Path) -> Iterator[ConfigText]:
    """Every config, checked; raises nothing, for mistakes are noted."""
    ids: set[str] = set()
    names: set[str] = set()
    for item in place.items():
        for config in _config(item, folder):
            if config.pipeline_id in ids:
                item.wrong(f"names the pipeline {config.pipeline_id} a second time; ids are unique")
                break
            fits = config.name not in names and config.name.endswith(_SUFFIXES)
            named = config if fits else replace(config, name=f"{config.pipeline_id}.yaml")
            ids.add(named.pipeline_id)
            names.add(named.name)
            yield named


def _config(place: Place, folder: Path) -> list[ConfigText]:
    """One config, or its copies."""
    if not isinstance(place.node, yaml.MappingNode):
        place.wrong("is no mapping; write a pipeline config, or {file: relative/path.yaml}")
        return []
    own, repeat = _without(place.node, "repeat")
    copies = Place(repeat, (*place.path, "repeat"), place.findings).whole(1, _MOST_COPIES) if repeat else None
    from_file = any(key.value == "file" for key, _ in own.value)
    try:
        config = _from_file(own, place, folder) if from_file else _inline(own, place)
        if config is None or copies is None:
            return [config] if config else []
        return list(_repeated(config, copies))
    except PipelineInvalid as invalid:
        place.findings.mistakes.extend(invalid.mistakes)
        return []


def _without(node: yaml.MappingNode, name: str) -> tuple[yaml.MappingNode, yaml.Node | None]:
    """The mapping without this key, and the key's value."""
    left = [(key, value) for key, value in node.value if key.value != name]
    found = next((value for key, value in node.value if key.value == name), None)
    return yaml.MappingNode(node.tag, left, node.start_mark, node.end_mark, node.flow_style), found


def _inline(node: yaml.MappingNode, place: Place) -> ConfigText:
    checked = check_pipeline_node(node, place.findings.file, place.path)
    name = checked.pipeline.id
    return ConfigText(f"{name}.yaml", config_text(node), name, calendars=checked.calendars)


def _from_file(node: yaml.MappingNode, place: Place, folder: Path) -> ConfigText | None:
    fields = Place(node, place.path, place.findings).fields(("file",), required=("file",))
    name = fields["file"].text() if "file" in fields else ""
    if not name:
        return None
    try:
        text = read_file(folder / name, MOST_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        fields["file"].wrong(f"cannot be read: {getattr(error, 'strerror', None) or error}")
        return None
    checked = check_pipeline(text, name)
    return ConfigText(Path(name).name, text, checked.pipeline.id, calendars=checked.calendars)


def _repeated(config: ConfigText, copies: int) -> Iterator[ConfigText]:
    # The text is made and checked once: thousands of copies differ in their id alone.
    node = compose(config.text, config.name)
    pipeline = _member(node, "pipeline")
    assert pipeline is not None, "a config that was checked names its pipeline"
    marked = _with_member(pipeline, "id", yaml.ScalarNode("tag:yaml.org,2002:str", _ID_MARK))
    text = config_text(_with_member(node, "pipeline", marked))
    checked = check_pipeline(
        text.replace(_ID_MARK.encode(), f"{config.pipeline_id}-{copies:04}".encode()), config.name
    )
    for number in range(1, copies + 1):
        copy_id = f"{config.pipeline_id}-{number:04}"
        name = f"{copy_id}.yaml"
        warnings = tuple(replace(warning, file=name) for warning in checked.warnings)
        copy = replace(checked, pipeline=replace(checked.pipeline, id=copy_id), warnings=warnings)
        copied = text.replace(_ID_MARK.encode(), copy_id.encode())
        yield ConfigText(name, copied, copy_id, copy, config.calendars if number == 1 else ())


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
    return yaml.MappingNode(node.tag, pairs)


def read_file(path: Path, most_bytes: int) -> bytes:
    """At most `most_bytes` and one more, from a regular file: a device or a pipe might never end."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(0, "it is no regular file")
    with path.open("rb") as stream:
        return stream.read(most_bytes + 1)

"""The AWS SDK's descriptions of the services that a function calls, without what only people read.

botocore reads these at each cold start: most of a small function's start. A folder named by `AWS_DATA_PATH` is read before
botocore's own: https://docs.aws.amazon.com/sdkref/latest/guide/feature-gen-config.html
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import botocore
from botocore import xform_name

FOLDER = "sdk-models"
# botocore expands variables; Lambda names the folder that the zip is in.
DATA_PATH = f"$LAMBDA_TASK_ROOT/{FOLDER}"
_DATA = Path(botocore.__file__).parent / "data"
_CLIENT = re.compile(r"""\bclients\("([a-z0-9-]+)"\)""")
_METHOD = re.compile(r"\.([a-z][a-z0-9_]+)\(")
_FOR_PEOPLE = frozenset({"documentation", "documentationUrl", "examples"})


def sdk_models(sources: Iterable[Path]) -> dict[str, bytes]:
    """What the clients that these files make are read from, by name in the zip."""
    text = "\n".join(path.read_text() for path in sources)
    services, methods = sorted(set(_CLIENT.findall(text))), frozenset(_METHOD.findall(text))
    models = {f"{FOLDER}/endpoints.json": _endpoints(tuple(services))}
    for service in services:
        folder = _newest(service)
        name = f"{FOLDER}/{service}/{folder.name}"
        models[f"{name}/service-2.json"] = _model(folder / "service-2.json", methods)
        models[f"{name}/endpoint-rule-set-1.json"] = _compact(_read(folder / "endpoint-rule-set-1.json"))
    return models


def _model(path: Path, methods: frozenset[str]) -> bytes:
    """The operations that are called, and the shapes they are made of. A call by a name put together is not seen."""
    model = dict(_read(path))
    called = {name: each for name, each in model["operations"].items() if xform_name(name) in methods}
    model["operations"] = _without_prose(called)
    shapes, waiting = {}, list(_shapes_named(called))
    while waiting:
        name = waiting.pop()
        if name not in shapes:
            shapes[name] = _without_prose(model["shapes"][name])
            waiting += _shapes_named(shapes[name])
    model["shapes"] = dict(sorted(shapes.items()))
    return _compact(model)


def _shapes_named(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("shape"), str):
            yield value["shape"]
        for member in value.values():
            yield from _shapes_named(member)
    elif isinstance(value, list):
        for member in value:
            yield from _shapes_named(member)


@cache
def _endpoints(services: tuple[str, ...]) -> bytes:
    """The regions' list, cut to the services: botocore still reads it for the names of regions and signing."""
    whole = dict(_read(_DATA / "endpoints.json"))
    prefixes = {_endpoint_prefix(service) for service in services}
    whole["partitions"] = [
        partition
        | {"services": {name: entry for name, entry in partition["services"].items() if name in prefixes}}
        for partition in whole["partitions"]
    ]
    return _compact(whole)


def _endpoint_prefix(service: str) -> str:
    prefix: str = _read(_newest(service) / "service-2.json")["metadata"]["endpointPrefix"]
    return prefix


def _newest(service: str) -> Path:
    """The folder of the API version that botocore takes."""
    return max(path for path in (_DATA / service).iterdir() if path.is_dir())


@cache
def _read(path: Path) -> Mapping[str, Any]:
    packed = path.with_name(path.name + ".gz")
    content = gzip.decompress(packed.read_bytes()) if packed.is_file() else path.read_bytes()
    read: Mapping[str, Any] = json.loads(content)
    return read


def _without_prose(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _without_prose(member)
            for name, member in value.items()
            # A shape may have a member of that name: then it is a mapping, not prose.
            if not (name in _FOR_PEOPLE and not isinstance(member, dict))
        }
    if isinstance(value, list):
        return [_without_prose(member) for member in value]
    return value


def _compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()

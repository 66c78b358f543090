"""What a request of an AWS SDK asks: its service, operation and arguments, read from what goes over the wire."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs, unquote

_SERVICE = re.compile(r"Credential=[^/]+/\d+/[^/]+/([a-z0-9-]+)/aws4_request")
_BOTO3_NAMES = {
    "states": "stepfunctions",
    "elasticmapreduce": "emr",
}  # where a signature names a service otherwise


@dataclass(frozen=True)
class SdkRequest:
    """One HTTP request."""

    method: str
    path: str  # decoded
    query: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes = b""

    @property
    def service(self) -> str:
        """As boto3 calls it."""
        signed = _SERVICE.search(self.headers.get("authorization", ""))
        service = signed[1] if signed else "unsigned"
        return _BOTO3_NAMES.get(service, service)

    @property
    def call(self) -> str:
        """`<boto3 service>.<Operation>`, as a client's method is called."""
        target = self.headers.get("x-amz-target")
        if target:
            return f"{self.service}.{target.rpartition('.')[2]}"
        route = self._route
        return f"{self.service}.{route.operation if route else f'{self.method} {self.path}'}"

    def arguments(self) -> dict[str, Any]:
        """Those of the path, the query and a JSON body, by the names that the service has for them."""
        found: dict[str, Any] = {name: values[0] for name, values in self._asked().items()}
        if self.body.startswith(b"{"):
            found |= json.loads(self.body)
        route = None if "x-amz-target" in self.headers else self._route
        if route is not None:
            matched = route.path.fullmatch(self.path)
            found |= {
                name: unquote(value) for name, value in (matched.groupdict() if matched else {}).items()
            }
        return found

    def _asked(self) -> dict[str, list[str]]:
        return parse_qs(self.query, keep_blank_values=True)

    @cached_property
    def _route(self) -> _Route | None:
        """The operation of a REST request, by the routes that botocore itself makes requests from."""
        asked = self._asked().keys() | self.headers.keys()
        for route in _routes(self.service):
            if route.method == self.method and route.path.fullmatch(self.path) and route.needs <= asked:
                return route
        return None


@dataclass(frozen=True)
class _Route:
    operation: str
    method: str
    path: re.Pattern[str]
    needs: frozenset[str]  # names in the query and headers


@cache
def _routes(service: str) -> list[_Route]:
    """Those that need more, or name more of the path, first."""
    session = import_module("botocore.session").Session()
    if service not in session.get_available_services():
        return []
    model = session.get_service_model(service)
    routes = [_route(model.operation_model(name)) for name in model.operation_names]
    return sorted(routes, key=lambda route: (-len(route.needs), -route.path.pattern.count("/")))


def _route(operation: Any) -> _Route:
    path, _, query = operation.http["requestUri"].partition("?")
    pattern = re.sub(r"\\\{(\w+)\\\+\\\}", r"(?P<\1>.+)", re.escape(path))  # {Key+} may have slashes
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", pattern)
    asked = (pair.partition("=")[0] for pair in query.split("&") if pair)
    needs = frozenset(asked) | frozenset(_required(operation.input_shape))
    # A key may hold any character, a line break too.
    return _Route(operation.name, operation.http["method"], re.compile(f"{pattern}/?", re.DOTALL), needs)


def _required(shape: Any) -> Iterator[str]:
    for name in shape.required_members if shape else ():
        place = shape.members[name].serialization
        if place.get("location") in ("header", "querystring"):
            yield place["name"].lower() if place["location"] == "header" else place["name"]

"""The JSON Schema of pipeline files, from the model that reads them, for editors to complete and check by."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from interlock.pipeline_yaml.job_config import CONFIG_OF_TYPE
from interlock.pipeline_yaml.model import PipelineFile
from interlock.pipeline_yaml.scalars import duration_text

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Generate(GenerateJsonSchema):
    """In the file's own words: no null for an absent key, durations as written, no titles from names."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        inner = super().default_schema(schema)
        if inner.get("default", ...) is None:
            del inner["default"]
        return inner

    def encode_default(self, dft: Any) -> Any:
        return duration_text(dft) if isinstance(dft, timedelta) else super().encode_default(dft)

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002  # the signature is pydantic's
        return False


def pipeline_schema() -> dict[str, Any]:
    """The schema of one pipeline file."""
    schema = PipelineFile.model_json_schema(schema_generator=_Generate)
    definitions = schema["$defs"]
    choices = []
    for kind, model in CONFIG_OF_TYPE.items():
        config = model.model_json_schema(schema_generator=_Generate)
        definitions |= config.pop("$defs", {}) | {model.__name__: config}
        then = {"properties": {"config": {"$ref": f"#/$defs/{model.__name__}"}}}
        choices.append(
            {"if": {"properties": {"type": {"const": str(kind)}}, "required": ["type"]}, "then": then}
        )
    definitions["JobSection"]["allOf"] = choices
    for definition in definitions.values():
        definition.pop("title", None)
    return {"$schema": _DIALECT, **schema, "title": "Interlock pipeline"}


def schema_text() -> str:
    """The schema as it stands in `pipelines/pipeline.schema.json`."""
    return json.dumps(pipeline_schema(), indent=2, ensure_ascii=False) + "\n"

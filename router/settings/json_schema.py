"""Generates the JSON Schema (version 2020-12) of `router.yaml`, with which editors complete and check the file.

Pydantic generates the schema from the model. This module then allows a reference in place of each scalar:
`{from_env: VARIABLE}` or `{from_file: path}`.
"""

from __future__ import annotations

from typing import Any

from router.settings.model import RouterSettings

JsonSchema = dict[str, Any]

_SCALARS = frozenset({"string", "number", "integer", "boolean", "null"})
# Keywords of JSON Schema whose value is a schema or a list of schemas.
_SCHEMAS = frozenset({"items", "additionalProperties", "anyOf"})
# Keywords of JSON Schema whose value is an object that maps names to schemas.
_NAMED_SCHEMAS = frozenset({"properties", "$defs"})
_ANNOTATIONS = ("description", "default")
_REFERENCES: JsonSchema = {
    "FromEnv": {
        "type": "object",
        "description": "The value of an environment variable, or `default` when it is unset or empty.",
        "properties": {"from_env": {"type": "string"}, "default": {"type": sorted(_SCALARS)}},
        "required": ["from_env"],
        "additionalProperties": False,
    },
    "FromFile": {
        "type": "object",
        "description": "The text of a file, without the line break at its end.",
        "properties": {"from_file": {"type": "string"}},
        "required": ["from_file"],
        "additionalProperties": False,
    },
}
_REFERENCE_REFS = [{"$ref": f"#/$defs/{name}"} for name in _REFERENCES]


def json_schema() -> JsonSchema:
    """Return the JSON Schema of `router.yaml`."""
    schema: JsonSchema = _with_references(RouterSettings.model_json_schema())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "router.yaml",
        **{key: value for key, value in schema.items() if key != "$defs"},
        "$defs": {**schema["$defs"], **_REFERENCES},
    }


def _with_references(schema: Any) -> Any:
    """Return a copy of `schema` that allows a reference (`from_env`, `from_file`) in place of each scalar."""
    if isinstance(schema, list):
        return [_with_references(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if _is_scalar(schema):
        annotations = {key: schema[key] for key in _ANNOTATIONS if key in schema}
        plain = {key: value for key, value in schema.items() if key not in {*_ANNOTATIONS, "title"}}
        return {**annotations, "anyOf": [*plain.get("anyOf", [plain]), *_REFERENCE_REFS]}
    return {key: _within(key, value) for key, value in schema.items() if key != "title"}


def _within(keyword: str, value: Any) -> Any:
    if keyword in _NAMED_SCHEMAS:
        return {name: _with_references(inner) for name, inner in value.items()}
    return _with_references(value) if keyword in _SCHEMAS else value


def _is_scalar(schema: JsonSchema) -> bool:
    if "anyOf" in schema:
        return all(_is_scalar(option) for option in schema["anyOf"])
    return schema.get("type") in _SCALARS

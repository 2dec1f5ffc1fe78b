"""Lists all keys of the configuration from the model, for the reference page, the starter file and tests.

A key is written as a dotted path. `<name>` stands for the name of a subgraph, and `[]` for each element of a list:

    traffic.subgraphs.<name>.timeout        headers.all.request[].propagate.named
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel

from router.settings.model import RouterSettings
from router.strict_model import descriptions


class Key(NamedTuple):
    """A key of the configuration. `default` is a JSON value.

    If the value of the key is a section, or a list or mapping of sections, `section` is the class of the section.
    Otherwise, `section` is None.
    """

    path: str
    name: str
    description: str
    default: object
    required: bool
    section: type[BaseModel] | None
    schema: Mapping[str, Any]

    @property
    def is_leaf(self) -> bool:
        """Whether the value of the key is a plain value, without further keys."""
        return self.section is None


def keys(model: type[BaseModel] = RouterSettings, prefix: str = "") -> Iterator[Key]:
    """Yield all keys of `model` in the order of definition. The key of a section precedes the keys in the section."""
    for key in _own_keys(model):
        yield key._replace(path=f"{prefix}{key.path}")
        if key.section is not None:
            yield from keys(key.section, f"{prefix}{key.path}.")


# Some sections have more than one place in the configuration, for example one for each subgraph.
@cache
def _own_keys(model: type[BaseModel]) -> tuple[Key, ...]:
    """Return the keys of `model` without those of its sections. The paths start at `model`."""
    schema, described = model.model_json_schema(), descriptions(model)
    own: list[Key] = []
    for name, field in model.model_fields.items():
        value = _inlined(schema["properties"][name], schema.get("$defs", {}))
        section, suffix = _section(field.annotation)
        own.append(
            Key(
                path=f"{name}{suffix}",
                name=name,
                description=" ".join(described.get(name, "").split()),
                default=value.get("default"),
                required=field.is_required(),
                section=section,
                schema=value,
            )
        )
    return tuple(own)


def _section(annotation: object) -> tuple[type[BaseModel] | None, str]:
    """Return the section class in `annotation`, and the text to append to the path of the key.

    Without a section class, return None and "". The text is `.<name>` for a mapping of sections, `[]` for a list of
    sections, and otherwise empty. For example, `Mapping[str, HeaderRules]` gives `HeaderRules` and `.<name>`.
    """
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, ""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in {Union, types.UnionType, Annotated}:
        return next((found for found in map(_section, arguments) if found[0] is not None), (None, ""))
    if origin is Mapping:
        inner, suffix = _section(arguments[1])
        return inner, f".<name>{suffix}" if inner is not None else ""
    if origin is tuple:
        inner, suffix = _section(arguments[0])
        return inner, f"[]{suffix}" if inner is not None else ""
    return None, ""


def _inlined(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """Return a JSON Schema in which each `$ref` is replaced by its definition."""
    if isinstance(schema, list):
        return [_inlined(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        target = definitions[schema["$ref"].rpartition("/")[2]]
        return _inlined({**target, **{key: value for key, value in schema.items() if key != "$ref"}}, definitions)
    return {key: _inlined(value, definitions) for key, value in schema.items()}

"""The base class of the parts of configuration files."""

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema


class StrictModel(BaseModel):
    """The base class of a part of a configuration file. A part is immutable and refuses unknown keys.

    The docstring below a key is the description of the key in generated documents. It is read from the source text
    when such a document is generated: with pydantic's `use_attribute_docstrings`, each start of the router would read
    it. Error messages do not contain values, because a value may be secret.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        regex_engine="python-re",
        defer_build=True,
    )

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(core_schema)
        properties: dict[str, dict[str, Any]] = handler.resolve_ref_schema(schema).get("properties", {})
        for name, description in descriptions(cls).items():
            if name in properties:
                properties[name].setdefault("description", description)
        return schema


def descriptions(model: type[BaseModel]) -> dict[str, str]:
    """Return the docstring below each key of `model`, and of the models from which it inherits."""
    found: dict[str, str] = {}
    for parent in reversed(model.__mro__):
        if issubclass(parent, StrictModel) and parent is not StrictModel:
            found |= _attribute_docstrings(parent)
    return found


# A document lists a model once for each place in the configuration, and reading its source text is slow.
@cache
def _attribute_docstrings(model: type[BaseModel]) -> dict[str, str]:
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    found: dict[str, str] = {}
    for item, below in pairwise(definition.body if isinstance(definition, ast.ClassDef) else ()):
        match item, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str() as text)):
                found[name] = inspect.cleandoc(text)
    return found

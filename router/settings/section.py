"""The base class of the sections of `router.yaml`, and how a section is checked when the file names it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic_core import core_schema

from router.strict_model import StrictModel

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

S = TypeVar("S", bound="Section")


class Section(StrictModel):
    """The base class of a section of `router.yaml`. A section is immutable and refuses unknown keys.

    Sections that are the default of a key are made with `model_construct()`: pydantic then does not have to build the
    validator of the section, which takes longer than everything else that the start does with the configuration.
    """


class _BuiltWhenGiven:
    """Makes pydantic build the validator of a section when the section is first given a value.

    Otherwise, pydantic builds the validators of all sections at each start, and most files name only a few sections.
    Errors have the same locations and messages in both cases.
    """

    def __get_pydantic_core_schema__(self, source: type[Section], _: GetCoreSchemaHandler) -> CoreSchema:
        def validated(value: object, info: core_schema.ValidationInfo) -> Section:
            return source.model_validate(value, context=info.context)

        return core_schema.with_info_plain_validator_function(validated, metadata={"section": source})

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        section: type[Section] = schema["metadata"]["section"]
        section.model_rebuild()
        # With a reference, the JSON Schema of the section gets its own entry in `$defs`.
        reference = f"{section.__module__}.{section.__qualname__}:{id(section)}"
        definition: Any = {**section.__pydantic_core_schema__, "ref": reference}
        return handler(core_schema.definitions_schema(core_schema.definition_reference_schema(reference), [definition]))


WhenGiven = Annotated[S, _BuiltWhenGiven()]
"""The type of a key whose section is validated only if a configuration has the key."""

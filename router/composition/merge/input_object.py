"""Merge input object types (composition §5.1).

A field is in the merged type if every subgraph with the type has the field, or if the merged field is `@inaccessible`.

Reports the errors REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH and EMPTY_MERGED_INPUT_TYPE, and the hint
INCONSISTENT_INPUT_OBJECT_FIELD.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.merge.applied_directives import merge_applied
from router.composition.merge.default_values import merge_default
from router.composition.merge.descriptions import merge_description
from router.composition.merge.join_directives import FieldContext, join_field
from router.composition.merge.merge_state import MergeState, Sources, children
from router.composition.merge.type_references import merge_type_reference
from router.composition.model import InputValue

if TYPE_CHECKING:
    from router.composition.model import TypeDef


def merge_input(state: MergeState, sources: Sources[TypeDef], dest: TypeDef) -> None:
    """Merge the fields of an input object type and add the merged fields to `dest` (composition §5.1)."""
    for name, fields in children(sources, lambda source: source.inputs).items():
        where = f"{dest.name}.{name}"
        merged = InputValue(name)
        merge_description(state, fields, merged, where)
        merge_applied(state, fields, merged, where)
        types_equal = merge_type_reference(state, fields, merged, where)
        join_field(state, fields, merged, FieldContext(dest.name, types_equal))
        merge_default(state, fields, merged, where, "INPUT_FIELD_DEFAULT_MISMATCH")
        lacking = [index for index, source in sources.items() if name not in source.inputs]
        if not lacking or merged.has("inaccessible"):
            dest.inputs[name] = merged
        else:
            _not_everywhere(state, fields, lacking, where)
    if not dest.inputs:
        state.report.error(
            "EMPTY_MERGED_INPUT_TYPE",
            f"No field of the input {dest.name} is in all subgraphs that have it.",
            state.places(sources),
        )


def _not_everywhere(state: MergeState, fields: Sources[InputValue], lacking: list[int], where: str) -> None:
    required = [index for index, source in fields.items() if source.required]
    if required:
        state.report.error(
            "REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH",
            f"{where} is required in {state.names(required)} but does not exist in {state.names(lacking)}.",
            state.places(fields),
        )
    else:
        state.report.hint(
            "INCONSISTENT_INPUT_OBJECT_FIELD",
            f"{where} does not exist in {state.names(lacking)}; the supergraph does not have it.",
            state.places(fields),
        )

"""Merge enum types (composition §5.1).

The values of the merged enum type depend on how the supergraph uses the enum type:

| used as | values of the merged enum type |
|---|---|
| input only | the values that all subgraphs with the enum type have |
| output only, or unused | the values that at least one subgraph has |
| input and output | the values of all subgraphs; a value that some subgraphs lack is an error |

Exception: if the enum type is used as input, the merged enum type has every value that is marked `@inaccessible`, even
if some subgraphs lack the value.

Reports the errors ENUM_VALUE_MISMATCH and EMPTY_MERGED_ENUM_TYPE, and the hints
INCONSISTENT_ENUM_VALUE_FOR_INPUT_ENUM, INCONSISTENT_ENUM_VALUE_FOR_OUTPUT_ENUM and UNUSED_ENUM_TYPE.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.merge.applied_directives import merge_applied
from router.composition.merge.descriptions import merge_description
from router.composition.merge.join_directives import join_enum_value
from router.composition.merge.merge_state import EnumUsage, MergeState, Sources, children
from router.composition.model import EnumValue

if TYPE_CHECKING:
    from router.composition.model import TypeDef


def merge_enum(state: MergeState, sources: Sources[TypeDef], dest: TypeDef) -> None:
    """Merge the values of an enum type and add the merged values to `dest` (composition §5.1)."""
    usage = state.enum_usage.get(dest.name)
    if usage is None:
        usage = EnumUsage(as_output=True)
        state.report.hint(
            "UNUSED_ENUM_TYPE",
            f"The enum {dest.name} is not used anywhere; the supergraph has the values of all subgraphs.",
            state.places(sources),
        )
    for name, values in children(sources, lambda source: source.values).items():
        merged = EnumValue(name)
        where = f"{dest.name}.{name}"
        merge_description(state, values, merged, where)
        merge_applied(state, values, merged, where)
        join_enum_value(state, values, merged)
        lacking = [index for index, source in sources.items() if name not in source.values]
        # Clients cannot send an `@inaccessible` value, so a subgraph that lacks the value never receives the value.
        exempt = usage.as_input and merged.has("inaccessible")
        if not lacking or exempt or _accepted(state, sources, lacking, where, usage):
            dest.values[name] = merged
    if not dest.values:
        state.report.error(
            "EMPTY_MERGED_ENUM_TYPE",
            f"No value of the enum {dest.name} is in all subgraphs that have it.",
            state.places(sources),
        )


def _accepted(state: MergeState, sources: Sources[TypeDef], lacking: list[int], where: str, usage: EnumUsage) -> bool:
    """Report an enum value that some subgraphs lack, and return whether the merged enum type has the value."""
    missing = f"{where} is missing in {state.names(lacking)}"
    if usage.as_input and usage.as_output:
        state.report.error(
            "ENUM_VALUE_MISMATCH",
            f"{missing}, and the enum is used as an input and as an output: its values must be the same everywhere.",
            state.places(sources),
        )
    elif usage.as_input:
        state.report.hint(
            "INCONSISTENT_ENUM_VALUE_FOR_INPUT_ENUM",
            f"{missing}; the enum is only used as an input, so the supergraph does not have it.",
            state.places(sources),
        )
        return False
    else:
        state.report.hint(
            "INCONSISTENT_ENUM_VALUE_FOR_OUTPUT_ENUM",
            f"{missing}; the enum is only used as an output, so the supergraph has it.",
            state.places(sources),
        )
    return True

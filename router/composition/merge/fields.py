"""Merge one field of an object or interface type, and check its `@external` declarations (composition §5.2).

The `@external` declarations of a field must agree with the merged field.

Reports the errors EXTERNAL_MISSING_ON_BASE, EXTERNAL_TYPE_MISMATCH, EXTERNAL_ARGUMENT_MISSING,
EXTERNAL_ARGUMENT_TYPE_MISMATCH, EXTERNAL_ARGUMENT_DEFAULT_MISMATCH and MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.const_value_nodes import identity
from router.composition.merge.applied_directives import merge_applied
from router.composition.merge.arguments import merge_arguments
from router.composition.merge.descriptions import merge_description
from router.composition.merge.join_directives import FieldContext, join_field
from router.composition.merge.type_references import is_strict_subtype, merge_type_reference

if TYPE_CHECKING:
    from router.composition.error_codes import ErrorCode
    from router.composition.merge.merge_state import MergeState, Override, Sources
    from router.composition.model import FieldDef


def merge_field(state: MergeState, sources: Sources[FieldDef], dest: FieldDef, override: Override) -> None:
    """Merge the declarations of a field into `dest` (composition §5.1, §5.2).

    Args:
        state: The state of the merge.
        sources: The field in each subgraph.
        dest: The merged field. The caller has set only its name and its parent type.
        override: The subgraphs in which the field is overridden, as `resolve_overrides` returns them.
    """
    where = dest.coordinate
    if _is_external_everywhere(state, sources, dest):
        state.report.error(
            "EXTERNAL_MISSING_ON_BASE",
            f"{where} is external in {state.names(i for i, _ in sources.items())}, and no subgraph resolves it.",
            state.places(sources),
        )
        return
    own = _without_external(state, sources, where)
    # `own` is empty if only `@interfaceObject` types resolve the field. The external declarations are merged then.
    merging = own or sources
    merge_description(state, merging, dest, where)
    merge_applied(state, own, dest, where)
    merge_arguments(state, merging, dest, where)
    types_equal = merge_type_reference(state, merging, dest, where)
    _check_external(state, sources, dest, types_equal=types_equal)
    every_type = {str(source.type) for _, source in sources.items()}
    join_field(state, sources, dest, FieldContext(dest.parent, len(every_type) == 1, override))


def _is_external_everywhere(state: MergeState, sources: Sources[FieldDef], dest: FieldDef) -> bool:
    declarations = (*sources.items(), *state.interface_object_fields(dest))
    return all(state.subgraphs[index].is_external(each) for index, each in declarations)


def _without_external(state: MergeState, sources: Sources[FieldDef], where: str) -> Sources[FieldDef]:
    own: dict[int, FieldDef] = {}
    for index, source in sources.items():
        if not state.subgraphs[index].is_external(source):
            own[index] = source
            continue
        for applied in source.directives:
            merged = state.features.of(index, applied)
            if merged is not None and merged.element is not None:
                state.report.error(
                    "MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL",
                    f"[{state.subgraphs[index].name}] @{applied.name} on {where} has no effect, because the field is "
                    "external here: apply it where the field is resolved.",
                    [state.place(index, applied.node)],
                )
    return own


def _check_external(state: MergeState, sources: Sources[FieldDef], dest: FieldDef, *, types_equal: bool) -> None:
    wrong: dict[ErrorCode, list[int]] = {}
    for index, source in sources.items():
        if not state.subgraphs[index].is_external(source):
            continue
        compatible = source.type == dest.type or (
            not types_equal and is_strict_subtype(state.supergraph, dest.type, source.type)
        )
        if not compatible:
            wrong.setdefault("EXTERNAL_TYPE_MISMATCH", []).append(index)
        for name, argument in dest.arguments.items():
            own = source.arguments.get(name)
            if own is None:
                wrong.setdefault("EXTERNAL_ARGUMENT_MISSING", []).append(index)
                continue
            if own.type != argument.type and not is_strict_subtype(state.supergraph, own.type, argument.type):
                wrong.setdefault("EXTERNAL_ARGUMENT_TYPE_MISMATCH", []).append(index)
            if identity(own.default) != identity(argument.default):
                wrong.setdefault("EXTERNAL_ARGUMENT_DEFAULT_MISMATCH", []).append(index)
    for code, indices in wrong.items():
        state.report.error(
            code,
            _EXTERNAL_PROBLEMS[code].format(
                where=dest.coordinate, graphs=state.names(dict.fromkeys(indices)), type=dest.type
            ),
            state.places(sources),
        )


_EXTERNAL_PROBLEMS: dict[ErrorCode, str] = {
    "EXTERNAL_TYPE_MISMATCH": "{where} has the type {type} in the supergraph, but is @external with another type in "
    "{graphs}.",
    "EXTERNAL_ARGUMENT_MISSING": "{where} is @external in {graphs}, but some of its arguments are missing there.",
    "EXTERNAL_ARGUMENT_TYPE_MISMATCH": "{where} is @external in {graphs}, but an argument has another type there.",
    "EXTERNAL_ARGUMENT_DEFAULT_MISMATCH": "{where} is @external in {graphs}, but an argument has another default value "
    "there.",
}

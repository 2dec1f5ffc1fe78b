"""Check the `@external` declarations of a field (composition §5.2).

With `@external`, a subgraph declares that it does not resolve a field itself. So another subgraph must resolve the
field. The type and the arguments of the external declaration must agree with the merged field.

Reports the errors EXTERNAL_MISSING_ON_BASE, EXTERNAL_TYPE_MISMATCH, EXTERNAL_ARGUMENT_MISSING,
EXTERNAL_ARGUMENT_TYPE_MISMATCH, EXTERNAL_ARGUMENT_DEFAULT_MISMATCH and MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.const_value_nodes import identity
from router.composition.merge.type_references import is_strict_subtype

if TYPE_CHECKING:
    from router.composition.error_codes import ErrorCode
    from router.composition.merge.merge_state import MergeState, Sources
    from router.composition.model import FieldDef


def check_resolved_somewhere(state: MergeState, sources: Sources[FieldDef], dest: FieldDef) -> bool:
    """Return whether at least one subgraph declares the field `dest` without `@external`.

    If all declarations are external, an error is reported. A field of an `@interfaceObject` type that provides the
    field counts as a declaration too.
    """
    declarations = (*sources.items(), *state.interface_object_fields(dest))
    if any(not state.subgraphs[index].is_external(each) for index, each in declarations):
        return True
    state.report.error(
        "EXTERNAL_MISSING_ON_BASE",
        f"{dest.coordinate} is external in {state.names(i for i, _ in sources.items())}, and no subgraph resolves it.",
        state.places(sources),
    )
    return False


def check_directives_on_external(state: MergeState, sources: Sources[FieldDef], where: str) -> None:
    """Report each directive on an external declaration if composition merges the directive, such as `@tag`.

    Args:
        state: The state of the merge.
        sources: The field in each subgraph.
        where: The coordinate of the field, for error messages.
    """
    for index, source in sources.items():
        if not state.subgraphs[index].is_external(source):
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


def check_external_types(state: MergeState, sources: Sources[FieldDef], dest: FieldDef, *, types_equal: bool) -> None:
    """Report external declarations whose type or arguments do not agree with the merged field `dest`.

    Args:
        state: The state of the merge.
        sources: The field in each subgraph.
        dest: The merged field.
        types_equal: Whether all declarations that were merged into `dest` have the same type. If False, an external
            declaration may have a more general type than `dest`.
    """
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

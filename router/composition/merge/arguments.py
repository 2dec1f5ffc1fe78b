"""Merge the arguments of a field or directive definition (composition §5.1).

An argument is in the supergraph only if every subgraph with the field or directive has the argument.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.merge.applied_directives import merge_applied
from router.composition.merge.default_values import merge_default
from router.composition.merge.descriptions import merge_description
from router.composition.merge.merge_state import MergeState, Sources, children
from router.composition.merge.type_references import merge_type_reference
from router.composition.model import DirectiveDef, FieldDef, InputValue

if TYPE_CHECKING:
    from typing import TypeVar

    _Owner = TypeVar("_Owner", FieldDef, DirectiveDef)


def merge_arguments(state: MergeState, sources: Sources[_Owner], dest: _Owner, where: str) -> None:
    """Merge the arguments of `sources` and add the merged arguments to `dest` (composition §5.1).

    If some subgraphs lack an argument, the argument is not merged. If another subgraph requires the argument, the error
    REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH is reported. Otherwise, the hint INCONSISTENT_ARGUMENT_PRESENCE is
    reported.

    If an argument has `@fromContext` in some subgraphs but not in others, the error or hint
    CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS is reported.

    Args:
        state: The state of the merge.
        sources: The field or directive definition in each subgraph.
        dest: The merged field or directive definition.
        where: The coordinate of `dest`, such as `Query.book`, for error messages and hints.
    """
    if not any(owner.arguments for owner in sources.values()):
        return
    for name, arguments in children(sources, lambda owner: owner.arguments).items():
        what = f"{where}({name}:)"
        if any(argument.has("fromContext") for _, argument in arguments.items()):
            _contextual(state, arguments, what)
            continue
        lacking = [index for index, owner in sources.items() if name not in owner.arguments]
        if lacking:
            _not_everywhere(state, arguments, lacking, what)
            continue
        merged = InputValue(name)
        dest.arguments[name] = merged
        merge_description(state, arguments, merged, what)
        merge_applied(state, arguments, merged, what)
        merge_type_reference(state, arguments, merged, what, is_argument=True)
        merge_default(state, arguments, merged, what, "FIELD_ARGUMENT_DEFAULT_MISMATCH")


def _contextual(state: MergeState, arguments: Sources[InputValue], what: str) -> None:
    """Report an argument that has `@fromContext` in some subgraphs but not in all subgraphs with the argument.

    The supergraph does not have such an argument, so clients cannot send it. If a subgraph requires the argument but
    does not mark it with `@fromContext`, an error is reported. Otherwise, a hint is reported.
    """
    plain = [index for index, argument in arguments.items() if not argument.has("fromContext")]
    if not plain:
        return
    required = [index for index in plain if arguments[index].required]
    message = f"{what} is filled from a context in some subgraphs, but not in {state.names(required or plain)}"
    if required:
        state.report.error(
            "CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS",
            f"{message}, where it is required.",
            state.places(arguments),
        )
    else:
        state.report.hint(
            "CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS",
            f"{message}; the supergraph does not have it.",
            state.places(arguments),
        )


def _not_everywhere(state: MergeState, arguments: Sources[InputValue], lacking: list[int], what: str) -> None:
    required = [index for index, argument in arguments.items() if argument.required]
    if required:
        state.report.error(
            "REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH",
            f"{what} is required in {state.names(required)} but does not exist in {state.names(lacking)}.",
            state.places(arguments),
        )
    else:
        state.report.hint(
            "INCONSISTENT_ARGUMENT_PRESENCE",
            f"{what} does not exist in {state.names(lacking)}; the supergraph does not have it.",
            state.places(arguments),
        )

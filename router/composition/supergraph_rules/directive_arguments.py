"""INVALID_GRAPHQL: the arguments of a custom directive do not fit the definition of the directive in the supergraph.

If subgraphs link different versions of a specification, the supergraph has the newest definition of the directive. A
subgraph that uses an older version may leave out an argument that the newest definition requires. It may also use an
argument that the newest definition does not have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql.language import print_ast

from router.composition.literal_type_check import fits_type
from router.composition.supergraph_rules.directive_locations import applications

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.composition.merge.merge_state import MergeState
    from router.composition.model import Applied, DirectiveDef


def check(state: MergeState) -> None:
    """Report arguments that do not fit the supergraph's definition of a custom directive (composition §5.8)."""
    composed = {each.name: each.definition for each in state.features.composed}
    if not composed:
        return
    for definition in state.supergraph.types.values():
        for _, where, applied in applications(definition):
            directive = composed.get(applied.name)
            for problem in () if directive is None else _problems(state, directive, applied):
                state.report.error(
                    "INVALID_GRAPHQL",
                    f"@{applied.name} on {where} does not fit its definition in the supergraph: {problem}.",
                    state.places(state.type_sources(definition.name)),
                )


def _problems(state: MergeState, directive: DirectiveDef, applied: Applied) -> Iterator[str]:
    for name in applied.arguments.keys() - directive.arguments.keys():
        yield f'there is no argument "{name}"'
    for argument in directive.arguments.values():
        value = applied.arguments.get(argument.name)
        if value is None:
            if argument.required:
                yield f'the argument "{argument.name}" is required'
        elif not fits_type(state.supergraph, value, argument.type):
            yield f'{print_ast(value)} is not a valid {argument.type} for "{argument.name}"'

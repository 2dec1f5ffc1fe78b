"""Convert the selections of a fetch or a deferred part to syntax nodes of graphql-core, which can print them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import (
    ArgumentNode,
    DirectiveNode,
    FieldNode,
    InlineFragmentNode,
    NamedTypeNode,
    NameNode,
    SelectionSetNode,
    VariableNode,
)

from router.plan.nodes import OutputField

if TYPE_CHECKING:
    from collections.abc import Iterable

    from graphql import SelectionNode

    from router.plan.nodes import OutputSelection


def selection_nodes(selections: Iterable[OutputSelection]) -> tuple[SelectionNode, ...]:
    """Return the syntax nodes of the selections, in the same order."""
    return tuple(_selection(selection) for selection in selections)


def _selection(selection: OutputSelection) -> SelectionNode:
    conditions = (_directive(variable, truth=truth) for variable, truth in selection.conditions)
    directives = (*conditions, *selection.directives)
    below = SelectionSetNode(selections=selection_nodes(selection.selections)) if selection.selections else None
    if isinstance(selection, OutputField):
        return FieldNode(
            name=NameNode(value=selection.name),
            alias=None if selection.key == selection.name else NameNode(value=selection.key),
            arguments=selection.arguments,
            directives=directives,
            selection_set=below,
        )
    condition = selection.type_condition
    return InlineFragmentNode(
        type_condition=None if condition is None else NamedTypeNode(name=NameNode(value=condition)),
        directives=directives,
        selection_set=below or SelectionSetNode(),
    )


def _directive(variable: str, *, truth: bool) -> DirectiveNode:
    argument = ArgumentNode(name=NameNode(value="if"), value=VariableNode(name=NameNode(value=variable)))
    return DirectiveNode(name=NameNode(value="include" if truth else "skip"), arguments=(argument,))

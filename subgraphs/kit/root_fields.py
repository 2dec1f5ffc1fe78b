"""The root fields of an operation, including those in its fragments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import FieldNode, FragmentSpreadNode, InlineFragmentNode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import OperationDefinitionNode

    from subgraphs.kit.operation_size import Fragments


def root_fields(operation: OperationDefinitionNode, fragments: Fragments) -> Iterator[FieldNode]:
    """Yield the root fields of an operation. Each fragment is visited once. `@skip` and `@include` are ignored."""
    pending, visited = list(operation.selection_set.selections), set[str]()
    while pending:
        selection = pending.pop()
        if isinstance(selection, FieldNode):
            yield selection
        elif isinstance(selection, InlineFragmentNode):
            pending += selection.selection_set.selections
        elif isinstance(selection, FragmentSpreadNode):
            name = selection.name.value
            if name in fragments and name not in visited:
                visited.add(name)
                pending += fragments[name].selection_set.selections

"""Plan arguments with `@fromContext`. The value of such an argument is a field of an ancestor object (planning §3.22).

The value is read from the nearest ancestor whose type sets the context. The value becomes a variable of the fetch that
resolves the field with the argument. A variable has only one value in a request, but different objects can need
different values. Such objects need different requests. Only the fetch of a hop can be sent several times, so the field
is always resolved in the fetch of a hop. The hop leads to the object of the field, or to an object between this object
and the ancestor.

    type Shop @context(name: "shop") { currency: String  items: [Item] }
    type Item @key(fields: "id") { id: ID!  price(currency: String @fromContext(field: "$shop { currency }")): Int }

    leaf for `price`:            `currency` of the shop
    variable for the value:      Item_price_currency
    where the value is read:     `.. | Shop.currency`: one object up from the item (`..`), then `currency` of the shop
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from graphql import ArgumentNode, NameNode, VariableNode

from router.plan import Key, KeyRenamer, Parent, Path, TypeIs
from router.planner.walk.nodes_and_options import ContextArgumentValue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.planner.graph.query_graph import FieldEdge, QueryGraph
    from router.planner.walk.nodes_and_options import KeyLeaves, Leaf, ObjectNode


class ContextArguments(msgspec.Struct, frozen=True):
    """The `@fromContext` arguments of a field.

    Attributes:
        leaves: The leaves to fetch for the values of the arguments.
        values: For each argument, the variable for the value, and where the value is read.
    """

    leaves: tuple[Leaf, ...]
    values: tuple[ContextArgumentValue, ...]


class ContextArgumentFinder(msgspec.Struct, frozen=True):
    """Finds the `@fromContext` arguments of fields. `key_leaves` returns the leaves of a context selection."""

    graph: QueryGraph
    key_leaves: KeyLeaves

    def find(self, node: ObjectNode, name: str, edge: FieldEdge, entered: int = 0) -> ContextArguments | None:
        """Return the `@fromContext` arguments of field `name`.

        The fetch of the field begins at the object that is `entered` levels above `node`. Return None if an argument
        has no value: no ancestor sets the context, the value cannot be fetched, or the ancestor that sets the context
        is below the object at which the fetch begins.
        """
        leaves: list[Leaf] = []
        values: list[ContextArgumentValue] = []
        for argument in edge.contexts:
            found = next(_ancestors(self.graph, node, argument.context), None)
            if found is None:
                return None
            ancestor, levels = found
            if levels < entered:
                return None
            found_leaves = self.key_leaves(ancestor, argument.selection)
            if found_leaves is None:
                return None
            variable = f"{node.type_name}_{name}_{argument.name}"
            argument_node = ArgumentNode(
                name=NameNode(value=argument.name), value=VariableNode(name=NameNode(value=variable))
            )
            paths = [_path(leaf, ancestor, levels - entered) for leaf in found_leaves]
            rewrites = tuple(KeyRenamer(path, variable) for path in paths)
            values.append(ContextArgumentValue(argument_node, variable, argument.type, rewrites))
            leaves += found_leaves
        return ContextArguments(tuple(leaves), tuple(values))


def _ancestors(graph: QueryGraph, node: ObjectNode, context: str) -> Iterator[tuple[ObjectNode, int]]:
    """Yield each ancestor whose type sets the context, nearest first, and how many objects it is above `node`."""
    levels = 0
    at = node
    while at.parent is not None:
        levels += at.selection is not None
        at = at.parent
        if levels and graph.has_context(at.type_name, context):
            yield at, levels


def _path(leaf: Leaf, ancestor: ObjectNode, levels: int) -> Path:
    """Return the path from the start of the fetch to the leaf: `levels` objects up to the ancestor, then down."""
    steps: list[Key | TypeIs] = [Key(leaf.selection.key)]
    node = leaf.node
    while node is not ancestor:
        assert node.parent is not None  # noqa: S101 - the leaf belongs to the ancestor or to an object below it
        if node.selection is not None:
            steps.append(Key(node.selection.key))
        elif node.type_condition is not None:
            steps.append(TypeIs((node.type_condition,)))
        node = node.parent
    return (*(Parent() for _ in range(levels)), TypeIs((ancestor.type_name,)), *reversed(steps))

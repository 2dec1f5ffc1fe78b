"""Arguments filled from an ancestor (`@fromContext`).

The value belongs to the nearest ancestor whose type carries the context. It is read there like a requirement, and
reaches the fetch as a variable: objects with different values cannot share a request, so the field always has a fetch
of its own behind a key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import ArgumentNode, NameNode, VariableNode

from router.plan import Key, KeyRenamer, Parent, Path, TypeIs
from router.planner.walk.nodes import ContextValue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.planner.graph.query_graph import QueryGraph
    from router.planner.walk.nodes import Demand, Leaf, ObjectNode
    from router.supergraph.model import ContextArgument


@dataclass(frozen=True, slots=True)
class Contexts:
    """What the contextual arguments of a field need: leaves to be fetched first, and how they become variables."""

    leaves: tuple[Leaf, ...]
    values: tuple[ContextValue, ...]


def contexts_of(
    graph: QueryGraph, demand: Demand, node: ObjectNode, field: tuple[str, tuple[ContextArgument, ...]]
) -> Contexts | None:
    """The contexts of a field on the object at a node, None if an ancestor or its value is missing."""
    name, arguments = field
    leaves: list[Leaf] = []
    values: list[ContextValue] = []
    for argument in arguments:
        found = next(_ancestors(graph, node, argument.context), None)
        if found is None:
            return None
        ancestor, levels = found
        wanted = demand(ancestor, argument.selection)
        if wanted is None:
            return None
        variable = f"{node.type_name}_{name}_{argument.name}"
        argument_node = ArgumentNode(
            name=NameNode(value=argument.name), value=VariableNode(name=NameNode(value=variable))
        )
        paths = [_path(leaf, ancestor, levels) for leaf in wanted]
        rewrites = tuple(KeyRenamer(path, variable) for path in paths)
        values.append(ContextValue(argument_node, variable, argument.type, rewrites))
        leaves += wanted
    return Contexts(tuple(leaves), tuple(values))


def _ancestors(graph: QueryGraph, node: ObjectNode, context: str) -> Iterator[tuple[ObjectNode, int]]:
    """The ancestors that carry the context, nearest first, and how many objects up each is."""
    levels = 0
    at = node
    while at.parent is not None:
        levels += at.selection is not None
        at = at.parent
        if levels and graph.has_context(at.type_name, context):
            yield at, levels


def _path(leaf: Leaf, ancestor: ObjectNode, levels: int) -> Path:
    steps: list[Key | TypeIs] = [Key(leaf.selection.key)]
    node = leaf.node
    while node is not ancestor:
        assert node.parent is not None  # noqa: S101 - the leaf was found at or below the ancestor
        if node.selection is not None:
            steps.append(Key(node.selection.key))
        elif node.type_condition is not None:
            steps.append(TypeIs((node.type_condition,)))
        node = node.parent
    return (*(Parent() for _ in range(levels)), TypeIs((ancestor.type_name,)), *reversed(steps))

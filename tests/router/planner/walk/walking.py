"""Walks over small operations for tests, and options written as text.

a                   the operation root in a
a.item              the field `item` of the operation root in a
a.item|Book         this object under a type condition
->b(id)             the hop into b by `id`
a.item->>b          the query root in b, after a field `item` that returns `Query`
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import parse

from router.get_operation import get_operation
from router.planner.graph.query_graph import QueryGraph
from router.planner.normalise.deferred_blocks import DeferredBlocks
from router.planner.normalise.merge_selections import NestedSelections, Normaliser
from router.planner.normalise.skip_and_include_guards import ALWAYS
from router.planner.walk.internal_aliases import InternalAliases
from router.planner.walk.nodes_and_options import Leaf, LeafSearch, ObjectNode, PathOption, PathStep
from router.planner.walk.walk_selections import Explorer
from tests.router.planner.federation import composed

if TYPE_CHECKING:
    from router.supergraph import Supergraph


@dataclass(frozen=True, slots=True)
class Walk:
    """The explorer of an operation, the node of its root, and what the search found."""

    explorer: Explorer
    root: ObjectNode
    search: LeafSearch

    @classmethod
    def over(cls, query: str, *, defer: bool = False, **subgraphs: str) -> Walk:
        """The walk over a query; with `defer`, deferred fragments count."""
        return cls.on(composed(**subgraphs), query, defer=defer)

    @classmethod
    def on(cls, supergraph: Supergraph, query: str, *, defer: bool = False) -> Walk:
        operation = get_operation(supergraph.api_schema, parse(query, no_location=True), None)
        deferring: frozenset[str] | None = frozenset() if defer else None
        graph = QueryGraph(supergraph)
        normaliser = Normaliser(supergraph.schema, operation.fragments, graph.possible, deferring)
        below = NestedSelections(operation.definition.selection_set, ALWAYS, "Query")
        aliases = InternalAliases()
        aliases.reserve(normaliser, (below,), "Query")
        blocks = None
        if deferring is not None:
            blocks = DeferredBlocks(normaliser, operation.fragments, deferring)
            blocks.find(operation.definition.selection_set, "Query")
        explorer = Explorer(graph, normaliser, aliases, blocks)
        root = explorer.root("Query", graph.subgraph_names)
        search = LeafSearch()
        explorer.explore(root, normaliser.selected_fields([below], "Query"), search)
        return cls(explorer, root, search)

    @property
    def leaves(self) -> list[Leaf]:
        return self.search.leaves

    def leaf(self, path: str) -> Leaf:
        """The one leaf with these response keys, joined with dots."""
        (found,) = [leaf for leaf in self.leaves if path_of(leaf) == path]
        return found

    def options(self, path: str) -> set[str]:
        """The options of that leaf."""
        return {text_of(option) for option in self.leaf(path).options}

    def paths(self) -> list[str]:
        """The response keys of all leaves."""
        return [path_of(leaf) for leaf in self.leaves]


def path_of(leaf: Leaf) -> str:
    condition = f"|{leaf.node.type_condition}" if leaf.node.type_condition else ""
    return ".".join((*leaf.node.keys, leaf.selection.key)) + condition


def text_of(option: PathOption) -> str:
    """Return an option as text."""
    match option.step:
        case PathStep.OPERATION_ROOT:
            return option.subgraph
        case PathStep.KEY_HOP:
            keys = "|".join(" ".join(path_of(leaf) for leaf in choice.leaves) for choice in option.key_choices)
            return f"->{option.subgraph}({keys})"
    assert option.parent is not None
    parent = text_of(option.parent)
    match option.step:
        case PathStep.FIELD:
            assert option.node.selection is not None
            return f"{parent}.{option.node.selection.key}"
        case PathStep.DOWNCAST:
            return f"{parent}|{option.type_name}"
        case PathStep.DEFER:
            return f"{parent} later"
    return f"{parent}->>{option.subgraph}"

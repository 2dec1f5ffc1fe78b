"""Find the positions that the query planners of Apollo and Hive can reach.

This router can reach more positions. It reports a hint for queries that it can resolve but other planners cannot. These
planners have two restrictions:

- Apollo and Hive: to reach subgraph S by a key, the planner must fetch all fields of the key from other subgraphs.
  Example: subgraph b has `type BookList @key(fields: "books { id title }")`, and only b has `Book.title`. Then these
  planners cannot reach `BookList` in b. This router can: it first fetches the titles from b, by the key `id` of `Book`.
- Apollo: an object can implement several interfaces that are `@interfaceObject` types in subgraph S. The planner
  reaches only one of these types, the last by name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from graphql.language import FieldNode

from router.composition.key_identity_and_resolvability import resolvable
from router.composition.satisfiability.reachability import Reachability
from router.composition.type_refs import base_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql.language import SelectionSetNode

    from router.composition.merge.merge_state import MergeState
    from router.composition.model import SubgraphSchema
    from router.composition.satisfiability.position_graph import Position
    from router.composition.satisfiability.reachability_cache_and_cycles import Entries

# The maximum number of excluded subgraphs. The search for the fields of a key excludes the subgraph that has the key.
# If these fields can be reached only by another key, the search for the fields of this other key excludes one more
# subgraph, and so on. In real supergraphs, such chains of keys have at most three steps.
_MAX_EXCLUDED = 3


FAILURE = (
    "This router resolves the following query, but Apollo's query planner cannot, because it fetches the fields of a "
    "key without the subgraph that the key leads to (as Hive's planner does), and enters a subgraph as one interface "
    "object only"
)


@dataclass(slots=True)
class ReachabilityByOtherPlanners(Reachability):
    """Finds the positions that other planners can reach. The docstring of the module lists their restrictions.

    Attributes:
        excluded: Indexes of the subgraphs that the search must not use.
        narrower: Index of a subgraph → the search in which this subgraph is excluded too.
    """

    excluded: frozenset[int] = frozenset()
    narrower: dict[int, ReachabilityByOtherPlanners] = field(default_factory=dict)

    def _extended(self, position: Position, found: tuple[Position, ...]) -> tuple[Position, ...]:
        entries = self.cache.entries.get(position)
        if entries is None:
            entries = self.cache.entries[position] = self._entries(position)
        more = tuple(
            entry
            for entry, keys in entries
            if entry not in found
            and any(key is not None and self._without(entry.index).can_fetch(found, key, closed=True) for key in keys)
        )
        return found + more

    def _entries(self, position: Position) -> Entries:
        """Return one entry (see `PositionGraph.entries`) for each subgraph that is not excluded."""
        entries = [item for item in self.graph.entries(position) if item[0].index not in self.excluded]
        return tuple({entry.index: (entry, keys) for entry, keys in sorted(entries, key=_subgraph_and_name)}.values())

    def _without(self, index: int) -> ReachabilityByOtherPlanners:
        if len(self.excluded) >= _MAX_EXCLUDED:
            return self
        if index not in self.narrower:
            excluded = self.excluded | {index}
            self.narrower[index] = ReachabilityByOtherPlanners(self.graph, self.contexts, excluded=excluded)
        return self.narrower[index]


def _subgraph_and_name(item: tuple[Position, tuple[SelectionSetNode | None, ...]]) -> tuple[int, str]:
    return item[0].index, item[0].type_name


def may_be_unplannable_elsewhere(state: MergeState) -> bool:
    """Return whether another query planner may fail to resolve a query that this router can resolve.

    The docstring of the module lists the restrictions of the other planners. If no subgraph has a schema to which these
    restrictions apply, the result is False, and the search with the restrictions is not necessary.
    """
    return any(
        _has_interface_objects_of_one_entity(state, subgraph.schema)
        or any(_needs_own_subgraph(state, index, *fields) for fields in _fields_inside_keys(subgraph.schema))
        for index, subgraph in enumerate(state.subgraphs)
    )


def _has_interface_objects_of_one_entity(state: MergeState, schema: SubgraphSchema) -> bool:
    names = {name for name, definition in schema.types.items() if definition.is_interface_object}
    return len(names) > 1 and any(
        len(names.intersection(definition.interfaces)) > 1 for definition in state.supergraph.types.values()
    )


def _needs_own_subgraph(state: MergeState, index: int, type_name: str, name: str) -> bool:
    """Return whether the field `type_name.name` of a key may have to be fetched from the subgraph at `index` itself.

    This is the case if the subgraph has a key for `type_name`, and another subgraph has the type but not the field.
    """
    own = state.subgraphs[index].schema.types.get(type_name)
    if own is None or not any(resolvable(key) for key in own.keys):
        return False
    return any(
        name not in definition.fields or definition.fields[name].has("external")
        for other, definition in state.type_sources(type_name).items()
        if other != index
    )


def _fields_inside_keys(schema: SubgraphSchema) -> Iterator[tuple[str, str]]:
    """Yield `(type name, field name)` for each nested field in a resolvable key, such as `id` in `books { id }`."""
    for definition in schema.types.values():
        for key in definition.keys:
            if resolvable(key) and key.field_set is not None:
                yield from _fields_below(schema, definition.name, key.field_set, depth=0)


def _fields_below(
    schema: SubgraphSchema, type_name: str, selections: SelectionSetNode, depth: int
) -> Iterator[tuple[str, str]]:
    for item in selections.selections:
        if not isinstance(item, FieldNode):
            continue
        if depth:
            yield type_name, item.name.value
        definition = schema.types.get(type_name)
        member = definition.fields.get(item.name.value) if definition is not None else None
        if item.selection_set is not None and member is not None:
            yield from _fields_below(schema, base_name(member.type), item.selection_set, depth + 1)

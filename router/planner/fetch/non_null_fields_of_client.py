"""Finds where the client selects non-null fields, whichever fetches return these fields (planning §6.3).

    { found { ... on Book { author { age name } } ... on Film { author { name } } } }

The client selects `age` for authors of books, and not for authors of films. It selects authors below objects of both
types, so a fetch that gets the `age` of authors of books needs a type condition in its path.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from graphql import GraphQLObjectType, is_non_null_type

from router.planner.fetch.entity_fetch_sharing import HarmfulField, NonNullSelection, composite_likeness
from router.planner.walk.nodes_and_options import types_on_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from router.planner.graph.query_graph import QueryGraph
    from router.planner.normalise.deferred_blocks import Block
    from router.planner.normalise.skip_and_include_guards import Guards
    from router.planner.walk.nodes_and_options import Leaf, ObjectNode, TypesOnPath

# The response keys to the parent object of a field, and the likeness of the field (see `HarmfulField`).
FieldPlace: TypeAlias = tuple[tuple[str, ...], str]


class _ClientField(NamedTuple):
    """A field that the client selects on the object of a node."""

    node: ObjectNode
    name: str
    guards: Guards


class NonNullFieldsOfClient:
    """The non-null fields that the client selects. `leaves` are the leaves of the whole operation, or of a part of it.

    The fields are collected when they are first needed, because most plans need none of them.
    """

    def __init__(self, graph: QueryGraph, leaves: Iterable[Leaf]) -> None:
        self._graph = graph
        self._leaves = leaves
        self._fields: dict[FieldPlace, list[_ClientField]] | None = None
        self._parents: defaultdict[tuple[str, ...], list[ObjectNode]] = defaultdict(list)
        self._found: dict[tuple[tuple[str, ...], Block | None, FieldPlace], tuple[NonNullSelection, ...]] = {}

    def selections(self, entity: ObjectNode, harmful: Iterable[HarmfulField]) -> frozenset[NonNullSelection]:
        """Return where the client selects fields that do the same harm as the `harmful` fields of a fetch for `entity`.

        Fields in other deferred blocks are left out: their null does not propagate to the block of the entity.
        """
        found: set[NonNullSelection] = set()
        for place in {(one.around, one.likeness) for one in harmful}:
            known = self._found.get((entity.keys, entity.block, place))
            if known is None:
                known = tuple(self._selections_of(entity, place))
                self._found[entity.keys, entity.block, place] = known
            found.update(known)
        return frozenset(found)

    def selects_below_other_types(self, entity: ObjectNode) -> bool:
        """Return whether the client selects the object of `entity` also below objects of other types, in any block."""
        own = types_on_path(entity, self._graph.possible)
        self._collected()
        return any(
            not all(map(frozenset.issubset, types_on_path(parent, self._graph.possible), own))
            for parent in self._parents[entity.keys]
        )

    def _selections_of(self, entity: ObjectNode, place: FieldPlace) -> Iterator[NonNullSelection]:
        """Yield where the client selects one field below the entity. Selections with equal guards are combined."""
        around, likeness = place
        depth = len(entity.keys) + 1
        parents_of: dict[tuple[Guards, TypesOnPath], frozenset[str]] = {}
        for node, name, guards in self._collected().get(((*entity.keys, *around), likeness), ()):
            types = types_on_path(node, self._graph.possible)
            every = types_on_path(node, self._graph.possible, with_conditions=False)
            # A field below the entity counts only if the objects between the entity and its parent have all types.
            if node.block is not entity.block or types[depth:-1] != every[depth:-1]:
                continue
            key = guards, types[:depth] if around else types[:-1]
            parents = frozenset(one for one in types[-1] if self._is_non_null(one, name))
            parents_of[key] = parents_of.get(key, frozenset()) | parents
        for (guards, above), parents in parents_of.items():
            yield NonNullSelection(*place, guards, above if around else (*above, parents), parents)

    def _collected(self) -> dict[FieldPlace, list[_ClientField]]:
        if self._fields is None:
            self._fields = defaultdict(list)
            seen: set[int] = set()
            for leaf in self._leaves:
                if not leaf.is_internal:
                    field = _ClientField(leaf.node, leaf.selection.name, leaf.selection.guards)
                    self._fields[leaf.node.keys, leaf.selection.signature].append(field)
                    self._add_composites(leaf.node, seen)
        return self._fields

    def _add_composites(self, node: ObjectNode, seen: set[int]) -> None:
        """Add the fields that lead from the operation root to the object of a node."""
        assert self._fields is not None  # noqa: S101 - only `_collected` calls this
        while node.parent is not None and id(node) not in seen:
            seen.add(id(node))
            if node.selection is not None:
                likeness = composite_likeness(node.selection.key, node.selection.signature)
                field = _ClientField(node.parent, node.selection.name, node.guards)
                self._fields[node.parent.keys, likeness].append(field)
                self._parents[node.keys].append(node.parent)
            node = node.parent

    def _is_non_null(self, type_name: str, name: str) -> bool:
        definition = self._graph.supergraph.schema.type_map[type_name]
        return isinstance(definition, GraphQLObjectType) and is_non_null_type(definition.fields[name].type)

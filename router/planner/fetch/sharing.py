"""Whether objects of several types may share what one fetch asks of an interface object.

A subgraph that knows an interface as an object is told the interface, whatever the type: it resolves a selection that
one type needs for the objects of every type in the fetch.

    ... on Book { stars } ... on Film { stars rating }   =>   _entities { ... on Media { stars rating } }

What a type did not want is left out of its answer, but a null that may not be there takes along the object around it:
a book whose `rating: String!` fails would lose its `stars`. So no object is asked a non-null field it does not want.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from graphql import NonNullTypeNode

from router.planner.graph.query_graph import named_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from router.planner.fetch.trees import Tree
    from router.planner.graph.query_graph import QueryGraph
    from router.planner.normalise.guards import Guards

# Response keys below the entity.
ObjectPath: TypeAlias = tuple[str, ...]


class NonNullField(NamedTuple):
    """A field that fails with the object around it.

    `conditions` are the types that object must have. A leaf is the same as another by `likeness` whatever its response
    key, a composite field only under the same one.
    """

    around: ObjectPath
    conditions: tuple[str, ...]
    likeness: str
    guards: Guards

    def fails_with(self, other: NonNullField) -> bool:
        """Whether the other is asked for whenever this one is, and fails no less."""
        return self[:3] == other[:3] and other.guards <= self.guards


@dataclass(frozen=True, slots=True)
class Asked:
    """What objects of some types ask of the type they are entered as.

    Attributes:
        type_name: the type in the subgraph.
        types: the object types it is asked for.
        given: the leaf fields that come with their representations; these cannot fail.
        objects: the entity and all objects below it.
        non_null: the non-null fields of all of these.
    """

    type_name: str
    types: frozenset[str]
    given: frozenset[str]
    objects: frozenset[ObjectPath]
    non_null: frozenset[NonNullField]


def can_ask_all(asked: Iterable[Asked]) -> bool:
    """Whether one fetch can ask all of this of all objects, no non-null field of one that does not want it."""
    by_type: dict[str, list[Asked]] = {}
    for one in asked:
        by_type.setdefault(one.type_name, []).append(one)
    return all(len(parts) == 1 or all(_is_harmless(parts, to) for to in _types(parts)) for parts in by_type.values())


def _types(parts: Iterable[Asked]) -> Iterator[str]:
    yield from sorted(frozenset[str]().union(*(part.types for part in parts)))


def _is_harmless(parts: Iterable[Asked], type_name: str) -> bool:
    own = [part for part in parts if type_name in part.types]
    objects = frozenset[ObjectPath]().union(*(part.objects for part in own))
    given = frozenset[str]().union(*(part.given for part in own))
    wanted = frozenset[NonNullField]().union(*(part.non_null for part in own))
    return all(
        entry.around not in objects
        or (not entry.around and entry.likeness in given)
        or any(entry.fails_with(one) for one in wanted)
        for part in parts
        for entry in part.non_null - wanted
    )


def asked_of(graph: QueryGraph, subgraph: str, entered: tuple[str, str], tree: Tree, given: frozenset[str]) -> Asked:
    """What a tree asks; `entered` is the type in the subgraph and the one the objects have in the response."""
    type_name, object_type = entered
    gathered = _Gathered(graph, subgraph)
    gathered.add(type_name, tree, ((), ()))
    return Asked(
        type_name, graph.possible(object_type), given, frozenset(gathered.objects), frozenset(gathered.non_null)
    )


@dataclass(slots=True)
class _Gathered:
    graph: QueryGraph
    subgraph: str
    objects: set[ObjectPath] = field(default_factory=set)
    non_null: set[NonNullField] = field(default_factory=set)

    def add(self, type_name: str, tree: Tree, place: tuple[ObjectPath, tuple[str, ...]]) -> None:
        path, conditions = place
        self.objects.add(path)
        definition = self.graph.type_in(self.subgraph, type_name)
        for entry in tree.fields:
            if definition is None or entry.name not in definition.fields:
                continue
            type_ = definition.fields[entry.name].type
            if isinstance(type_, NonNullTypeNode):
                likeness = entry.signature if entry.tree is None else f"{entry.key}:{entry.signature}"
                self.non_null.add(NonNullField(path, conditions, likeness, entry.guards))
            if entry.tree is not None:
                self.add(named_type(type_), entry.tree, ((*path, entry.key), ()))
        for condition, below in tree.fragments:
            self.add(condition, below, (path, (*conditions, condition)))

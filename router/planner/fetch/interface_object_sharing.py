"""Whether objects of several types may share what one fetch asks of an interface object.

A subgraph that knows an interface as an object is told the interface, whatever the type: it resolves a selection that
one type needs for the objects of every type in the fetch.

    ... on Book { stars } ... on Film { stars rating }   =>   _entities { ... on Media { stars rating } }

What a type did not want is left out of its answer, but two kinds of fields do harm where they are not wanted:

- A null that may not be there takes along the object around it: a book whose `rating: String!` fails would lose its
  `stars`.
- A field that requires others is an error where the representation lacks them, and films alone brought theirs. Another
  fetch may ask the same of the book, with what it requires: its answer would have that error.

So no object is asked a field of these kinds that it does not want.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from graphql import NonNullTypeNode

from router.federation.type_names import named_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from router.planner.fetch.trees import Tree
    from router.planner.graph.query_graph import QueryGraph
    from router.planner.normalise.guards import Guards

# Response keys below the entity.
ObjectPath: TypeAlias = tuple[str, ...]


class HarmfulField(NamedTuple):
    """A field that is asked only of objects that want it: it may be no null, or it requires others.

    `conditions` are the types that object must have. A leaf is the same as another by `likeness` whatever its response
    key, a composite field only under the same one.
    """

    around: ObjectPath
    conditions: tuple[str, ...]
    likeness: str
    guards: Guards

    def comes_with(self, other: HarmfulField) -> bool:
        """Whether the other is asked for whenever this one is, and does no less harm."""
        return self[:3] == other[:3] and other.guards <= self.guards


@dataclass(frozen=True, slots=True)
class InterfaceObjectSelection:
    """What objects of some types ask of the type they are entered as.

    Attributes:
        type_name: the type in the subgraph.
        types: the object types it is asked for.
        given: the leaf fields that come with their representations; these do no harm.
        objects: the entity and all objects below it.
        harmful: the fields of all of these that other objects must not be asked.
    """

    type_name: str
    types: frozenset[str]
    given: frozenset[str]
    objects: frozenset[ObjectPath]
    harmful: frozenset[HarmfulField]


def can_select_all(asked: Iterable[InterfaceObjectSelection]) -> bool:
    """Whether one fetch can ask all of this of all objects, no non-null field of one that does not want it."""
    by_type: dict[str, list[InterfaceObjectSelection]] = {}
    for one in asked:
        by_type.setdefault(one.type_name, []).append(one)
    return all(len(parts) == 1 or all(_is_harmless(parts, to) for to in _types(parts)) for parts in by_type.values())


def _types(parts: Iterable[InterfaceObjectSelection]) -> Iterator[str]:
    yield from sorted(frozenset[str]().union(*(part.types for part in parts)))


def _is_harmless(parts: Iterable[InterfaceObjectSelection], type_name: str) -> bool:
    own = [part for part in parts if type_name in part.types]
    objects = frozenset[ObjectPath]().union(*(part.objects for part in own))
    given = frozenset[str]().union(*(part.given for part in own))
    wanted = frozenset[HarmfulField]().union(*(part.harmful for part in own))
    return all(
        entry.around not in objects
        or (not entry.around and entry.likeness in given)
        or any(entry.comes_with(one) for one in wanted)
        for part in parts
        for entry in part.harmful - wanted
    )


def selection_of(
    graph: QueryGraph, subgraph: str, entered: tuple[str, str], tree: Tree, given: frozenset[str]
) -> InterfaceObjectSelection:
    """What a tree asks; `entered` is the type in the subgraph and the one the objects have in the response."""
    type_name, object_type = entered
    gathered = _Gathered(graph, subgraph)
    gathered.add(type_name, tree, ((), ()))
    return InterfaceObjectSelection(
        type_name, graph.possible(object_type), given, frozenset(gathered.objects), frozenset(gathered.harmful)
    )


@dataclass(slots=True)
class _Gathered:
    graph: QueryGraph
    subgraph: str
    objects: set[ObjectPath] = field(default_factory=set)
    harmful: set[HarmfulField] = field(default_factory=set)

    def add(self, type_name: str, tree: Tree, place: tuple[ObjectPath, tuple[str, ...]]) -> None:
        path, conditions = place
        self.objects.add(path)
        definition = self.graph.type_in(self.subgraph, type_name)
        for entry in tree.fields:
            if definition is None or entry.name not in definition.fields:
                continue
            type_ = definition.fields[entry.name].type
            if isinstance(type_, NonNullTypeNode) or definition.fields[entry.name].requires is not None:
                likeness = entry.signature if entry.tree is None else f"{entry.key}:{entry.signature}"
                self.harmful.add(HarmfulField(path, conditions, likeness, entry.guards))
            if entry.tree is not None:
                self.add(named_type(type_), entry.tree, ((*path, entry.key), ()))
        for condition, below in tree.fragments:
            self.add(condition, below, (path, (*conditions, condition)))

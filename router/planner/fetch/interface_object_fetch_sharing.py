"""Decides whether objects of several types can share one fetch through an interface object (planning §3.8).

For a subgraph with an interface object, every object has the type of the interface object, here `Media`. A fetch for
books and films therefore resolves each field for all its objects, even if the client selects the field only for films:

    ... on Book { stars } ... on Film { stars rating }   =>   _entities { ... on Media { stars rating } }

The response to the client does not have the `rating` of books. Two kinds of such additional fields do harm, however:

- A non-null field: if `rating: String!` of a book fails, the null propagates to the book, and its `stars` are lost.
- A field with `@requires`: only the representations of films have the required fields, so the field fails for books. If
  another fetch gets the same field of the books correctly, the response would have an error beside the correct value.

A fetch therefore selects a harmful field only if the field is selected for all objects of the fetch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from graphql import NonNullTypeNode

from router.federation.find_type_name_in_reference import named_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from router.planner.fetch.selection_trees import Tree
    from router.planner.graph.query_graph import QueryGraph
    from router.planner.normalise.skip_and_include_guards import Guards

# The path of an object in an entity: the response keys from the entity to the object.
ObjectPath: TypeAlias = tuple[str, ...]


class EntityType(NamedTuple):
    """The type of entities in a subgraph, and the type of the same entities in the response."""

    in_subgraph: str
    in_response: str


class HarmfulField(NamedTuple):
    """A non-null field, or a field with `@requires`. It must be resolved only for objects on which it is selected.

    Attributes:
        around: the path of the parent object.
        conditions: the types that the parent object must have, from the fragments around the field.
        likeness: the name and the arguments of the field; for a composite field also the response key. Two harmful
            fields do the same harm if their `around`, `conditions` and `likeness` are equal.
        guards: the guards under which the field is selected.
    """

    around: ObjectPath
    conditions: tuple[str, ...]
    likeness: str
    guards: Guards

    def comes_with(self, other: HarmfulField) -> bool:
        """Return whether `other` does the same harm (see above), and is selected whenever this field is selected."""
        return self[:3] == other[:3] and other.guards <= self.guards


@dataclass(frozen=True, slots=True)
class InterfaceObjectSelection:
    """What a fetch selects on an `@interfaceObject` type, for objects of some types of the interface.

    Attributes:
        type_name: the `@interfaceObject` type in the subgraph.
        types: the object types for which the fields are selected.
        given: the leaf fields that the representations contain. These fields do no harm: the subgraph has their values.
        objects: the paths of the entity and of all objects below the entity.
        harmful: the harmful fields of all these objects.
    """

    type_name: str
    types: frozenset[str]
    given: frozenset[str]
    objects: frozenset[ObjectPath]
    harmful: frozenset[HarmfulField]


def can_select_all(selections: Iterable[InterfaceObjectSelection]) -> bool:
    """Return whether one fetch can have all these selections without harm to any of its objects.

    Each object has only one representation in a fetch. So two selections for different `@interfaceObject` types cannot
    share a fetch if an object has both types.
    """
    by_type: dict[str, list[InterfaceObjectSelection]] = {}
    for one in selections:
        by_type.setdefault(one.type_name, []).append(one)
    if len(by_type) > 1:
        types = [type_name for parts in by_type.values() for type_name in _types(parts)]
        if len(set(types)) < len(types):
            return False
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
    graph: QueryGraph, subgraph: str, entity: EntityType, tree: Tree, given: frozenset[str]
) -> InterfaceObjectSelection:
    """Return what `tree` selects on the entities of one type.

    `given` has the leaf fields that the representations of these entities contain.
    """
    gathered = _Gathered(graph, subgraph)
    gathered.add(entity.in_subgraph, tree, _Place())
    return InterfaceObjectSelection(
        entity.in_subgraph,
        graph.possible(entity.in_response),
        given,
        frozenset(gathered.objects),
        frozenset(gathered.harmful),
    )


class _Place(NamedTuple):
    """The path of an object below an entity, and the types that the object must have."""

    path: ObjectPath = ()
    conditions: tuple[str, ...] = ()


@dataclass(slots=True)
class _Gathered:
    """Collects the objects and harmful fields of a tree."""

    graph: QueryGraph
    subgraph: str
    objects: set[ObjectPath] = field(default_factory=set)
    harmful: set[HarmfulField] = field(default_factory=set)

    def add(self, type_name: str, tree: Tree, place: _Place) -> None:
        """Collect the object at `place`, all objects below it, and the harmful fields of these objects."""
        self.objects.add(place.path)
        definition = self.graph.type_in(self.subgraph, type_name)
        for entry in tree.fields:
            if definition is None or entry.name not in definition.fields:
                continue
            type_ = definition.fields[entry.name].type
            if isinstance(type_, NonNullTypeNode) or definition.fields[entry.name].requires is not None:
                likeness = entry.signature if entry.tree is None else f"{entry.key}:{entry.signature}"
                self.harmful.add(HarmfulField(place.path, place.conditions, likeness, entry.guards))
            if entry.tree is not None:
                self.add(named_type(type_), entry.tree, _Place((*place.path, entry.key)))
        for condition, below in tree.fragments:
            self.add(condition, below, place._replace(conditions=(*place.conditions, condition)))

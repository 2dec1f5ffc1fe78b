"""Decides whether several entities can share one fetch, although the client selects different fields on them.

A fetch resolves each of its fields for all entities to which the field applies. These can be more entities than those
for which the client selects the field (planning §3.8, §6.3):

- A subgraph with an interface object gives every object the type of the interface object, here `Media`:

      ... on Book { stars } ... on Film { stars rating }   =>   _entities { ... on Media { stars rating } }

  The fetch also resolves the `rating` of books.
- Entities can be below objects of several types:

      ... on Book { author { name } } ... on Film { author { born } }   =>   _entities { ... on Person { name born } }

  The fetch also resolves when the author of a book was `born`.

The response to the client does not have the additional fields. Three kinds of them do harm, however:

- A non-null field: if `rating: String!` of a book fails, the null propagates to the book, and its `stars` are lost.
- A field with `@requires`: only the representations of films have the required fields, so the field fails for books. If
  another fetch gets the same field of the books correctly, the response would have an error beside the correct value.
- A field with `@fromContext` arguments: for books, it would get null as their value.

A key field does no harm, because a subgraph that has found an entity knows the keys of the entity. Neither does a field
that is non-null in the response, if the client selects it for the same entities, but another fetch returns it: if the
field fails, its null propagates in the response anyway. This does not hold for `@requires` and `@fromContext`.

A fetch therefore selects a harmful field only if the field is selected for all entities to which it applies. A
condition in the path of a fetch restricts the fetch to the entities below objects of certain types.
"""

from __future__ import annotations

from itertools import chain, product
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import msgspec
from graphql import FieldNode, NonNullTypeNode

from router.federation.find_type_name_in_reference import named_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from router.planner.fetch.selection_trees import Tree
    from router.planner.graph.query_graph import QueryGraph
    from router.planner.normalise.skip_and_include_guards import Guards
    from router.planner.walk.nodes_and_options import TypesOnPath
    from router.supergraph.model import SubgraphType

# The path of an object in an entity: the response keys from the entity to the object.
ObjectPath: TypeAlias = tuple[str, ...]

# The maximum number of different selections of harmful fields in one fetch. Each of them is compared with all others,
# so without this limit, the work would grow with the cube of the number of object types.
MAX_SELECTIONS: Final = 32
# The maximum number of combinations of types, for the entities of one selection. More combinations are possible only if
# several objects, one inside the other, have type conditions.
MAX_COMBINATIONS: Final = 256


class EntityType(NamedTuple):
    """The type of entities in a subgraph, and the type of the same entities in the response."""

    in_subgraph: str
    in_response: str


class HarmfulField(NamedTuple):
    """A field that must be resolved only for objects on which it is selected, because it could do harm to others.

    Attributes:
        around: the path of the parent object.
        conditions: the types that the parent object must have, from the fragments around the field.
        likeness: the name and the arguments of the field; for a composite field also the response key. Two harmful
            fields do the same harm if their `around`, `conditions` and `likeness` are equal.
        guards: the guards under which the field is selected.
        parents: the types that the parent object can have.
        is_only_non_null: whether the field does harm only because it is non-null.
        returned: the path of the object that the field returns; None for a leaf field.
    """

    around: ObjectPath
    conditions: tuple[str, ...]
    likeness: str
    guards: Guards
    parents: frozenset[str] = frozenset()
    is_only_non_null: bool = False
    returned: ObjectPath | None = None

    def comes_with(self, other: HarmfulField) -> bool:
        """Return whether `other` does the same harm (see above), and is selected whenever this field is selected."""
        return self[:3] == other[:3] and other.guards <= self.guards


class NonNullSelection(msgspec.Struct, frozen=True):
    """Where the client selects a field that is non-null in the response, whichever fetch returns the field.

    Attributes:
        around: the path of the parent object.
        likeness: as in `HarmfulField`.
        guards: the guards under which the field is selected.
        entities: the types of the entity and of all objects above it.
        parents: the types of the parent object.
    """

    around: ObjectPath
    likeness: str
    guards: Guards
    entities: TypesOnPath
    parents: frozenset[str]


class EntitySelection(msgspec.Struct, frozen=True):
    """What a fetch selects on one type of the subgraph, for some entities.

    Attributes:
        type_name: the type in the subgraph.
        is_interface_object: whether this type is an `@interfaceObject`.
        entities: the entities for which the client selects the fields: the types of the entity and of all objects
            above it.
        applies_to: the types of entities for which the subgraph resolves the fields.
        given: the leaf fields that the representations contain. These fields do no harm: the subgraph has their values.
        objects: the paths of the entity and of all objects below the entity.
        harmful: the harmful fields of all these objects.
        client: where the client selects the same fields, in any fetch.
    """

    type_name: str
    is_interface_object: bool
    entities: frozenset[TypesOnPath]
    applies_to: frozenset[str]
    given: frozenset[str]
    objects: frozenset[ObjectPath]
    harmful: frozenset[HarmfulField]
    client: frozenset[NonNullSelection] = frozenset()

    def selects_for(self, types: Sequence[str]) -> bool:
        """Return whether the client selects the fields for entities of these types, as in `entities`."""
        return any(_have(allowed, types) for allowed in self.entities)

    def does_client_select(self, entry: HarmfulField, types: Sequence[str]) -> bool:
        """Return whether the client selects a harmful field for entities of these types, in any fetch.

        Return False for a field that does harm otherwise than by its null.
        """
        if not entry.is_only_non_null:
            return False
        parents = frozenset[str]().union(
            *(
                one.parents
                for one in self.client
                if (one.around, one.likeness) == (entry.around, entry.likeness)
                and one.guards <= entry.guards
                and _have(one.entities, types)
            )
        )
        return types[-1] in parents if not entry.around else entry.parents <= parents


def _have(allowed: TypesOnPath, types: Sequence[str]) -> bool:
    return all(map(frozenset.__contains__, allowed, types))


def can_select_all(selections: Sequence[EntitySelection]) -> bool:
    """Return whether one fetch can have all these selections without harm to any of its entities.

    Each entity has only one representation in a fetch. So two selections for different `@interfaceObject` types cannot
    share a fetch if an entity has both types.
    """
    if not _is_sent_as_one_type(selections):
        return False
    if len(selections) == 1 or not any(selection.harmful for selection in selections):
        return True
    if len(selections) > MAX_SELECTIONS:
        return False
    kinds = _kinds_of_types(selections)
    return all(_does_no_harm_to(selection, selections, kinds) for selection in selections)


def _is_sent_as_one_type(selections: Iterable[EntitySelection]) -> bool:
    types: dict[str, set[str]] = {}
    for selection in selections:
        if selection.is_interface_object:
            types.setdefault(selection.type_name, set()).update(*(allowed[-1] for allowed in selection.entities))
    return sum(map(len, types.values())) == len(set[str]().union(*types.values()))


def _kinds_of_types(selections: Sequence[EntitySelection]) -> list[list[str]]:
    """Return types for the entity and each object above it. Types that no selection distinguishes are one *kind*.

    Each kind is represented by one of its types.
    """
    allowed = list(dict.fromkeys(chain(*(_sorted_entities(selection) for selection in selections))))
    client = [one.entities for one in frozenset[NonNullSelection]().union(*(one.client for one in selections))]
    found: list[list[str]] = []
    for place, sets in enumerate(zip(*allowed, strict=True)):
        distinct = list(dict.fromkeys((*sets, *(entities[place] for entities in client))))
        if place == len(allowed[0]) - 1:
            distinct += [selection.applies_to for selection in selections]
        kinds: dict[tuple[bool, ...], str] = {}
        for type_name in sorted(frozenset[str]().union(*sets)):
            kinds.setdefault(tuple(type_name in types for types in distinct), type_name)
        found.append(list(kinds.values()))
    return found


def _sorted_entities(selection: EntitySelection) -> list[TypesOnPath]:
    """Return `selection.entities` in an order that depends only on the names of the types."""
    return sorted(selection.entities, key=lambda allowed: [sorted(types) for types in allowed])


def _does_no_harm_to(
    selection: EntitySelection, selections: Iterable[EntitySelection], kinds: Iterable[Sequence[str]]
) -> bool:
    """Return whether a fetch with all `selections` does no harm to the entities of one of them."""
    kinds = list(kinds)
    left = MAX_COMBINATIONS
    for allowed in selection.entities:
        possible = [[one for one in kind if one in types] for kind, types in zip(kinds, allowed, strict=True)]
        for types in product(*possible):
            left -= 1
            if left < 0 or not _is_harmless(types, selections):
                return False
    return True


def _is_harmless(types: Sequence[str], selections: Iterable[EntitySelection]) -> bool:
    """Return whether no selection harms entities that have these types, and are below objects of these types."""
    own = [selection for selection in selections if selection.selects_for(types)]
    others = [selection for selection in selections if not selection.selects_for(types)]
    sent_as = {selection.type_name for selection in own if selection.is_interface_object}
    objects = set[ObjectPath]().union(*(selection.objects for selection in own))
    given = frozenset[str]().union(*(selection.given for selection in own))
    wanted = frozenset[HarmfulField]().union(*(selection.harmful for selection in own))
    added = [
        (entry, other)
        for other in others
        if (other.type_name in sent_as if other.is_interface_object else types[-1] in other.applies_to)
        for entry in other.harmful - wanted
    ]
    # A field is checked before the fields of the object that it returns.
    for entry, other in sorted(added, key=lambda one: len(one[0].around)):
        if (
            entry.around not in objects
            or (not entry.around and entry.likeness in given)
            or any(entry.comes_with(one) for one in wanted)
        ):
            continue
        if not other.does_client_select(entry, types):
            return False
        if entry.returned is not None:
            objects.add(entry.returned)
    return True


def composite_likeness(key: str, signature: str) -> str:
    """Return the `HarmfulField.likeness` of a field with subselections."""
    return f"{key}:{signature}"


def selection_of(
    graph: QueryGraph, subgraph: str, entity: EntityType, tree: Tree, given: frozenset[str]
) -> EntitySelection:
    """Return what `tree` selects on entities of one type. Its `entities` are empty.

    `given` has the leaf fields that the representations of these entities contain.
    """
    gathered = _Gathered(graph, subgraph)
    applies_to = graph.possible(entity.in_subgraph)
    gathered.add(entity.in_subgraph, tree, _Place(applies_to))
    return EntitySelection(
        entity.in_subgraph,
        graph.is_interface_object(subgraph, entity.in_subgraph),
        frozenset(),
        applies_to,
        given,
        frozenset(gathered.objects),
        frozenset(gathered.harmful),
    )


class _Place(msgspec.Struct, frozen=True):
    """The path of an object below an entity, the types that it can have, and the type conditions for it."""

    types: frozenset[str]
    path: ObjectPath = ()
    conditions: tuple[str, ...] = ()


class _Gathered(msgspec.Struct):
    """Collects the objects and harmful fields of a tree."""

    graph: QueryGraph
    subgraph: str
    objects: set[ObjectPath] = msgspec.field(default_factory=set)
    harmful: set[HarmfulField] = msgspec.field(default_factory=set)

    def add(self, type_name: str, tree: Tree, place: _Place) -> None:
        """Collect the object at `place`, all objects below it, and the harmful fields of these objects."""
        self.objects.add(place.path)
        definition = self.graph.type_in(self.subgraph, type_name)
        for entry in tree.fields:
            if definition is None or entry.name not in definition.fields:
                continue
            field, type_ = definition.fields[entry.name], definition.fields[entry.name].type
            is_non_null = isinstance(type_, NonNullTypeNode) and not _is_in_key(definition, entry.name)
            needs_inputs = field.requires is not None or bool(field.context_arguments)
            path = None if entry.tree is None else (*place.path, entry.key)
            if is_non_null or needs_inputs:
                likeness = entry.signature if path is None else composite_likeness(entry.key, entry.signature)
                self.harmful.add(
                    HarmfulField(
                        place.path, place.conditions, likeness, entry.guards, place.types, not needs_inputs, path
                    )
                )
            if entry.tree is not None and path is not None:
                name = named_type(type_)
                self.add(name, entry.tree, _Place(self.graph.possible(name), path))
        for condition, below in tree.fragments:
            types = place.types & self.graph.possible(condition)
            self.add(condition, below, _Place(types, place.path, (*place.conditions, condition)))


def _is_in_key(definition: SubgraphType, name: str) -> bool:
    return any(
        isinstance(selection, FieldNode) and selection.name.value == name
        for key in definition.keys
        for selection in key.fields.selections
    )

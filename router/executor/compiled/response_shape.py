"""Define the shape of a response: its objects, their fields, and the fetches that return each field.

Example: for the operation `{ users { id name } }`, fetch 0 returns `users {id __typename}`, and fetch 1 returns `name`.
The shape has two objects:

    object at ()        field users
    object at (users)   fields id (fetch 0, visible), name (fetch 1, visible), __typename (fetch 0, hidden)

One `ObjectShape` stands for all objects at the same response keys, for example for all items of a list. A field is
*visible* if the client selected it. All other fields are *hidden*: the client does not get them, but fetches need them
as inputs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from keyword import iskeyword
from typing import TYPE_CHECKING

from graphql import is_list_type, is_non_null_type

from router.federation.find_type_name_in_reference import TYPENAME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import GraphQLOutputType


class NotCompilable(Exception):
    """Generated code does not support the plan or the operation. The interpreter executes the plan instead."""


@dataclass(slots=True, eq=False)
class FieldShape:
    """A field of an object.

    Attributes:
        key: The internal response key.
        name: The name of the field in the schema.
        types: Name of an object type → the type of the field on this object type.
        visible: The object types on which the client selected the field.
        sources: Name of an object type → ids of the fetches that return the field, in the order of the plan.
        child: The shape of the objects that the field contains; None for a leaf field.
    """

    key: str
    name: str
    types: dict[str, GraphQLOutputType] = field(default_factory=dict)
    visible: set[str] = field(default_factory=set)
    sources: dict[str, list[int]] = field(default_factory=dict)
    child: ObjectShape | None = None

    @property
    def attribute(self) -> str:
        """The name of the attribute that has the field's value in the generated classes."""
        return f"{self.key.lstrip('_')}_" if self.key.startswith("_") or iskeyword(self.key) else self.key

    @property
    def is_typename(self) -> bool:
        """Whether the field is `__typename`, under any response key."""
        return self.name == TYPENAME

    def brought_by(self, fetch: int, types: tuple[str, ...]) -> list[str]:
        """Return the object types in `types` on which `fetch` returns the field."""
        return [name for name in types if fetch in self.sources.get(name, ())]

    def is_nullable(self, typename: str) -> bool:
        """Return whether the field may be null on objects of the type `typename`."""
        return not is_non_null_type(self.types[typename])

    def has_other_source(self, typename: str, fetch: int) -> bool:
        """Return whether a fetch other than `fetch` also returns the field."""
        return any(source != fetch for source in self.sources.get(typename, ()))

    def is_merged(self, fetch: int) -> bool:
        """Return whether the objects that `fetch` returns in this field are merged into other objects."""
        return self.child is not None and self.child.creator != fetch


@dataclass(slots=True, eq=False)
class ObjectShape:
    """The objects at the response keys `path`.

    Attributes:
        number: The number of the shape. Generated names contain this number, so that they differ between shapes.
        types: The names that `__typename` can have: the object types of the objects, and the keys of `interfaces`.
        is_abstract: Whether the type of the field that contains the objects is an interface or union. If it is, the
            objects need a `__typename`.
        interfaces: Maps each interface that a subgraph has as an interface object to its subtypes in `types`. Such a
            subgraph sends the name of the interface as `__typename`.
        undetermined: The interfaces for which the selected fields depend on the object type.
        fields: The fields by internal response key: the visible fields in the client's order, then the hidden fields.
        sources: The ids of the fetches that return the objects, in the order of the plan; empty for the root.
        creator: The id of the fetch whose response is decoded into the objects; None for the root, or if all fetches
            merge their results into the objects (`choose_fetch_that_creates_objects`).
        parent: The shape of the parent object, and the field in it that contains the objects; None for the root.
        context_ancestors: The shapes of ancestors from which a fetch reads arguments. Different ancestors must not
            share an object of this shape (`context_values`).
    """

    number: int
    path: tuple[str, ...]
    types: tuple[str, ...]
    is_abstract: bool
    interfaces: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    undetermined: set[str] = field(default_factory=set)
    fields: dict[str, FieldShape] = field(default_factory=dict)
    sources: list[int] = field(default_factory=list)
    creator: int | None = None
    parent: tuple[ObjectShape, FieldShape] | None = None
    context_ancestors: list[ObjectShape] = field(default_factory=list)

    @property
    def typename(self) -> FieldShape | None:
        """The field `__typename` of the objects; None if no fetch returns it."""
        found = self.fields.get(TYPENAME)
        return found if found is not None and found.sources else None

    def has_typename(self) -> bool:
        """Return whether every fetch that returns the objects also returns their `__typename`."""
        typename = self.typename
        return typename is not None and all({*self.sources} <= {*typename.sources.get(name, ())} for name in self.types)

    def all_sources(self) -> set[int]:
        """Return the ids of the fetches that return these objects, their parents, and all other ancestors."""
        return set(self.sources) if self.parent is None else {*self.sources, *self.parent[0].all_sources()}

    def may_lack(self, field: FieldShape, typename: str) -> bool:
        """Return whether several fetches return these objects, but not all of these fetches return the field.

        If an object is returned only by a fetch that does not return the field, the object lacks the field.
        """
        return len(self.sources) > 1 and not {*self.sources} <= {*field.sources.get(typename, ())}

    def is_decoded_for_some(self, field: FieldShape, typename: str) -> bool:
        """Return whether the creator returns the field on `typename`, but not on all object types.

        The decoder then does not check whether the field is absent.
        """
        creator = self.creator
        return creator in field.sources[typename] and any(creator not in field.sources.get(n, ()) for n in self.types)

    def all_shapes(self) -> list[ObjectShape]:
        """Return this shape and all shapes below it. A parent comes before its children."""
        found = [self]
        for shape in self.fields.values():
            if shape.child is not None:
                found += shape.child.all_shapes()
        return found


def list_depth(type_: GraphQLOutputType) -> int:
    """Return how many lists are nested in a type: 2 for `[[Int]]`."""
    inner = without_non_null(type_)
    return 1 + list_depth(inner.of_type) if is_list_type(inner) else 0


def without_non_null(type_: GraphQLOutputType) -> GraphQLOutputType:
    """Return the type without its outer non-null: `[Int!]` for `[Int!]!`."""
    return type_.of_type if is_non_null_type(type_) else type_

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

from router.federation.type_references import TYPENAME

if TYPE_CHECKING:
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


@dataclass(slots=True, eq=False)
class ObjectShape:
    """The objects at the response keys `path`.

    Attributes:
        number: The number of the shape. Generated names contain this number, so that they differ between shapes.
        types: The object types that the objects can have.
        is_abstract: Whether the type of the field that contains the objects is an interface or union. If it is, the
            objects need a `__typename`.
        fields: The fields by internal response key: the visible fields in the client's order, then the hidden fields.
        creator: The id of the fetch that returns the objects; None for the root.
        parent: The shape of the parent object, and the field in it that contains the objects; None for the root.
    """

    number: int
    path: tuple[str, ...]
    types: tuple[str, ...]
    is_abstract: bool
    fields: dict[str, FieldShape] = field(default_factory=dict)
    creator: int | None = None
    parent: tuple[ObjectShape, FieldShape] | None = None

    @property
    def typename(self) -> FieldShape | None:
        """The field `__typename` of the objects; None if no fetch returns it."""
        found = self.fields.get(TYPENAME)
        return found if found is not None and found.sources else None

    def creators(self) -> set[int]:
        """Return the ids of the fetches that return these objects, their parents, and all other ancestors."""
        found = set() if self.creator is None else {self.creator}
        return found if self.parent is None else found | self.parent[0].creators()

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

"""The shape of a response: its objects and their fields, with the fetches that bring each field.

    { users { id name } }    fetch 0 brings users {id __typename}, fetch 1 brings name

    object ()        fields users
    object (users)   fields id (fetch 0, the client's), name (fetch 1, the client's), __typename (fetch 0, hidden)

One `ObjectShape` stands for all objects at the same response keys, whatever their list indexes. A field is *visible* if
the client selected it; the other fields are *hidden*: fetches need them as inputs.
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
    """The plan or the operation has something that compiled code does not express. The interpreter executes it."""


@dataclass(slots=True, eq=False)
class FieldShape:
    """A field of an object.

    Attributes:
        key: The internal response key.
        name: The name of the field in the schema.
        types: The type of the field, for each object type that has it.
        visible: The object types for which the client selected the field.
        sources: The ids of the fetches that bring the field, for each object type; in the order of the plan.
        child: The objects in the field; None for a leaf.
    """

    key: str
    name: str
    types: dict[str, GraphQLOutputType] = field(default_factory=dict)
    visible: set[str] = field(default_factory=set)
    sources: dict[str, list[int]] = field(default_factory=dict)
    child: ObjectShape | None = None

    @property
    def attribute(self) -> str:
        """The name of the attribute that has the field's value."""
        return f"{self.key.lstrip('_')}_" if self.key.startswith("_") or iskeyword(self.key) else self.key

    @property
    def is_typename(self) -> bool:
        """Whether the field is `__typename`, under any response key."""
        return self.name == TYPENAME

    def brought_by(self, fetch: int, types: tuple[str, ...]) -> list[str]:
        """Return those of `types` for which `fetch` brings the field."""
        return [name for name in types if fetch in self.sources.get(name, ())]

    def is_nullable(self, typename: str) -> bool:
        """Return whether the field may be null on an object of this type."""
        return not is_non_null_type(self.types[typename])

    def has_other_source(self, typename: str, fetch: int) -> bool:
        """Return whether a fetch other than `fetch` also brings the field."""
        return any(source != fetch for source in self.sources.get(typename, ()))


@dataclass(slots=True, eq=False)
class ObjectShape:
    """The objects at the response keys `path`.

    Attributes:
        number: Distinguishes the shape in generated names.
        types: The object types that the objects can have.
        is_abstract: Whether the objects are in a position of an interface or union, so that they need a `__typename`.
        fields: The fields by internal response key: visible ones in the client's order, then hidden ones.
        creator: The id of the fetch that brings the objects; None for the root.
        parent: The object shape and the field around these objects; None for the root.
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
        """The field with the type of the object; None if no fetch brings it."""
        found = self.fields.get(TYPENAME)
        return found if found is not None and found.sources else None

    def creators(self) -> set[int]:
        """Return the ids of the fetches that bring these objects and the objects around them."""
        found = set() if self.creator is None else {self.creator}
        return found if self.parent is None else found | self.parent[0].creators()

    def all_shapes(self) -> list[ObjectShape]:
        """Return this shape and all shapes below it, outer ones first."""
        found = [self]
        for shape in self.fields.values():
            if shape.child is not None:
                found += shape.child.all_shapes()
        return found


def list_depth(type_: GraphQLOutputType) -> int:
    """Return the number of lists around the values of a type: 2 for `[[Int]]`."""
    inner = without_non_null(type_)
    return 1 + list_depth(inner.of_type) if is_list_type(inner) else 0


def without_non_null(type_: GraphQLOutputType) -> GraphQLOutputType:
    """Return the nullable type of a type."""
    return type_.of_type if is_non_null_type(type_) else type_

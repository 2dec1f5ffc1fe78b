"""The form in which derived data of a supergraph is stored (`stored_supergraph`).

The structures contain numbers and texts only, and are read with their types checked (msgspec). To read such data
executes nothing, whoever wrote it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from graphql import (
    EnumTypeDefinitionNode,
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    UnionTypeDefinitionNode,
)

from router.supergraph.schema_facts import SchemaFacts  # noqa: TC001 - msgspec reads the annotation

if TYPE_CHECKING:
    from graphql import TypeDefinitionNode

FORMAT: Final = 4
"""The number of this form. It changes with each change of the structures, or of the meaning of their values."""

KINDS: Final[tuple[type[TypeDefinitionNode], ...]] = (
    ObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    UnionTypeDefinitionNode,
    EnumTypeDefinitionNode,
    InputObjectTypeDefinitionNode,
    ScalarTypeDefinitionNode,
)
"""The index of a class in this tuple stands for it in stored data."""

_COMPOSITE: Final = 3


class StoredType(msgspec.Struct, frozen=True, array_like=True):
    """A type of the merged schema.

    Attributes:
        name: The name of the type.
        kind: The class of its definition, as an index in `KINDS`.
        start: Where its definition begins in the SDL.
        end: Where the next definition begins.
        graphs: The subgraphs that have the type, by their values of the enum `join__Graph`.
        interfaces: The interfaces that the type implements in at least one subgraph.
    """

    name: str
    kind: int
    start: int
    end: int
    graphs: tuple[str, ...]
    interfaces: tuple[str, ...]

    @property
    def is_composite(self) -> bool:
        """Whether the type is an object type, interface or union."""
        return self.kind < _COMPOSITE


class StoredSchema(msgspec.Struct, frozen=True, array_like=True):
    """A schema.

    Attributes:
        types: The names of its types, in the order of graphql-core.
        roots: The names of the types of queries, mutations and subscriptions.
        implementations: The names of each interface, of the objects that implement it, and of the interfaces that do.
    """

    types: tuple[str, ...]
    roots: tuple[str | None, str | None, str | None]
    implementations: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]


class StoredSupergraph(msgspec.Struct, frozen=True, array_like=True):
    """The data with which `restore` can load a supergraph without parsing all of its SDL.

    Attributes:
        types: The types of the merged schema, in the order of the SDL.
        others: Where the other definitions begin and end in the SDL.
        merged: The merged schema.
        api: The API schema.
        shares_types: Whether the two schemas have the same types, because no element is `@inaccessible`.
        facts: The facts about all types.
    """

    types: tuple[StoredType, ...]
    others: tuple[tuple[int, int], ...]
    merged: StoredSchema
    api: StoredSchema
    shares_types: bool
    facts: SchemaFacts

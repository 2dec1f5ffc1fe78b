"""Define classes for type references, such as `[Account!]!`. Type references can be compared, hashed and printed."""

from __future__ import annotations

from dataclasses import dataclass

from graphql.language import ListTypeNode, NamedTypeNode, NonNullTypeNode, TypeNode


@dataclass(frozen=True, slots=True)
class Named:
    """A reference to a type by its name: `Account`."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list type, such as `[Account]`. `of` is the type of its items."""

    of: TypeRef

    def __str__(self) -> str:
        return f"[{self.of}]"


@dataclass(frozen=True, slots=True)
class NonNull:
    """A non-null type, such as `Account!`. `of` is the type that may be null."""

    of: Named | ListOf

    def __str__(self) -> str:
        return f"{self.of}!"


TypeRef = Named | ListOf | NonNull


def from_node(node: TypeNode) -> TypeRef:
    """Convert a syntax node to a type reference."""
    match node:
        case NonNullTypeNode():
            inner = from_node(node.type)
            if isinstance(inner, NonNull):
                raise TypeError("the grammar has no non-null of a non-null")
            return NonNull(inner)
        case ListTypeNode():
            return ListOf(from_node(node.type))
        case NamedTypeNode():
            return Named(node.name.value)
        case _:
            raise TypeError(f"not a type: {node.kind}")


def base_name(ref: TypeRef) -> str:
    """Return the name of the type inside all lists and non-nulls: `Account` for `[Account!]!`."""
    while not isinstance(ref, Named):
        ref = ref.of
    return ref.name


def rename(ref: TypeRef, names: dict[str, str]) -> TypeRef:
    """Rename the named type in a type reference. For example, `[MyQuery!]` becomes `[Query!]`.

    `names` maps old names to new names. A name that is not in `names` stays unchanged.
    """
    match ref:
        case Named():
            return Named(names.get(ref.name, ref.name))
        case ListOf():
            return ListOf(rename(ref.of, names))
        case NonNull():
            inner = rename(ref.of, names)
            return inner if isinstance(inner, NonNull) else NonNull(inner)


def nullable(ref: TypeRef) -> Named | ListOf:
    """Return the type without its outer non-null: `[Account!]` for `[Account!]!`."""
    return ref.of if isinstance(ref, NonNull) else ref

"""The plan of a generated set of subgraphs: which types exist, in which subgraphs, and how each subgraph declares them.

All records here are mutable and have no logic; `drawing` fills it, `writing` turns it into SDL.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.router.composition.generation.dialect import Dialect

LEAVES = ("String", "Int", "ID", "Boolean", "Float")


@dataclass
class Input:
    """An argument or an input field."""

    name: str
    type: str
    default: str = ""


@dataclass
class Field:
    """A field and who declares it: `owners` resolve it, `outside` declare it external."""

    name: str
    type: str
    arguments: list[Input] = field(default_factory=list)
    owners: list[Dialect] = field(default_factory=list)
    outside: list[Dialect] = field(default_factory=list)
    # What a subgraph adds to its declaration, by subgraph name: requires, provides, override.
    extra: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    @property
    def base(self) -> str:
        return self.type.strip("[]!")

    @property
    def is_list(self) -> bool:
        return "[" in self.type

    def add(self, dialect: Dialect, directive: str, arguments: str) -> None:
        self.extra.setdefault(dialect.name, []).append((directive, arguments))


@dataclass
class Type:
    """An object, interface, union, enum, input or scalar. `homes` are the subgraphs that declare it."""

    name: str
    kind: str
    homes: list[Dialect] = field(default_factory=list)
    fields: dict[str, Field] = field(default_factory=dict)
    inputs: list[Input] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    members: list[str] = field(default_factory=list)
    interfaces: list[str] = field(default_factory=list)
    # Key field sets by subgraph name; a set written with a leading "!" is not resolvable.
    keys: dict[str, list[str]] = field(default_factory=dict)
    extra: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    # Subgraphs that stand in for this interface with an object.
    stand_ins: list[Dialect] = field(default_factory=list)

    def add(self, dialect: Dialect, directive: str, arguments: str = "") -> None:
        self.extra.setdefault(dialect.name, []).append((directive, arguments))


@dataclass
class Sketch:
    """A whole set. `noise` is how many in a hundred declarations deviate from the plan."""

    dialects: list[Dialect]
    features: set[str]
    noise: int
    types: dict[str, Type] = field(default_factory=dict)

    def has(self, feature: str) -> bool:
        return feature in self.features

    def of_kind(self, kind: str) -> list[Type]:
        return [type_ for type_ in self.types.values() if type_.kind == kind]

    def entities(self) -> list[Type]:
        return [type_ for type_ in self.of_kind("type") if type_.keys]

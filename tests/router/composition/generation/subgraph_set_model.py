"""The model of a generated set of subgraphs: its types, and how each subgraph declares them.

`model_generator` fills it, `sdl_writer` writes it as SDL.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.router.composition.generation.dialect import Dialect

LEAF_TYPES = ("String", "Int", "ID", "Boolean", "Float")


@dataclass
class Input:
    """An argument or an input field."""

    name: str
    type: str
    default: str = ""


@dataclass
class Field:
    """A field. `owners` are the subgraphs that resolve it, `external_in` those that declare it external."""

    name: str
    type: str
    arguments: list[Input] = field(default_factory=list)
    owners: list[Dialect] = field(default_factory=list)
    external_in: list[Dialect] = field(default_factory=list)
    # Directives and their arguments, by subgraph name.
    directives: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    @property
    def base(self) -> str:
        return self.type.strip("[]!")

    @property
    def is_list(self) -> bool:
        return "[" in self.type

    def add(self, dialect: Dialect, directive: str, arguments: str) -> None:
        self.directives.setdefault(dialect.name, []).append((directive, arguments))


@dataclass
class Type:
    """An object, interface, union, enum, input or scalar. `declared_in` are the subgraphs that declare it."""

    name: str
    kind: str
    declared_in: list[Dialect] = field(default_factory=list)
    fields: dict[str, Field] = field(default_factory=dict)
    inputs: list[Input] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    members: list[str] = field(default_factory=list)
    interfaces: list[str] = field(default_factory=list)
    # Key field sets, by subgraph name. A leading "!" makes a key non-resolvable.
    keys: dict[str, list[str]] = field(default_factory=dict)
    directives: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    # The subgraphs in which this interface is an interface object.
    interface_object_in: list[Dialect] = field(default_factory=list)

    def add(self, dialect: Dialect, directive: str, arguments: str = "") -> None:
        self.directives.setdefault(dialect.name, []).append((directive, arguments))


@dataclass
class SubgraphSetModel:
    """A set of subgraphs. `noise` is the percentage of declarations that deviate from the model."""

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

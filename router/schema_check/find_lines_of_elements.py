"""Finds the file and the line that declare an element of a schema."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from graphql import DirectiveDefinitionNode, GraphQLError, TypeDefinitionNode, TypeExtensionNode

from router.composition.report import Location
from router.federation.sdl.parse_sdl import parse_sdl

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from graphql import DefinitionNode, Node

    from router.composition.file_locations import FilePlace, SourceFile

_NAME: Final = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class SchemaText:
    """A text in SDL.

    Attributes:
        text: The text.
        file: The file that contains the text; None for a text from the network.
        name: The name of the subgraph; empty for a supergraph and a plain schema.
    """

    text: str
    file: SourceFile | None
    name: str = ""


@dataclass(frozen=True, slots=True)
class CoordinatePlaces:
    """The places where the elements of a schema are declared.

    `places` maps a coordinate to its declarations. Several subgraphs can declare the same element.
    """

    places: dict[str, list[FilePlace]]

    @classmethod
    def of(cls, texts: Iterable[SchemaText], coordinates: Collection[str]) -> CoordinatePlaces:
        """Return the places of the declarations of these coordinates, and of their enclosing fields and types.

        A text that cannot be parsed has no declarations. A text is parsed only if it contains the name of an element:
        a federation can have hundreds of subgraphs, and usually only a few of them declare the elements.
        """
        places: dict[str, list[FilePlace]] = {}
        names = {re.split(r"[.(]", coordinate.removeprefix("@"))[0] for coordinate in coordinates}
        for schema in texts:
            if names.isdisjoint(_NAME.findall(schema.text)):
                continue
            for coordinate, node in _declarations(schema.text):
                if node.loc is not None and schema.file is not None:
                    token = node.loc.start_token
                    place = schema.file.place(Location("", token.line, token.column))
                    places.setdefault(coordinate, []).append(place)
        return cls(places)

    def find(self, coordinate: str) -> FilePlace | None:
        """Return the first place where the element is declared.

        If the element is not declared, return the place of the enclosing field or type, or None.
        """
        for candidate in _from_inner_to_outer(coordinate):
            if candidate in self.places:
                return self.places[candidate][0]
        return None


def _from_inner_to_outer(coordinate: str) -> Iterator[str]:
    yield coordinate
    field, has_argument, _ = coordinate.partition("(")
    if has_argument:
        yield field
    yield field.partition(".")[0]


def _declarations(text: str) -> Iterator[tuple[str, Node]]:
    try:
        definitions = parse_sdl(text).definitions
    except (GraphQLError, RecursionError):
        return
    for definition in definitions:
        yield from _declarations_in(definition)


def _declarations_in(definition: DefinitionNode) -> Iterator[tuple[str, Node]]:
    if isinstance(definition, DirectiveDefinitionNode):
        name = f"@{definition.name.value}"
        yield name, definition.name
        yield from ((f"{name}({each.name.value}:)", each.name) for each in definition.arguments or ())
    elif isinstance(definition, TypeDefinitionNode | TypeExtensionNode):
        owner = definition.name.value
        yield owner, definition.name
        members = getattr(definition, "fields", None) or getattr(definition, "values", None) or ()
        for member in members:
            coordinate = f"{owner}.{member.name.value}"
            yield coordinate, member.name
            for argument in getattr(member, "arguments", None) or ():
                yield f"{coordinate}({argument.name.value}:)", argument.name

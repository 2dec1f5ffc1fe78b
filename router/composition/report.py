"""Collect the errors and hints of a composition in a `Report`.

If a schema has a problem, composition does not raise an exception, but adds the problem to the report. A problem has a
stable code, a message for the team that owns the subgraph, and its locations in the SDL of the subgraphs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from graphql.language import DirectiveNode, Node

from router.composition.error_codes import HINT_LEVELS, ErrorCode, HintCode

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a subgraph's SDL. Lines and columns are counted from 1."""

    subgraph: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.subgraph}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class CompositionError:
    """One reason why the subgraphs do not compose. `code` is one of the error codes (composition §6)."""

    code: ErrorCode
    message: str
    locations: tuple[Location, ...] = ()


@dataclass(frozen=True, slots=True)
class CompositionHint:
    """A warning or remark that does not prevent composition (composition §7). `level` is WARN, INFO or DEBUG."""

    code: HintCode
    message: str
    level: str
    locations: tuple[Location, ...] = ()


SourcePlace = tuple[str, Node | None] | Location
"""Where a problem is: either a `Location`, or a subgraph's name and a syntax node from the SDL of that subgraph."""


def locate(places: Iterable[SourcePlace]) -> tuple[Location, ...]:
    """Convert places to locations, and remove repeated locations.

    If composition itself built a node, the node has no location and is left out.
    """
    located = (place if isinstance(place, Location) else _location(*place) for place in places)
    return tuple(dict.fromkeys(location for location in located if location is not None))


def _location(subgraph: str, node: Node | None) -> Location | None:
    # A long description may precede the name in a definition, so the location of the name is returned.
    named = node if isinstance(node, DirectiveNode) else getattr(node, "name", None) or node
    if named is None or named.loc is None:
        return None
    token = named.loc.start_token
    return Location(subgraph, token.line, token.column)


@dataclass(slots=True)
class Report:
    """Collects errors and hints, in the order in which they are found."""

    errors: list[CompositionError] = field(default_factory=list)
    hints: list[CompositionHint] = field(default_factory=list)

    def error(self, code: ErrorCode, message: str, places: Iterable[SourcePlace] = ()) -> None:
        """Add an error."""
        self.errors.append(CompositionError(code, message, locate(places)))

    def hint(self, code: HintCode, message: str, places: Iterable[SourcePlace] = ()) -> None:
        """Add a hint."""
        self.hints.append(CompositionHint(code, message, HINT_LEVELS[code], locate(places)))

    def failed(self) -> bool:
        """Return whether the report contains an error."""
        return len(self.errors) > 0

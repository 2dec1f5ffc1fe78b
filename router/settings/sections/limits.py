"""`limits`: what a request may cost."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from router.settings.section import Count, IsNumber, Section

LimitName = Literal[
    "body_bytes",
    "url_bytes",
    "header_bytes",
    "header_count",
    "batch_size",
    "tokens",
    "recursion",
    "depth",
    "fields",
    "height",
    "aliases",
    "directives",
    "root_fields",
    "introspection_depth",
    "operation_name_length",
]


class Limits(Section):
    """What a request may cost, judged before any work is done for it; null switches a limit off where that is safe.

    An operation is counted through fragments, a fragment as often as it is spread.
    """

    body_bytes: Count = 2_000_000
    """The largest body of a POST."""
    url_bytes: Count = 32_768
    """The longest path and query string."""
    header_bytes: Count = 65_536
    """All header names and values of a request."""
    header_count: Count = 100
    """Header lines of a request."""
    batch_size: Count = 10
    """Operations in one request, where `batching` is on."""
    tokens: Count = 15_000
    """Lexical tokens of a document."""
    recursion: Annotated[int, Field(gt=0, le=200), IsNumber] = 200
    """Brackets within brackets of a document, whatever they hold; the parser goes no deeper than 200."""
    depth: Count | None = 200
    """Levels of nested fields."""
    fields: Count | None = 3_500
    """All fields of an operation, after fragments are expanded."""
    height: Count | None = None
    """Different fields of an operation: those of one name at one place count once, whatever their aliases."""
    aliases: Count | None = None
    """All aliases of an operation."""
    directives: Count | None = None
    """All directives of an operation."""
    root_fields: Count | None = None
    """Fields at the root of an operation."""
    introspection_depth: Count | None = 3
    """Lists within lists of an introspection (`fields`, `interfaces`, `possibleTypes`, `inputFields`)."""
    operation_name_length: Count | None = 512
    """Characters of an operation's name."""
    measure: tuple[LimitName, ...] = ()
    """Limits that refuse nothing yet: what exceeds them is logged and counted, to see whom they would hit."""

    def enforces(self, name: LimitName) -> bool:
        """Whether exceeding this limit refuses a request."""
        return name not in self.measure

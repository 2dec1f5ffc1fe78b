"""`limits`: the limits of a request."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from router.settings.section import Section
from router.settings.types import Count, IsNumber

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
    """Limits of a request, checked before the operation is executed. A limit that may be null is switched off by null.

    A fragment is counted as often as it is spread.
    """

    body_bytes: Count = 2_000_000
    """The largest body of a POST."""
    url_bytes: Count = 32_768
    """The longest path and query string."""
    header_bytes: Count = 65_536
    """Total size of the header names and values of a request."""
    header_count: Count = 100
    """Number of header lines of a request."""
    batch_size: Count = 10
    """Number of operations in one request if `batching` is enabled."""
    tokens: Count = 15_000
    """Number of lexical tokens of a document."""
    recursion: Annotated[int, Field(gt=0, le=200), IsNumber] = 200
    """Nesting of brackets of any kind in a document; the parser supports at most 200."""
    depth: Count | None = 200
    """Nesting of fields."""
    fields: Count | None = 3_500
    """Number of fields of an operation, including the fields of its fragments."""
    height: Count | None = None
    """Number of different fields of an operation. A field that is selected several times on the same path, with or
    without an alias, is counted once."""
    aliases: Count | None = None
    """Number of aliases of an operation."""
    directives: Count | None = None
    """Number of directives of an operation."""
    root_fields: Count | None = None
    """Number of root fields of an operation."""
    introspection_depth: Count | None = 3
    """Nesting of lists in an introspection query (`fields`, `interfaces`, `possibleTypes`, `inputFields`)."""
    operation_name_length: Count | None = 512
    """Number of characters of an operation's name."""
    measure: tuple[LimitName, ...] = ()
    """Limits that are only measured: requests that exceed them are logged and counted, but not refused."""

    def enforces(self, name: LimitName) -> bool:
        """Return whether a request that exceeds this limit is refused."""
        return name not in self.measure

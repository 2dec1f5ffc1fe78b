"""`limits`: the largest requests that the router accepts."""

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
    "list_items",
    "operation_name_length",
]


class Limits(Section):
    """The largest requests that the router accepts. Limits are checked before the operation is executed.

    A limit that is null is switched off. If an operation spreads a fragment twice, the content of the fragment is
    counted twice.
    """

    body_bytes: Count = 2_000_000
    """Maximum size of the body of a POST request."""
    url_bytes: Count = 32_768
    """Maximum length of the path and query string of a request."""
    header_bytes: Count = 65_536
    """Maximum total size of the header names and values of a request."""
    header_count: Count = 100
    """Maximum number of header lines of a request."""
    batch_size: Count = 10
    """Maximum number of operations in one request if `batching` is enabled."""
    tokens: Count = 15_000
    """Maximum number of lexical tokens of a document, including comments."""
    recursion: Annotated[int, Field(gt=0, le=200), IsNumber] = 200
    """Maximum nesting of brackets of any kind in a document. The parser supports at most 200."""
    depth: Count | None = 200
    """Maximum nesting of fields in an operation."""
    fields: Count | None = 3_500
    """Maximum number of fields of an operation, including the fields of its fragments."""
    height: Count | None = None
    """Maximum number of different fields of an operation. A field that is selected several times on the same path, with
    or without an alias, is counted once."""
    aliases: Count | None = None
    """Maximum number of aliases of an operation."""
    directives: Count | None = None
    """Maximum number of directives of an operation."""
    root_fields: Count | None = None
    """Maximum number of root fields of an operation."""
    introspection_depth: Count | None = 3
    """Maximum nesting of lists in an introspection query (`fields`, `interfaces`, `possibleTypes`, `inputFields`)."""
    list_items: Count | None = 20_000
    """Maximum total number of list items in a response, estimated from `@listSize` before execution. The sizes of
    nested lists are multiplied. Lists without `@listSize` do not count."""
    operation_name_length: Count | None = 512
    """Maximum number of characters of an operation's name."""
    measure: tuple[LimitName, ...] = ()
    """Names of limits that are only measured. A request that exceeds such a limit is logged and counted, but not
    refused."""

    def enforces(self, name: LimitName) -> bool:
        """Return whether a request that exceeds the limit `name` is refused."""
        return name not in self.measure

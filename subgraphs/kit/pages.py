"""Which page of a list a client asks for. A store reads it; `subgraphs.kit.connections` makes GraphQL types of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DEFAULT_PAGE: Final = 20
MAX_PAGE: Final = 100

# What a list is sorted by, as texts. It is unique in its list.
SortKey = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A request for a page, which a store executes.

    Attributes:
        limit: the size of the page. If the list continues, the store returns one more row.
        after: the rows come after this sort key in list order; None sets no bound.
        before: the rows come before this sort key in list order; None sets no bound.
        backwards: whether the page is at the end of the range between `after` and `before`. The store then returns the
            rows in reverse order.
    """

    limit: int = DEFAULT_PAGE
    after: SortKey | None = None
    before: SortKey | None = None
    backwards: bool = False

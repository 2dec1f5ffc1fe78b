"""Relay connections: pages of a list that stay stable while the list grows.

A cursor is the sort key of its row, signed: whoever holds it can go on from there, nobody can make one up. A store
gets a :class:`PageRequest` and returns up to ``limit + 1`` rows in the direction asked; :func:`page` cuts, turns
around and signs. Specification: https://relay.dev/graphql/connections.htm
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Sequence  # noqa: TC003 - strawberry reads annotations at run time
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import strawberry
from strawberry import UNSET

from servicekit.errors import BadUserInput

DEFAULT_PAGE: Final = 20
MAX_PAGE: Final = 100
# A truncated HMAC-SHA256 of 128 bits cannot be guessed, and keeps cursors short.
_MAC_BYTES: Final = 16
# Longer than any cursor of ours; what is longer is not worth decoding.
_MAX_CURSOR: Final = 512

Node = TypeVar("Node")
Row = TypeVar("Row")

SortKey = tuple[str, ...]


@strawberry.federation.type(shareable=True, description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more items follow this page.")
    has_previous_page: bool = strawberry.field(description="Whether items precede this page.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first item, null on an empty page.")
    end_cursor: str | None = strawberry.field(description="Cursor of the last item, null on an empty page.")


@strawberry.type(description="One item of a list, with its position.")
class Edge(Generic[Node]):
    cursor: str = strawberry.field(description="Opaque; pass it as `after` or `before`.")
    node: Node = strawberry.field(description="The item.")


async def _total_count(root: strawberry.Parent[Any]) -> int | None:
    return None if root.count is None else await root.count()


@strawberry.type(description="A page of a list.")
class Connection(Generic[Node]):
    edges: list[Edge[Node]] = strawberry.field(description="The items with their cursors.")
    nodes: list[Node] = strawberry.field(description="The items alone.")
    page_info: PageInfo = strawberry.field(description="Where this page lies in the list.")
    total_count: int | None = strawberry.field(
        resolver=_total_count, description="How many items the whole list has; null where counting is not offered."
    )
    count: strawberry.Private[Callable[[], Awaitable[int]] | None] = None


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What a store is asked for.

    Attributes:
        limit: items wanted; fetch one more to know whether the list goes on.
        after: sort key that the rows must follow in list order, or None.
        before: sort key that the rows must precede in list order, or None.
        backwards: take the last ``limit`` rows of that range, and return them last first.
    """

    limit: int = DEFAULT_PAGE
    after: SortKey | None = None
    before: SortKey | None = None
    backwards: bool = False


class CursorCodec:
    """Signs sort keys of ``width`` text parts, and takes back only what it signed."""

    def __init__(self, key: bytes, *, width: int) -> None:
        self._key = key
        self._width = width

    def encode(self, sort_key: SortKey) -> str:
        payload = json.dumps(sort_key, separators=(",", ":"), ensure_ascii=False).encode()
        return base64.urlsafe_b64encode(self._mac(payload) + payload).rstrip(b"=").decode()

    def decode(self, cursor: str, argument: str) -> SortKey:
        """The sort key behind ``cursor``. Raises BadUserInput, naming ``argument``, for anything not signed here."""
        refusal = BadUserInput(f"`{argument}` is not a cursor of this list", details={"argument": argument})
        if len(cursor) > _MAX_CURSOR:
            raise refusal
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise refusal from None
        mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(payload)):
            raise refusal
        # Signed by us, hence well-formed; another list of the same service may have another width.
        sort_key: list[str] = json.loads(payload)
        if len(sort_key) != self._width:
            raise refusal
        return tuple(sort_key)

    def _mac(self, payload: bytes) -> bytes:
        return hmac.new(self._key, payload, hashlib.sha256).digest()[:_MAC_BYTES]

    def request(self, first: int | None, after: str | None, last: int | None, before: str | None) -> PageRequest:
        """The page that Relay's four arguments ask for; UNSET counts as None.

        Raises:
            BadUserInput: ``first`` with ``last``, a size outside 0 to :data:`MAX_PAGE`, or a forged cursor.
        """
        first, last = (None if size is UNSET else size for size in (first, last))
        after, before = (None if cursor is UNSET else cursor for cursor in (after, before))
        if first is not None and last is not None:
            raise BadUserInput("give `first` or `last`, not both", details={"argument": "last"})
        for argument, size in (("first", first), ("last", last)):
            if size is not None and not 0 <= size <= MAX_PAGE:
                raise BadUserInput(f"`{argument}` must lie between 0 and {MAX_PAGE}", details={"argument": argument})
        wanted = first if first is not None else last
        return PageRequest(
            limit=DEFAULT_PAGE if wanted is None else wanted,
            after=None if after is None else self.decode(after, "after"),
            before=None if before is None else self.decode(before, "before"),
            backwards=last is not None,
        )

    def page(
        self,
        request: PageRequest,
        rows: Sequence[Row],
        sort_key: Callable[[Row], SortKey],
        node: Callable[[Row], Node],
        count: Callable[[], Awaitable[int]] | None = None,
    ) -> Connection[Node]:
        """The connection over ``rows`` as the store returned them for ``request``."""
        more = len(rows) > request.limit
        kept = list(rows[: request.limit])
        if request.backwards:
            kept.reverse()
        nodes = [node(row) for row in kept]
        cursors = [self.encode(sort_key(row)) for row in kept]
        return Connection(
            edges=[Edge(cursor=cursor, node=item) for cursor, item in zip(cursors, nodes, strict=True)],
            nodes=nodes,
            page_info=PageInfo(
                has_next_page=request.before is not None if request.backwards else more,
                has_previous_page=more if request.backwards else request.after is not None,
                start_cursor=cursors[0] if cursors else None,
                end_cursor=cursors[-1] if cursors else None,
            ),
            count=count,
        )

"""Relay connections: pages of a list that stay stable while the list grows (bank §2.3).

A cursor contains the sort key of its row, so that a page can begin after this row. The sort key is signed, so that a
client cannot forge a cursor. A store gets a `PageRequest` and returns up to `limit + 1` rows in the requested
direction. `CursorCodec.page` makes the connection. Specification: https://relay.dev/graphql/connections.htm
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Awaitable, Callable, Sequence  # noqa: TC003 - strawberry reads annotations at run time
from functools import partial
from typing import Annotated, Any, Final, Generic, TypeVar

import strawberry
from strawberry import UNSET
from strawberry.federation.schema_directives import ListSize

from servicekit.errors import BadUserInput
from subgraphs.kit.pages import DEFAULT_PAGE, MAX_PAGE, PageRequest, SortKey

# The length of a cursor's signature: an HMAC-SHA256, truncated to 128 bits. It cannot be guessed, and the cursor is
# short.
_MAC_BYTES: Final = 16
# Our cursors are shorter than this. A longer text is refused before it is decoded.
_MAX_CURSOR: Final = 512

# The declared size of a list, for routers with demand control: the requested page size, or the default size.
PAGED: Final = ListSize(
    assumed_size=DEFAULT_PAGE,
    slicing_arguments=["first", "last"],
    sized_fields=["edges", "nodes"],
    require_one_slicing_argument=False,
)


def short_list(items: int) -> ListSize:
    """Return the declared size of a list without pages, for routers with demand control."""
    return ListSize(assumed_size=items, slicing_arguments=[], sized_fields=[], require_one_slicing_argument=False)


First = Annotated[
    int | None, strawberry.argument(description="The number of items from the start, 0 to 100; by default 20.")
]
After = Annotated[
    str | None, strawberry.argument(description="The page begins after this cursor, which comes from an earlier page.")
]
Last = Annotated[
    int | None,
    strawberry.argument(description="The number of items from the end, 0 to 100; not with `first`."),
]
Before = Annotated[
    str | None, strawberry.argument(description="The page ends before this cursor, which comes from an earlier page.")
]

Node = TypeVar("Node")
Row = TypeVar("Row")


@strawberry.federation.type(shareable=True, description="The position of a page in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether there are items after this page.")
    has_previous_page: bool = strawberry.field(description="Whether there are items before this page.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first item; null on an empty page.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last item; null on an empty page.")


def _cursor(root: strawberry.Parent[Any]) -> str:
    encoded: str = root.encode_cursor()
    return encoded


@strawberry.type(description="An item of a list and its cursor.")
class Edge(Generic[Node]):
    cursor: str = strawberry.field(resolver=_cursor, description="The item's cursor, for `after` and `before`; opaque.")
    node: Node = strawberry.field(description="The item.")
    # Few queries select the cursors of all items, which cost more than the items themselves.
    encode_cursor: strawberry.Private[Callable[[], str]]


async def _total_count(root: strawberry.Parent[Any]) -> int | None:
    return None if root.count is None else await root.count()


@strawberry.type(description="A page of a list.")
class Connection(Generic[Node]):
    edges: list[Edge[Node]] = strawberry.field(description="The items with their cursors.")
    nodes: list[Node] = strawberry.field(description="The items without their cursors.")
    page_info: PageInfo = strawberry.field(description="The position of this page in the list.")
    total_count: int | None = strawberry.field(
        resolver=_total_count, description="The number of items of the whole list; null if the list is not counted."
    )
    count: strawberry.Private[Callable[[], Awaitable[int]] | None] = None


class CursorCodec:
    """Makes cursors from sort keys with `width` text parts. It reads only cursors that it has made."""

    def __init__(self, key: bytes, *, width: int) -> None:
        self._key = key
        self._width = width

    def encode(self, sort_key: SortKey) -> str:
        payload = json.dumps(sort_key, separators=(",", ":"), ensure_ascii=False).encode()
        return base64.urlsafe_b64encode(self._mac(payload) + payload).rstrip(b"=").decode()

    def _cursor_of(self, sort_key: Callable[[Row], SortKey], row: Row) -> str:
        return self.encode(sort_key(row))

    def decode(self, cursor: str, argument: str) -> SortKey:
        """Return the sort key in `cursor`.

        Raises:
            BadUserInput: the cursor was not made here; the error names `argument`.
        """
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
        # The signature proves that this service made the cursor, but not for which list. A cursor of another list may
        # have a sort key of another width.
        sort_key: list[str] = json.loads(payload)
        if len(sort_key) != self._width:
            raise refusal
        return tuple(sort_key)

    def _mac(self, payload: bytes) -> bytes:
        return hmac.digest(self._key, payload, "sha256")[:_MAC_BYTES]

    def request(self, first: int | None, after: str | None, last: int | None, before: str | None) -> PageRequest:
        """Return the page for Relay's four arguments. UNSET counts as None.

        Raises:
            BadUserInput: `first` together with `last`, a size outside 0 to `MAX_PAGE`, or a forged cursor.
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
        """Return the connection for `rows`, which the store has returned for `request`."""
        more = len(rows) > request.limit
        kept = list(rows[: request.limit])
        if request.backwards:
            kept.reverse()
        nodes = [node(row) for row in kept]
        cursors = [partial(self._cursor_of, sort_key, row) for row in kept]
        return Connection(
            edges=[Edge(node=item, encode_cursor=cursor) for item, cursor in zip(nodes, cursors, strict=True)],
            nodes=nodes,
            page_info=PageInfo(
                has_next_page=request.before is not None if request.backwards else more,
                has_previous_page=more if request.backwards else request.after is not None,
                start_cursor=cursors[0]() if cursors else None,
                end_cursor=cursors[-1]() if cursors else None,
            ),
            count=count,
        )

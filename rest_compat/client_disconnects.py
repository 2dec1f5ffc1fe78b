"""Ends work for a client that has closed its connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from starlette.requests import ClientDisconnect

from servicekit.client_disconnects import ClientGone, run_within, until_disconnect

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from servicekit.asgi import Receive

T = TypeVar("T")


async def while_connected(receive: Receive, work: Coroutine[object, object, T]) -> T:
    """Run `work` and return its result; cancel it when the client leaves.

    Use this function only for requests that have no body and change nothing. Work that changes something must run to
    its end.

    Raises:
        ClientDisconnect: the client closed the connection.
    """
    try:
        return await run_within(work, until_disconnect(receive))
    except ClientGone:
        raise ClientDisconnect from None

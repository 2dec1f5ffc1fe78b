"""Process large responses in a thread, so that the event loop can serve other requests at the same time.

Decoding, merging and completing a response of 60 MB takes seconds. The C code of the JSON decoder never lets other
threads run, so a large body is decoded in slices. Between two slices, and while Python code merges, the event loop may
run.
"""

from __future__ import annotations

import asyncio
import contextvars
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from router import json_codec

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

LARGE: Final = 262_144
"""Responses with at least this number of bytes are processed in the thread.

A smaller response takes only a few milliseconds.
"""

SLICE: Final = 65_536
"""The number of bytes that are decoded at once. Decoding them takes at most a few milliseconds."""

# All executions share one thread. More threads would compete with the event loop for Python's interpreter lock.
_THREAD: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="large-responses")

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_items = msgspec.json.Decoder(list[msgspec.Raw])


class LargeResponses:
    """Runs the work on the responses of one execution, one piece of work after the other.

    All pieces of work change the same response tree. So while one piece runs in the thread, all others wait.
    """

    __slots__ = ("_finished",)

    def __init__(self) -> None:
        self._finished: asyncio.Event | None = None

    async def turn(self) -> None:
        """Wait until no piece of work runs in the thread."""
        while self._finished is not None:
            await self._finished.wait()

    async def run(self, work: Callable[[], T], size: int) -> T:
        """Run `work` and return its result. `size` is the number of bytes of the response that `work` processes."""
        await self.turn()
        if size < LARGE:
            return work()
        self._finished = finished = asyncio.Event()
        context = contextvars.copy_context()
        try:
            return await asyncio.get_running_loop().run_in_executor(_THREAD, context.run, work)
        finally:
            self._finished = None
            finished.set()


def decode_in_slices(body: bytes) -> object:
    """Decode JSON like `json_codec.decode`, but in slices. Other threads may run between two slices.

    A large object or list is first split into the bytes of its members. Then each member is decoded.

    Raises:
        ValueError: `body` is not JSON.
    """
    try:
        return _decoded(body.removeprefix(json_codec.BYTE_ORDER_MARK))
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def _decoded(body: bytes) -> object:
    if len(body) > SLICE:
        first = body[:SLICE].lstrip()[:1]
        if first == b"{":
            return {name: _decoded(bytes(value)) for name, value in _members.decode(body).items()}
        if first == b"[":
            return [_decoded(bytes(value)) for value in _items.decode(body)]
    return json_codec.decode(body)

"""Counts the bytes of a chunked body that are framing and not content: chunk sizes, chunk extensions and trailers.

The size limit of bodies does not count these bytes, so they need their own limit. Otherwise a client could send
endless trailers or an endless extension, which would occupy the connection and the parser's memory.
"""

from __future__ import annotations

# The framing bytes that each chunk may have: its size and two line ends, which need at most 20 bytes.
_BYTES_PER_CHUNK = 32


class FramingBudget:
    """Counts the framing bytes of one message. The bytes of each read from the connection are added to the count.

    Two reads are not counted: the one that contains the end of the head, and the one that contains the end of the
    message. The parser does not report at which byte of a read such an end is. So a message can exceed the budget by
    the size of two reads, which is small.
    """

    __slots__ = ("_allowed", "_limit", "_used")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.begin()

    def begin(self) -> None:
        """Reset the count, because a new body begins."""
        self._allowed, self._used = self._limit, 0

    def read(self, size: int) -> None:
        """Add the `size` bytes of a read to the count. `content` then subtracts the bytes that are not framing."""
        self._used += size

    def content(self, size: int) -> None:
        """Subtract `size` bytes of the last read, because they are content and not framing."""
        self._used -= size

    def chunk(self) -> None:
        """Raise the limit by the bytes that one chunk needs for its size and its line ends."""
        self._allowed += _BYTES_PER_CHUNK

    @property
    def is_exceeded(self) -> bool:
        """Whether there are more framing bytes than the limit allows."""
        return self._used > self._allowed

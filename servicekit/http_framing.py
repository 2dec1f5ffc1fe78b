"""Counts the bytes of a chunked body that are not content: sizes of chunks, chunk extensions and trailers.

The size limit of bodies does not count these bytes, so they need a limit of their own. Otherwise a client could send
endless trailers or an endless extension, which would occupy the connection and the parser's memory.
"""

from __future__ import annotations

# The size of a chunk and its two line ends take at most 20 bytes.
_BYTES_PER_CHUNK = 32


class FramingBudget:
    """The framing bytes of one message, counted read by read.

    A read that contains the end of the head or of the message is not counted, because the parser does not say where in
    the read this end is. A read is small, so the budget is exceeded by at most two reads.
    """

    __slots__ = ("_allowed", "_limit", "_used")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.begin()

    def begin(self) -> None:
        """Forget what was counted: a new body begins."""
        self._allowed, self._used = self._limit, 0

    def read(self, size: int) -> None:
        """Count the bytes of a read."""
        self._used += size

    def content(self, size: int) -> None:
        """Count bytes of the read as content."""
        self._used -= size

    def chunk(self) -> None:
        """Count a chunk, whose size and line ends are framing that every chunk needs."""
        self._allowed += _BYTES_PER_CHUNK

    @property
    def is_exceeded(self) -> bool:
        """Whether the framing is larger than the limit."""
        return self._used > self._allowed

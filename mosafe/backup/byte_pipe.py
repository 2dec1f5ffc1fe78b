"""A bounded pipe of bytes between two threads. If one side fails, the other side does not wait for ever."""

from __future__ import annotations

import threading
from collections import deque
from typing import Final

# How many bytes may wait in the pipe. The writer waits while there are more.
MAX_WAITING: Final = 1 << 20


class Aborted(Exception):
    """The other side of the pipe has failed. Its own error is the cause."""


class BytePipe:
    """One thread calls `write` and then `finish` or `abort`; another one calls `read`, and `abort` if it fails."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._chunks: deque[bytes] = deque()
        self._waiting = 0
        self._is_finished = False
        self._is_aborted = False

    def write(self, data: bytes) -> int:
        """Raises Aborted if the reader has failed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting < MAX_WAITING or self._is_aborted)
            if self._is_aborted:
                raise Aborted
            if data:
                self._chunks.append(bytes(data))
                self._waiting += len(data)
                self._changed.notify_all()
        return len(data)

    def finish(self) -> None:
        with self._changed:
            self._is_finished = True
            self._changed.notify_all()

    def abort(self) -> None:
        with self._changed:
            self._is_aborted = True
            self._changed.notify_all()

    def read(self, size: int = -1) -> bytes:
        """Return at most `size` bytes; none at the end. Raises Aborted if the writer has failed."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._chunks) or self._is_finished or self._is_aborted)
            if self._is_aborted:
                raise Aborted
            if not self._chunks:
                return b""
            chunk = self._chunks.popleft()
            if 0 <= size < len(chunk):
                self._chunks.appendleft(chunk[size:])
                chunk = chunk[:size]
            self._waiting -= len(chunk)
            self._changed.notify_all()
            return chunk

    def flush(self) -> None:
        """Do nothing: the reader sees each chunk at once."""

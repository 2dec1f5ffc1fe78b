"""Writes log lines in a separate thread, so that no request waits for a slow terminal, pipe or disk.

    request ──add──> waiting lines (bounded) ──thread──> stream

Lines of requests are collected for `LINGER_SECONDS` and written together. An urgent line, such as a warning, is written
at once, after the lines before it. If the stream is so slow that too many lines wait, further lines are dropped and
counted. When the process ends, `logging.shutdown` writes all waiting lines. A process that is killed loses the lines
that wait.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import BinaryIO, Final

LINGER_SECONDS: Final = 0.05
"""How long the lines of requests are collected before they are written."""

MAX_WAITING_LINES: Final = 10_000
"""The maximum number of lines that wait. A line has about 600 bytes."""

URGENT_LINES: Final = 1_000
"""When `MAX_WAITING_LINES` lines wait, further lines are accepted only if they are urgent: at most this number."""

LAST_SECONDS: Final = 1.0
"""When the process ends, it waits at most this number of seconds for a stream that accepts no more lines."""


class BackgroundLogWriter:
    """Writes lines to `stream` in their order.

    Attributes:
        dropped: The number of lines that were not written, because too many lines were waiting or the stream failed.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._waiting: deque[bytes] = deque()
        self._stream_lock = threading.Lock()
        self._has_lines, self._is_urgent = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self.dropped = 0

    def add(self, line: bytes, *, is_urgent: bool = False) -> None:
        """Add a line, which ends with a line break. This method never waits for the stream."""
        if len(self._waiting) >= (MAX_WAITING_LINES + URGENT_LINES if is_urgent else MAX_WAITING_LINES):
            self.dropped += 1
            return
        self._waiting.append(line)
        if is_urgent:
            self._is_urgent.set()
        if not self._has_lines.is_set():
            if self._thread is None:
                self._start()
            self._has_lines.set()

    def flush(self) -> None:
        """Write all waiting lines. Give up if the thread has been writing for longer than `LAST_SECONDS`."""
        if self._stream_lock.acquire(timeout=LAST_SECONDS):
            try:
                self._write_waiting()
            finally:
                self._stream_lock.release()

    def status(self) -> dict[str, int]:
        """Return how many lines wait, and how many were dropped."""
        return {"waiting": len(self._waiting), "dropped": self.dropped}

    def _start(self) -> None:
        # The thread starts with the first line, so that a process without lines has no thread.
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            self._has_lines.wait()
            self._is_urgent.wait(LINGER_SECONDS)
            self._is_urgent.clear()
            self._has_lines.clear()
            with self._stream_lock:
                self._write_waiting()

    def _write_waiting(self) -> None:
        waiting = self._waiting
        lines = [waiting.popleft() for _ in range(len(waiting))]
        try:
            self._stream.write(b"".join(lines))
            self._stream.flush()
        except (OSError, ValueError):  # the reader has gone, or the stream is closed: there is no place to report it
            self.dropped += len(lines)


class BackgroundLogHandler(logging.Handler):
    """Passes the records of `logging` to a `BackgroundLogWriter`. Warnings and errors are urgent."""

    def __init__(self, writer: BackgroundLogWriter) -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler.emit`."""
        try:
            line = f"{self.format(record)}\n".encode("utf-8", "backslashreplace")
        except Exception:  # noqa: BLE001  (as every handler of `logging` does)
            self.handleError(record)
        else:
            self._writer.add(line, is_urgent=record.levelno >= logging.WARNING)

    def flush(self) -> None:
        """See `logging.Handler.flush`."""
        self._writer.flush()

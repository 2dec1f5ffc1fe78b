"""Log lines are written by a thread, in order; too many lines are dropped and counted."""

from __future__ import annotations

import io
import logging
import os
import threading
from typing import TYPE_CHECKING

from servicekit import background_log_writer
from servicekit.background_log_writer import BackgroundLogHandler, BackgroundLogWriter

if TYPE_CHECKING:
    import pytest

SECONDS = 30.0


class Gate(io.BytesIO):
    """A stream that takes nothing before `opened` is set. `is_entered` is set while a write waits."""

    def __init__(self) -> None:
        super().__init__()
        self.opened, self.is_entered = threading.Event(), threading.Event()

    def write(self, data: object, /) -> int:
        self.is_entered.set()
        assert self.opened.wait(SECONDS)
        return super().write(data)  # type: ignore[arg-type]  # the writer passes bytes


def test_lines_are_written_in_order() -> None:
    read, write = os.pipe()
    with os.fdopen(read, "rb") as source, os.fdopen(write, "wb") as stream:
        writer = BackgroundLogWriter(stream)
        for number in range(100):
            writer.add(b"%d\n" % number, is_urgent=number % 10 == 0)
        assert [int(source.readline()) for _ in range(100)] == list(range(100))
    assert writer.status() == {"waiting": 0, "dropped": 0}


def test_an_urgent_line_does_not_wait_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_log_writer, "LINGER_SECONDS", 1_000.0)
    read, write = os.pipe()
    with os.fdopen(read, "rb") as source, os.fdopen(write, "wb") as stream:
        writer = BackgroundLogWriter(stream)
        writer.add(b"request\n")
        writer.add(b"warning\n", is_urgent=True)
        assert source.readline() + source.readline() == b"request\nwarning\n"


def test_lines_beyond_the_bound_are_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_log_writer, "MAX_WAITING_LINES", 3)
    monkeypatch.setattr(background_log_writer, "URGENT_LINES", 1)
    stream = Gate()
    writer = BackgroundLogWriter(stream)
    writer.add(b"first\n", is_urgent=True)
    assert stream.is_entered.wait(SECONDS), "the thread waits for the stream"
    for number in range(5):
        writer.add(b"%d\n" % number)
    writer.add(b"urgent\n", is_urgent=True)
    writer.add(b"urgent too\n", is_urgent=True)
    assert writer.status() == {"waiting": 4, "dropped": 3}
    stream.opened.set()
    writer.flush()
    assert stream.getvalue() == b"first\n0\n1\n2\nurgent\n"


def test_flush_does_not_wait_for_a_stream_that_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_log_writer, "LAST_SECONDS", 0.01)
    stream = Gate()
    writer = BackgroundLogWriter(stream)
    writer.add(b"first\n", is_urgent=True)
    assert stream.is_entered.wait(SECONDS)
    writer.add(b"second\n")
    writer.flush()
    assert writer.status() == {"waiting": 1, "dropped": 0}
    stream.opened.set()


def test_lines_for_a_closed_stream_are_counted() -> None:
    stream = io.BytesIO()
    stream.close()
    writer = BackgroundLogWriter(stream)
    writer.add(b"line\n")
    writer.flush()
    assert writer.status() == {"waiting": 0, "dropped": 1}


def test_the_handler_formats_records_and_flushes() -> None:
    stream = io.BytesIO()
    handler = BackgroundLogHandler(BackgroundLogWriter(stream))
    handler.emit(logging.LogRecord("name", logging.INFO, "file", 1, "text \ud800", (), None))
    handler.flush()
    assert stream.getvalue() == b"text \\ud800\n"

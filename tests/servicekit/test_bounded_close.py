"""Writing to a client that is gone. `test_http_protocol.py` closes real connections."""

from __future__ import annotations

import asyncio
from typing import Any

from servicekit.bounded_close import ClientTransport


class Recorded:
    """The methods of a transport that a response needs; a write after closing raises, as in uvloop."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        if self.closed:
            raise RuntimeError("the handler is closed")
        self.written.append(data)

    def close(self) -> None:
        self.closed = True

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.closed


async def test_writes_to_a_closed_transport_are_discarded() -> None:
    transport: Any = Recorded()
    connection = ClientTransport(transport, asyncio.get_running_loop(), 1.0, lambda: False)
    connection.write(b"before")
    connection.close()
    connection.write(b"after")
    assert transport.written == [b"before"]
    assert connection.is_closing()

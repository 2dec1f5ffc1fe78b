"""A DNS server in which every name has the address 127.0.0.1."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from dns import message, rdatatype, rrset  # dnspython, which PyMongo needs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

# The length of a message is written before it (RFC 1035 §4.2.2).
_LENGTH_BYTES: Final = 2
_LIFETIME: Final = 60  # seconds, of each record


async def _respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            length = int.from_bytes(await reader.readexactly(_LENGTH_BYTES), "big")
            response = message.make_response(message.from_wire(await reader.readexactly(length)))
            for question in response.question:
                if question.rdtype == rdatatype.A:
                    response.answer.append(rrset.from_text(question.name, _LIFETIME, "IN", "A", "127.0.0.1"))
            wire = response.to_wire()
            writer.write(len(wire).to_bytes(_LENGTH_BYTES, "big") + wire)
            await writer.drain()
    except asyncio.IncompleteReadError:  # the client has no more questions
        writer.close()


@asynccontextmanager
async def name_server() -> AsyncIterator[str]:
    """Serve DNS over TCP while the block runs. Yields the address, such as 127.0.0.1:53."""
    server = await asyncio.start_server(_respond, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"{host}:{port}"

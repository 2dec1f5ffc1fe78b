"""A small HTTP proxy, which tests run as a process: `python small_proxy.py [user:password]`.

It prints its port, and then the first line of each connection. It forwards `CONNECT`, and requests with an absolute
URL. It responds 407 to requests without the credentials of its command line.
"""

from __future__ import annotations

import asyncio
import base64
import sys
from urllib.parse import urlsplit


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass  # one side is gone, so nothing more can be copied
    finally:
        writer.close()


def status(code: str) -> bytes:
    return f"HTTP/1.1 {code}\r\ncontent-length: 0\r\n\r\n".encode()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, authorization: str | None) -> None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        writer.close()
        return
    start_line, *lines = head.rstrip("\r\n").split("\r\n")
    print(start_line, flush=True)  # noqa: T201  (the test reads it)
    headers = dict(line.split(": ", 1) for line in lines)
    method, target, _ = start_line.split(" ")
    if authorization is not None and headers.pop("proxy-authorization", None) != authorization:
        writer.write(status("407 Proxy Authentication Required"))
        writer.close()
        return
    url = urlsplit(target if method != "CONNECT" else f"//{target}")
    try:
        server_reader, server_writer = await asyncio.open_connection(url.hostname, url.port)
    except OSError:
        writer.write(status("502 Bad Gateway"))
        writer.close()
        return
    if method == "CONNECT":
        writer.write(status("200 Connection established"))
    else:
        own = [f"{method} {url.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        server_writer.write("\r\n".join(own).encode("latin-1"))
    await asyncio.gather(copy(reader, server_writer), copy(server_reader, writer))


async def main(credentials: str | None) -> None:
    authorization = None if credentials is None else f"Basic {base64.b64encode(credentials.encode()).decode()}"
    server = await asyncio.start_server(lambda reader, writer: serve(reader, writer, authorization), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201  (the test reads it)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else None))

"""One HTTP request to a server on this machine, on a connection of its own."""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

SECONDS: Final = 60.0


class Reply(NamedTuple):
    """The status and the body of a response."""

    status: int
    body: bytes


def send(port: int, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Reply:
    """POST the body as JSON with these `headers`, or GET without one.

    Raises:
        OSError: the server cannot be reached, or does not answer within a minute.
    """
    connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    sent = {"content-type": "application/json", "accept": "application/json", **(headers or {})}
    try:
        connection.request("GET" if body is None else "POST", path, body, sent)
        response = connection.getresponse()
        return Reply(response.status, response.read())
    except HTTPException as error:
        raise OSError(f"no valid response: {error!r}") from error
    finally:
        connection.close()

"""A request and its head, as the server passes them to a direct handler, and the whole response to a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    from servicekit.asgi import Receive, Scope, Send

Address: TypeAlias = "tuple[str, int] | None"


class ConnectionFacts(msgspec.Struct, frozen=True):
    """What the server knows about a connection. The attributes have the meaning of the keys of an ASGI scope.

    `extensions` is a mapping for the key `extensions`; it is empty if the connection has none.
    """

    client: Address
    server: Address
    scheme: str
    extensions: Mapping[str, Mapping[str, object]]


class RequestHead:
    """The head of a request, which was read and checked. Several requests of a connection can share it.

    Attributes:
        method: the method, in upper case.
        path: the decoded path.
        raw_path: the path as the client sent it.
        query_string: the part after the question mark.
        fields: the headers, as in an ASGI scope.
        http_version: `1.0` or `1.1`.
        keep_alive: whether the connection can be used for another request.
        expects_continue: whether the client waits for `100 Continue` before it sends the body.
        content_length: the length of the body; 0 without a body, None for a chunked body.
        connection: what the server knows about the connection.
        facts: what a direct handler has found out about this head. The handler sets it, and reads it when the client
            sends the same head again.
    """

    __slots__ = (
        "connection",
        "content_length",
        "expects_continue",
        "facts",
        "fields",
        "http_version",
        "keep_alive",
        "method",
        "path",
        "query_string",
        "raw_path",
    )

    def __init__(self, method: str, fields: list[tuple[bytes, bytes]], connection: ConnectionFacts) -> None:
        self.method = method
        self.fields = fields
        self.connection = connection
        self.path = ""
        self.raw_path = self.query_string = b""
        self.http_version = "1.1"
        self.keep_alive = True
        self.expects_continue = False
        self.content_length: int | None = 0
        self.facts: object = None

    def scope(self, state: dict[str, Any]) -> Scope:
        """Return a new ASGI scope with this `state`."""
        facts = self.connection
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": self.http_version,
            "server": facts.server,
            "client": facts.client,
            "scheme": facts.scheme,
            "method": self.method,
            "root_path": "",
            "path": self.path,
            "raw_path": self.raw_path,
            "query_string": self.query_string,
            "headers": list(self.fields),
            "state": state,
        }
        if facts.extensions:
            scope["extensions"] = dict(facts.extensions)
        return scope


class WholeRequest(Protocol):
    """A request that has arrived completely.

    Attributes:
        head: the head.
        body: the whole body.
        disconnected: whether the client has closed its connection. The server then also cancels the coroutine.
    """

    head: RequestHead
    disconnected: bool

    @property
    def body(self) -> bytes:
        """The whole body."""

    @property
    def seconds_waited(self) -> float:
        """How long the request has waited for its start."""


class WholeResponse(msgspec.Struct, frozen=True):
    """A whole response.

    Attributes:
        status: the HTTP status.
        head: the header lines with `content-length`, each with its line end, and without the empty line at the end. No
            header concerns the connection.
        body: the body.
        closes: whether the connection is closed after the response.
    """

    status: int
    head: bytes
    body: bytes
    closes: bool = False


WriteResponse: TypeAlias = "Callable[[Send], Awaitable[None]]"
"""Writes a response with the `send` of ASGI, for example in several parts."""


DirectWork: TypeAlias = "Coroutine[Any, Any, WholeResponse | WriteResponse]"
"""Responds to a request. It runs in a task of its own, which the server cancels when the client disconnects, and when
the process stops."""

DirectHandler: TypeAlias = "Callable[[WholeRequest], DirectWork | None]"
"""Returns a coroutine that responds to a request, or None if the ASGI application must respond."""


class DirectApplication(Protocol):
    """An application that responds to some requests without the messages of ASGI."""

    def direct(self, request: WholeRequest) -> DirectWork | None:
        """See `DirectHandler`."""

    async def refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to a request that was cancelled because the process stops (ASGI)."""

"""The limits of a client's connection; `servicekit.http_protocol` applies them."""

from __future__ import annotations

import msgspec

# How many requests may wait for the response to an earlier request on the same connection.
MAX_PIPELINED = 16
# How many bytes of a body are read and discarded after the response was sent. A client that sends more than this is
# probably not reading the response.
MAX_DISCARDED = 1_048_576


class ConnectionLimits(msgspec.Struct, frozen=True):
    """The limits of one connection.

    Attributes:
        head_seconds: how long a client may take to send the head of a request. For the first request, the time begins
            when the connection is opened. For a later request, it begins with the first byte. A phone with a bad
            connection needs much less than 30 s.
        request_seconds: time from the first byte of a request to the end of its body.
        head_bytes: size of request line and headers; 64 KiB, as in other servers. Trailers and chunk extensions of one
            request have the same limit.
        head_fields: number of header lines. The trailer lines have the same limit.
        keep_alive_seconds: how long an idle connection stays open, and how long a client may leave a response unread.
            Common clients close idle connections after 5 to 60 s. The default is longer, so the client closes first,
            and no request arrives while the server closes the connection.
        keep_alive_requests: after how many requests the connection is closed; None for no limit.
        max_connections: how many connections the process may have. If the limit of open files is lower, fewer are
            allowed.
    """

    head_seconds: float = 30.0
    request_seconds: float = 60.0
    head_bytes: int = 65_536
    head_fields: int = 100
    keep_alive_seconds: float = 75.0
    keep_alive_requests: int | None = None
    max_connections: int = 1_000

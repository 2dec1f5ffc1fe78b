"""Reads requests strictly: an ambiguous request is refused, trailers are dropped, and fields are counted.

A field of a trailer must not act as a header (RFC 9110 §6.5.1), but the parser reports both in the same way.

A server with WebSockets changes to this protocol if the request is a GET without a body and no other request of the
connection is being processed. Otherwise, the server ignores the header `Upgrade` (RFC 9110 §7.8). But the parser does
not ignore it: after such a head, the parser expects another protocol and does not read the body of the request. So a
new parser reads the body. Without a head, the new parser would read the body as the next request, and a client could
hide a request in a body (request smuggling). So the new parser first gets a head that announces the body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from servicekit.http_head import Fields, HeadRefused, check_fields, parse_target, with_authority
from servicekit.http_limits import MAX_PIPELINED
from servicekit.message_reading import BAD_REQUEST, MessageReading

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


class StrictRequests(MessageReading["RequestResponseCycle"], HttpToolsProtocol):
    """The callbacks of the HTTP parser. The subclass decides what happens when a request begins, ends or is refused."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._is_creating_cycle = False  # true while uvicorn processes a head that is complete
        self._is_upgrading = False
        self._begin_reading()

    # The subclass implements the following methods.

    def _begin_message(self, cycle: RequestResponseCycle) -> None:
        """Called when the head of a request is complete, before its body is read. `cycle` processes the request."""
        raise NotImplementedError

    def _end_message(self) -> None:
        """Called when the body of a request is complete. A request without a body is complete after its head."""
        raise NotImplementedError

    def _parse(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            rest = data[upgrade.args[0] :]
            if self._is_upgrading:
                self._upgrade(rest)
            else:
                self._continue_without_upgrade(rest)
        except httptools.HttpParserError:
            self.refuse(*(self._refusal or (BAD_REQUEST, "the request is not HTTP/1.1")))

    def _upgrade(self, rest: bytes) -> None:
        """Let the protocol of WebSockets serve the connection. `rest` was received after the head of the request."""
        self._end_message()
        self.handle_websocket_upgrade()
        if rest:
            self.transport.get_protocol().data_received(rest)  # type: ignore[attr-defined]  # a protocol of uvicorn

    def _continue_without_upgrade(self, rest: bytes) -> None:
        if self._received is not None:  # the head announced a body, which the parser has skipped
            self.parser = httptools.HttpRequestParser(self)
            self._is_replaying_head = True
            self.parser.feed_data(self._replayed_head())
            self._is_replaying_head = False
        if rest:
            self._parse(rest)

    # The parser calls the following methods.

    def on_message_begin(self) -> None:
        if not self._is_replaying_head:
            self._head_begun = True
            super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        if not self._is_replaying_head:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_replaying_head:
            return
        self._count_field(name, value)
        if self._in_head:  # a field outside the head is a trailer, which is dropped
            super().on_header(name, value.strip(b" \t"))

    def on_headers_complete(self) -> None:
        if self._is_replaying_head:
            return
        self._check_head_size(self.url)
        self._check_head()
        self._is_creating_cycle = True
        super().on_headers_complete()
        self._is_creating_cycle = False
        if self._is_upgrading:
            return
        self._in_head, self._received = False, self.cycle
        self._field_count = self._field_size = 0
        self._framing.begin()
        self._begin_message(self.cycle)

    def _check_head(self) -> None:
        fields: Fields = self.headers
        version, method = self.parser.get_http_version(), self.parser.get_method().decode("ascii")
        try:
            if len(self.pipeline) >= MAX_PIPELINED:
                raise HeadRefused("too many requests wait on this connection")
            target = parse_target(method, self.url)
            self._framing_line = check_fields(version, fields)
        except HeadRefused as error:
            self._refusal = BAD_REQUEST, str(error)
            raise
        self.url = target.path_and_query
        if target.authority is not None:
            with_authority(fields, target.authority)

    def _should_upgrade(self) -> bool:
        """Called by uvicorn if the head has the headers `Connection: upgrade` and `Upgrade`."""
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request
        is_idle = not self.pipeline and (cycle is None or cycle.response_complete)
        has_body = bool(self._framing_line)
        self._is_upgrading = (
            is_idle and not has_body and self.parser.get_method() == b"GET" and super()._should_upgrade()
        )
        return self._is_upgrading

    def on_body(self, body: bytes) -> None:
        self._framing.content(len(body))
        if self.cycle.response_complete:
            self._discard(len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._is_replaying_head or (self._framing_line and self.parser.should_upgrade()):
            return
        if self._is_upgrading:
            return
        super().on_message_complete()
        self._end_message()
        # The read that contains the end of this message may also contain the beginning of the next head. Those bytes
        # are not counted in the size of the next head. They are fewer than one read.
        self._expect_head()

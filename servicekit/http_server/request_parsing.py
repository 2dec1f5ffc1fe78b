"""Reads requests strictly: an ambiguous request is refused, trailers are dropped, and fields are counted.

The rules are those of `servicekit.http_requests`, which explains them.

Most clients send the same head again and again on a connection. If a read of the socket begins with the bytes of the
previous head, and has exactly one request, the parser is not needed: the same bytes mean the same head.
"""

from __future__ import annotations

import asyncio
import urllib.parse
from typing import TYPE_CHECKING

import httptools

from servicekit.http_head import Fields, HeadRefused, check_fields, parse_target, with_authority
from servicekit.http_server.messages import RequestHead
from servicekit.message_reading import BAD_REQUEST, MessageReading

if TYPE_CHECKING:
    from servicekit.http_server.exchange import Exchange
    from servicekit.http_server.messages import ConnectionFacts

# A longer head is parsed each time. The bytes of the last head stay in memory as long as the connection is open.
_LONGEST_KNOWN_HEAD = 4_096
_END_OF_HEAD = b"\r\n\r\n"


class RequestParsing(MessageReading["Exchange"], asyncio.Protocol):
    """The callbacks of the HTTP parser. The subclass decides what happens when a request begins, ends or is refused."""

    _facts: ConnectionFacts  # the subclass sets it when the connection is made

    def __init__(self) -> None:
        self._parser = _new_parser(self)
        self._known_head = b""
        self._known: RequestHead | None = None
        self._known_size = 0  # of the request with the known head
        self._url = b""
        self._fields: Fields = []
        self._expects_continue = False
        self._begin_reading()

    # The subclass implements the following methods.

    def _begin_message(self, head: RequestHead) -> Exchange:
        """Called when the head of a request is complete, before its body is read."""
        raise NotImplementedError

    def _end_message(self, exchange: Exchange) -> None:
        """Called when the body of a request is complete. A request without a body is complete after its head."""
        raise NotImplementedError

    def _has_room_for_request(self) -> bool:
        """Return whether one more request may wait on this connection."""
        raise NotImplementedError

    def _is_between_requests(self) -> bool:
        """Return whether nothing of the next request has arrived."""
        return self._in_head and self._began is None and not self._head_begun

    def _is_known(self, data: bytes) -> bool:
        """Return whether `data` is one whole request with the same head as the request before."""
        return len(data) == self._known_size and self._is_between_requests() and data.startswith(self._known_head)

    def _receive_known(self, data: bytes) -> None:
        head = self._known
        if head is None or not self._has_room_for_request():
            self._parse(data)
            return
        exchange = self._begin_message(head)
        exchange.receive_body(data[len(self._known_head) :])
        self._end_message(exchange)

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._continue_without_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self.refuse(*(self._refusal or (BAD_REQUEST, "the request is not HTTP/1.1")))

    def _remember_head(self, data: bytes, head: RequestHead) -> None:
        """Remember the bytes of `head`, if `data` is exactly one request with this head."""
        if not self._is_between_requests() or head.content_length is None or not head.keep_alive:
            return
        size = len(data) - head.content_length
        if not 0 < size <= _LONGEST_KNOWN_HEAD or data.find(_END_OF_HEAD) != size - len(_END_OF_HEAD):
            return
        if head.expects_continue or self._parser.should_upgrade():
            return
        self._known, self._known_head, self._known_size = head, data[:size], len(data)

    def _continue_without_upgrade(self, rest: bytes) -> None:
        if self._received is not None:  # the head announced a body, which the parser has skipped
            self._parser = _new_parser(self)
            self._is_replaying_head = True
            self._parser.feed_data(self._replayed_head())
            self._is_replaying_head = False
        if rest:
            self._parse(rest)

    # The parser calls the following methods.

    def on_message_begin(self) -> None:
        if not self._is_replaying_head:
            self._head_begun = True
            self._url, self._fields, self._expects_continue = b"", [], False

    def on_url(self, url: bytes) -> None:
        if not self._is_replaying_head:
            self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_replaying_head:
            return
        self._count_field(name, value)
        if self._in_head:  # a field outside the head is a trailer, which is dropped
            name, value = name.lower(), value.strip(b" \t")
            if name == b"expect" and value.lower() == b"100-continue":
                self._expects_continue = True
            self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        if self._is_replaying_head:
            return
        self._check_head_size(self._url)
        head = self._checked_head()
        self._in_head = False
        self._field_count = self._field_size = 0
        self._framing.begin()
        self._received = self._begin_message(head)

    def _checked_head(self) -> RequestHead:
        parser, fields = self._parser, self._fields
        version, method = parser.get_http_version(), parser.get_method().decode("ascii")
        try:
            if not self._has_room_for_request():
                raise HeadRefused("too many requests wait on this connection")
            target = parse_target(method, self._url)
            self._framing_line = line = check_fields(version, fields)
        except HeadRefused as error:
            self._refusal = BAD_REQUEST, str(error)
            raise
        if target.authority is not None:
            with_authority(fields, target.authority)
        head = RequestHead(method, fields, self._facts)
        url = httptools.parse_url(target.path_and_query)
        head.raw_path, head.query_string = url.path, url.query or b""
        path = head.raw_path.decode("ascii")
        head.path = urllib.parse.unquote(path) if "%" in path else path
        head.http_version = version
        head.keep_alive = version == "1.1" and parser.should_keep_alive()
        # HTTP/1.0 clients do not know `100 Continue` (RFC 9110 §10.1.1).
        head.expects_continue = self._expects_continue and version == "1.1"
        if line:
            head.content_length = int(line[len(b"content-length: ") :]) if line.startswith(b"c") else None
        return head

    def on_body(self, body: bytes) -> None:
        self._framing.content(len(body))
        exchange = self._received
        if exchange is None:
            return
        if exchange.response_complete:
            self._discard(len(body))
        else:
            exchange.receive_body(body)

    def on_message_complete(self) -> None:
        if self._is_replaying_head or (self._framing_line and self._parser.should_upgrade()):
            return
        exchange = self._received
        if exchange is not None:
            self._end_message(exchange)
        # The read that contains the end of this message may also contain the beginning of the next head. Those bytes
        # are not counted in the size of the next head. They are fewer than one read.
        self._expect_head()


def _new_parser(protocol: RequestParsing) -> httptools.HttpRequestParser:
    parser = httptools.HttpRequestParser(protocol)
    # After `Connection: close`, further bytes are ignored. Without this, the parser would report them as an error, and
    # the request before them would not get its response.
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser

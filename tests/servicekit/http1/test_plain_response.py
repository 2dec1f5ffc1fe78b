"""`servicekit.http1.plain_response`: whatever it reads, llhttp reads in the same way; what is unusual, it leaves."""

from __future__ import annotations

import httptools
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from servicekit.http1.plain_response import read_plain_response

BODY = b'{"data":{}}'
HEAD = b"HTTP/1.1 200 OK\r\n"


class Parsed:
    """What llhttp finds in a response."""

    def __init__(self, data: bytes) -> None:
        self.headers: list[tuple[str, str]] = []
        self.body, self.complete, self.begun = b"", 0, 0
        self.parser = httptools.HttpResponseParser(self)
        self.parser.feed_data(data)

    def on_message_begin(self) -> None:
        self.begun += 1

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        assert self.parser.should_keep_alive()
        assert self.parser.get_status_code() == 200
        self.complete += 1


def test_a_plain_response_is_read() -> None:
    data = HEAD + b"Content-Type: application/json\r\nX-Request-Id: a b\r\ncontent-length: 11\r\n\r\n" + BODY
    headers = {"content-type": "application/json", "x-request-id": "a b", "content-length": "11"}
    assert read_plain_response(data) == (headers, BODY)
    assert read_plain_response(data) == (headers, BODY)


def test_the_headers_of_two_responses_are_separate_objects() -> None:
    data = HEAD + b"server: x\r\ncontent-length: 11\r\n\r\n" + BODY
    first, second = read_plain_response(data), read_plain_response(data)
    assert first is not None
    assert second is not None
    assert first[0] is not second[0]


@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"content-length: 11\r\n\r\n" + BODY[:-1],
        HEAD + b"content-length: 11\r\n\r\n" + BODY + b"x",
        HEAD + b"content-length: 11\r\ncontent-length: 11\r\n\r\n" + BODY,
        HEAD + b"content-length: 011\r\n\r\n" + BODY,
        HEAD + b"content-length: +11\r\n\r\n" + BODY,
        HEAD + b"content-length:11\r\n\r\n" + BODY,
        HEAD + b"content-length : 11\r\n\r\n" + BODY,
        HEAD + b"x: 1\r\n folded\r\ncontent-length: 11\r\n\r\n" + BODY,
        HEAD + b"x: 1\ncontent-length: 11\r\n\r\n" + BODY,
        HEAD + b"x: \xe9\r\ncontent-length: 11\r\n\r\n" + BODY,
        HEAD + b"x: a\0b\r\ncontent-length: 11\r\n\r\n" + BODY,
        HEAD + b"set-cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 11\r\n\r\n" + BODY,
        HEAD + b"transfer-encoding: chunked\r\ncontent-length: 11\r\n\r\n" + BODY,
        HEAD + b"connection: close\r\ncontent-length: 11\r\n\r\n" + BODY,
        HEAD + b"connection: upgrade\r\nupgrade: websocket\r\ncontent-length: 11\r\n\r\n" + BODY,
        HEAD + b"\r\n" + BODY,
        b"HTTP/1.0 200 OK\r\ncontent-length: 11\r\n\r\n" + BODY,
        b"HTTP/1.1 204 No Content\r\ncontent-length: 11\r\n\r\n" + BODY,
        b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n" + BODY,
        HEAD + b"x: " + b"y" * 5000 + b"\r\ncontent-length: 11\r\n\r\n" + BODY,
        b"",
        b"\r\n\r\n",
    ],
)
def test_other_responses_are_left_to_llhttp(data: bytes) -> None:
    assert read_plain_response(data) is None


NAMES = st.sampled_from(
    [b"content-length", b"Content-Length", b"connection", b"transfer-encoding", b"x", b"upgrade", b"trailer", b"te"]
)
VALUES = st.one_of(
    st.sampled_from([b"11", b"0", b"1", b"close", b"Keep-Alive", b"keep-alive, x", b"chunked", b"identity", b"a, b"]),
    st.binary(max_size=6),
)
LINES = st.tuples(NAMES, st.sampled_from([b": ", b":", b" : ", b":\t", b""]), VALUES).map(b"".join)
ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\n "])


@given(
    st.sampled_from([HEAD, HEAD, HEAD, b"HTTP/1.1 200 ok\r\n", b"HTTP/1.1 304 OK\r\n", b"HTTP/1.0 200 OK\r\n"]),
    st.lists(st.tuples(LINES, ENDS).map(b"".join), max_size=4),
    st.sampled_from([b"", b"content-length: 11\r\n", b"content-length: 0\r\n"]),
    st.sampled_from([b"", BODY, BODY + b"\r\n", b"\r\n" + BODY, b"0\r\n\r\n"]),
)
@example(HEAD, [b"connection: Keep-Alive\r\n"], b"content-length: 11\r\n", BODY)
def test_what_it_reads_llhttp_reads_in_the_same_way(
    status: bytes, lines: list[bytes], length: bytes, body: bytes
) -> None:
    data = status + b"".join(lines) + length + b"\r\n" + body
    found = read_plain_response(data)
    if found is not None:
        parsed = Parsed(data)
        assert (parsed.begun, parsed.complete) == (1, 1)
        assert (dict(parsed.headers), parsed.body) == found
        assert len(parsed.headers) == len(found[0])

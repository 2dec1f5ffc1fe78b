"""Hostile HTTP from a seed: requests that break the grammar, or that two servers would read in two ways."""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

GRAPHQL_BODY = b'{"query":"{__typename}"}'
# If a server takes a part of a body for a request, the response and the log have this id.
SMUGGLED = "smuggled."
_HIDDEN = b"GET /graphql?query=%%7B__typename%%7D HTTP/1.1\r\nhost: x\r\nx-request-id: smuggled.%d\r\n\r\n"

_METHODS = (b"GET", b"POST", b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"TRACE", b"CONNECT", b"PRI", b"get", b"BREW", b"")
_TARGETS = (
    *(b"*", b"x:80", b"http://x/graphql", b"http://x", b"http://u@x/", b"ftp://x/", b"//graphql", b"/graphql#a", b""),
    *(b"/graphql/../x", b"/%00", b"/%0d%0aforged", b"/\xc3\xa9", b"/" + b"a" * 40_000, b"/graphql?" + b"q=1&" * 3_000),
    *(b"graphql", b"/a b", b"/ann@example.com", b"http://[::1/", b"/health/ready"),
)
_VERSIONS = (
    b"HTTP/1.0",
    b"HTTP/2.0",
    b"HTTP/0.9",
    b"HTTP/1.2",
    b"HTTP/11",
    b"http/1.1",
    b"RTSP/1.0",
    b"",
    b"HTTP/1.1 ",
)
_HOSTS = (b"", b"a b", b"x/y", b"u@x", b"x:y", b"[::1", b"\xc3\xa9", b"x, y", b"http://x", b"x:99999999", b"a\tb")
_NAMES = (
    *(b"authorization", b"idempotency-key", b"content-type", b"accept", b"accept-encoding", b"accept-language"),
    *(b"cookie", b"origin", b"x-request-id", b"traceparent", b"x-request-timeout-ms", b"x-forwarded-for", b"forwarded"),
    *(b"if-match", b"if-none-match", b"range", b"apollographql-client-name", b"apollo-require-preflight", b"referer"),
    *(b"content-encoding", b"user-agent", b"prefer", b"access-control-request-method", b"date", b"from", b"via", b"te"),
    *(b"x-" + b"n" * 500, b"expect", b"upgrade", b"connection", b"content-length", b"transfer-encoding", b"trailer"),
)
_VALUES = (
    *(
        b"",
        b" ",
        b"\xc3\xa9",
        b"\xff\xfe",
        b"Bearer \xc3\xa9",
        b"Bearer \xff",
        b"Bearer a.b.c",
        b"Bearer",
        b"a" * 9_000,
    ),
    *(b"*/*;q=\xb9", b"q=;,;=", b'"', b'W/"', b"-1", b"9" * 400, b"1e999", b"0x10", b"100-continue", b"200-ok", b"h2c"),
    *(
        b"upgrade",
        b"close, close",
        b"websocket",
        b"chunked",
        b"gzip",
        b"identity",
        b"a\x7f",
        b"a\x00b",
        b"a\rb",
        b"a\nb",
    ),
    *(b"," * 5_000, b"\t", b"text/html", b"application/json; charset=\xff", b"multipart/form-data", b"::1", b"1" * 30),
)
_SIZES = (
    b"-1",
    b"+1",
    b"0x1",
    b"1 ",
    b" 1",
    b"",
    b"g",
    b"f" * 17,
    b"1;",
    b"1;a=" + b"b" * 300,
    b'1;a="',
    b"1\t",
    b"1\x00",
)
_TRAILERS = (
    *(
        b"authorization: Bearer a.b.c\r\n",
        b"idempotency-key: k\r\n",
        b"content-length: 5\r\n",
        b"x: y\r\n" * 500,
        b": y\r\n",
    ),
    *(b"transfer-encoding: chunked\r\n", b"host: y\r\n", b"x: " + b"y" * 90_000 + b"\r\n", b"x y\r\n", b"\xff: a\r\n"),
)
_NOT_HTTP = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    b"\r\n" * 40_000,
    b"\x00" * 100,
    b"GET /\r\n\r\n",
    b"a" * 100_000,
    b"SSH-2.0-x\r\n",
)


@dataclass(frozen=True)
class Case:
    """`parts` are sent one after the other. `closes` is how the client ends: whole, half or at once."""

    kind: str
    parts: tuple[bytes, ...]
    closes: str

    @property
    def sent(self) -> bytes:
        return b"".join(self.parts)


class HostileRequests:
    """Draws cases for one port. It serves `paths`; `token` is the valid value of an `Authorization` header."""

    def __init__(self, random: random.Random, paths: Sequence[bytes], token: bytes) -> None:
        self._random = random
        self._paths = paths
        self._token = token
        self._number = 0
        self._kinds: dict[str, Callable[[], bytes]] = {
            "ambiguous framing": self._ambiguous,
            "line": self._line,
            "fields": self._fields,
            "chunks": self._chunks,
            "pipeline": self._pipeline,
            "mutation": self._mutation,
            "body": self._body,
            "not HTTP": lambda: random.choice(_NOT_HTTP),
        }

    @property
    def _path(self) -> bytes:
        return self._random.choice(self._paths)

    def draw(self) -> Case:
        """One case."""
        self._number += 1
        kind = self._random.choice(list(self._kinds))
        sent = self._kinds[kind]()
        if self._random.random() < 0.1:
            sent = sent[: self._random.randrange(len(sent) + 1)]
        return Case(kind, self._split(sent), self._random.choice(("whole", "whole", "half", "at once")))

    def _good(self, *lines: bytes, line: bytes | None = None, host: bytes = b"host: x") -> bytes:
        first = line or self._random.choice((b"POST ", b"POST ", b"GET ")) + self._path + b" HTTP/1.1"
        framing = b"content-type: application/json\r\ncontent-length: %d" % len(GRAPHQL_BODY)
        return b"\r\n".join((first, host, *lines, framing, b"", GRAPHQL_BODY))

    def _ambiguous(self) -> bytes:
        """A body with a hidden request, in a framing that must be refused, or read as the body."""
        hidden = _HIDDEN % self._number
        length = b"content-length: %d" % len(hidden)
        chunked, chunk = b"transfer-encoding: chunked", b"%x\r\n%s\r\n0\r\n\r\n" % (len(hidden), hidden)
        upgrade = b"connection: upgrade\r\nupgrade: " + self._random.choice((b"h2c", b"websocket", b"\xff"))
        framings = (
            (length + b"\r\n" + chunked, b"0\r\n\r\n" + hidden),
            (chunked + b"\r\n" + length, b"0\r\n\r\n" + hidden),
            (length + b"\r\ncontent-length: 0", hidden),
            (b"content-length: 0\r\n" + length, hidden),
            (b"content-length: 0, %d" % len(hidden), hidden),
            (length.replace(b": ", b" : "), hidden),
            (length.replace(b": ", b": +"), hidden),
            (b"a: b\r\n " + length, hidden),
            (b"a: b\n" + length, hidden),
            (b"a: b\0\r\n" + length, hidden),
            (b"transfer-encoding: xchunked", hidden),
            (b"transfer-encoding: gzip, chunked", chunk),
            (b"transfer-encoding:\x0bchunked", chunk),
            (chunked + b"\r\n" + chunked, chunk),
            (chunked, b"%x\n%s\n0\n\n" % (len(hidden), hidden)),
            (chunked, b"-%x\r\n%s\r\n0\r\n\r\n" % (len(hidden), hidden)),
            (chunked, b'%x;a="\r\n%s\r\n0\r\n\r\n' % (len(hidden), hidden)),
            (chunked, b"ffffffffffffffff%x\r\n%s" % (len(hidden), hidden)),
            (chunked, chunk),
            (length, hidden),
            (upgrade + b"\r\n" + length, hidden),
            (upgrade + b"\r\n" + chunked, chunk),
            (b"expect: 100-continue\r\n" + length, hidden),
        )
        headers, body = self._random.choice(framings)
        version = self._random.choice((b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0"))
        line = self._random.choice((b"POST ", b"GET ", b"OPTIONS ", b"DELETE ")) + self._path + b" " + version
        return b"\r\n".join((line, b"host: x", b"content-type: application/json", headers, b"", body))

    def _line(self) -> bytes:
        choose = self._random.choice
        method = choose(_METHODS) if self._random.random() < 0.5 else b"POST"
        target = choose(_TARGETS) if self._random.random() < 0.5 else self._path
        version = choose(_VERSIONS) if self._random.random() < 0.5 else b"HTTP/1.1"
        return self._good(line=method + b" " + target + b" " + version)

    def _fields(self) -> bytes:
        choose = self._random.choice
        lines = [choose(_NAMES) + b": " + choose(_VALUES) for _ in range(choose((1, 1, 2, 3, 150)))]
        if self._random.random() < 0.2:
            lines += [lines[0]] * choose((1, 500))
        if self._random.random() < 0.4:
            lines.append(b"authorization: " + self._token)
        host = b"host: " + choose(_HOSTS) if self._random.random() < 0.3 else b"host: x"
        return self._good(*lines, host=choose((host, host, host, host + b"\r\n" + host, b"a: b")))

    def _chunks(self) -> bytes:
        choose = self._random.choice
        good = b"%x\r\n%s\r\n" % (len(GRAPHQL_BODY), GRAPHQL_BODY)
        body = choose(
            (good, good, b"1\r\n{\r\n" * 50, choose(_SIZES) + b"\r\na\r\n", good[:-2], b"1;x\r\n{\r\n" * 3_000)
        )
        end = choose(
            (b"0\r\n\r\n", b"0\r\n" + choose(_TRAILERS) + b"\r\n", b"0\r\n" + choose(_TRAILERS), b"0;a=b\r\n\r\n", b"")
        )
        line = b"POST " + self._path + b" HTTP/1.1"
        head = (line, b"host: x", b"content-type: application/json", b"transfer-encoding: chunked", b"", b"")
        return b"\r\n".join(head) + body + end

    def _pipeline(self) -> bytes:
        requests = [self._good()] * self._random.choice((2, 5, 30))
        return b"".join(requests) + self._random.choice((b"", b"GET", self._line(), self._random.choice(_NOT_HTTP)))

    def _mutation(self) -> bytes:
        changed = bytearray(self._random.choice((self._good(), self._good(self._random.choice(_NAMES) + b": 1"))))
        for _ in range(self._random.randint(1, 5)):
            at = self._random.randrange(len(changed))
            changed[at : at + self._random.randint(0, 3)] = self._random.randbytes(self._random.randint(0, 3))
        return bytes(changed)

    def _body(self) -> bytes:
        choose, random = self._random.choice, self._random
        body = choose(
            (
                gzip.compress(GRAPHQL_BODY),
                b"[" * 5_000,
                b'{"query":' * 1_000,
                random.randbytes(200),
                b"",
                b'{"query":"\xff"}',
                b'{"query":"\\ud800"}',
                b'{"query":1e999}',
                b"[%s]" % GRAPHQL_BODY,
            )
        )
        lines = [
            b"POST " + self._path + b" HTTP/1.1",
            b"host: x",
            b"content-type: "
            + choose((b"application/json", b"text/plain", b"application/json; charset=utf-16", b"\xff")),
            b"content-length: %d" % choose((len(body), len(body), len(body) + 5, 10**15, 2**64 - 1)),
        ]
        if random.random() < 0.4:
            lines.append(b"content-encoding: " + choose((b"gzip", b"br", b"identity", b"gzip, gzip", b"\xff")))
        return b"\r\n".join([*lines, b"", body])

    def _split(self, sent: bytes) -> tuple[bytes, ...]:
        if self._random.random() < 0.7 or len(sent) < 2:
            return (sent,)
        if len(sent) < 400 and self._random.random() < 0.2:
            return tuple(sent[index : index + 1] for index in range(len(sent)))
        cuts = sorted({0, *(self._random.randrange(len(sent)) for _ in range(4)), len(sent)})
        return tuple(sent[start:end] for start, end in pairwise(cuts))


_HEAD = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2}) [^\r\n]*\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n\0]*\r\n)*\r\n")


def statuses(received: bytes, *, may_be_cut: bool) -> list[int]:
    """The statuses of the responses in `received`. A response to HEAD has no body, whatever its length says.

    Raises:
        ValueError: `received` is not a sequence of HTTP responses. The last one may be cut if `may_be_cut`.
    """
    found = []
    while received:
        head = _HEAD.match(received)
        if head is None:
            if may_be_cut and b"\r\n\r\n" not in received:
                break
            raise ValueError(f"not a response: {received[:200]!r}")
        found.append(int(head[1]))
        received = _after_body(head[0].lower(), received[head.end() :], found[-1])
    return found


def _after_body(head: bytes, rest: bytes, status: int) -> bytes:
    if status < 200 or status in {204, 304} or rest.startswith(b"HTTP/1.1 "):
        return rest
    if b"transfer-encoding: chunked" in head:
        return rest.partition(b"0\r\n\r\n")[2]
    length = re.search(rb"\r\ncontent-length: ([0-9]+)\r\n", head)
    if length is None:
        raise ValueError("a response without a length")
    return rest[int(length[1]) :]

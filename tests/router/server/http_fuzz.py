"""Malformed requests from a seed: what is wrong with them, and how their bytes arrive."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

GOOD_BODY = b'{"query":"query Good{__typename}"}'
GOOD = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (
    len(GOOD_BODY),
    GOOD_BODY,
)
BODY_LIMIT = 20_000

_DOCUMENTS = (
    "{ me { name orders { id amount } } }",
    "query Q($n: String!) { greet(name: $n) }",
    "mutation { rename(name: 1) { id } }",
    "{ me { ...F } } fragment F on User { ...F }",
    "{ __schema { types { fields { type { fields { name } } } } } }",
    "subscription { bought { id } }",
    "{" * 300,
    "{ me @skip(if: $x) { id } } # \ud83d\ude00",
)
_VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1e308,
    10**400,
    "",
    "\x00",
    [],
    {},
    [[]],
    {"": {}},
    "\u2028",
    "x" * 5_000,
)
_METHODS = (
    "GET",
    "POST",
    "POST",
    "POST",
    "HEAD",
    "OPTIONS",
    "PUT",
    "DELETE",
    "PATCH",
    "get",
    "BREW",
    "CONNECT",
    "TRACE",
)
_PATHS = ("/graphql", "/graphql", "/graphql?query=%7B__typename%7D", "/graphql?query=%ff", "/", "/health/live")
_ODD_PATHS = ("*", "//graphql", "/graphql/../health/live", "http://x/graphql", "/%00", "/" + "a" * 9_000, "")
_HEADERS: tuple[tuple[bytes, tuple[bytes, ...]], ...] = (
    (b"content-type", (b"application/json", b"application/json; charset=utf-16", b"text/plain", b"\xff", b"", b";;;")),
    (b"accept", (b"*/*", b"application/graphql-response+json", b"text/html", b"q=;,;", b"application/json;q=nan")),
    (b"accept-encoding", (b"gzip", b"br;q=x", b"zstd, *;q=0", b"identity;q=0")),
    (b"origin", (b"null", b"https://evil", b"\xc3\xa9")),
    (b"cookie", (b"a=1", b"=;=;")),
    (b"traceparent", (b"00-" + b"0" * 32 + b"-" + b"0" * 16 + b"-01", b"ff", b"00-\x80")),
    (b"x-request-id", (b"ok", b"a b", b"x" * 300, b"\xf0\x9f")),
    (b"apollographql-client-name", (b"web", b"n" * 3_000, b"\xff\xfe")),
    (b"transfer-encoding", (b"chunked", b"gzip", b"chunked, chunked", b"identity")),
    (b"content-length", (b"0", b"5", b"-1", b"99999999999999999999", b"1, 1", b"0x10", b" ")),
    (b"expect", (b"100-continue", b"200-ok")),
    (b"connection", (b"close", b"upgrade", b"keep-alive, \x01")),
    (b"upgrade", (b"websocket", b"h2c")),
    (b"x-large", (b"y" * 70_000,)),
    (b"bad name", (b"1",)),
    (b"", (b"1",)),
)


@dataclass(frozen=True)
class Case:
    """`parts` are sent one after the other. `closes` is how the client ends: whole, half or at once."""

    parts: tuple[bytes, ...]
    closes: str

    @property
    def sent(self) -> bytes:
        return b"".join(self.parts)


def draw(random: random.Random) -> Case:
    """One case."""
    request = _request(random, _body(random))
    if random.random() < 0.3:
        request = _mutated(random, request)
    if random.random() < 0.1:
        request *= random.randint(2, 4)
    if random.random() < 0.1:
        request = request[: random.randrange(len(request) + 1)]
    return Case(_split(random, request), random.choice(("whole", "whole", "half", "at once")))


def _body(random: random.Random) -> bytes:
    def document() -> object:
        return random.choice(_DOCUMENTS) if random.random() < 0.7 else random.choice(_VALUES)

    def parameters() -> dict[str, Any]:
        names = ("query", "operationName", "variables", "extensions", "documentId", "x")
        chosen: dict[str, Any] = {name: random.choice(_VALUES) for name in names if random.random() < 0.3}
        return {"query": document(), **chosen} if random.random() < 0.8 else chosen

    kinds: tuple[Callable[[], bytes], ...] = (
        lambda: GOOD_BODY,
        lambda: json.dumps(parameters(), ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass"),
        lambda: json.dumps([parameters(), random.choice(_VALUES)]).encode(),
        lambda: json.dumps(random.choice(_VALUES)).encode(),
        lambda: b"[" * random.choice((10, 5_000)),
        lambda: b'{"query":' * random.choice((10, 1_500)),
        lambda: random.randbytes(random.randint(0, 300)),
        lambda: GOOD_BODY.replace(b"Good", b"\xff\xfe"),
        lambda: b'{"query":"' + b"a " * BODY_LIMIT + b'"}',
        lambda: b"",
    )
    return random.choice(kinds)()


def _request(random: random.Random, body: bytes) -> bytes:
    path = random.choice(_PATHS if random.random() < 0.8 else _ODD_PATHS)
    version = (
        "HTTP/1.1" if random.random() < 0.93 else random.choice(("HTTP/1.0", "HTTP/2.0", "HTTP/9", "", "http/1.1"))
    )
    lines = [f"{random.choice(_METHODS)} {path} {version}".encode()]
    lines += [b"host: x"] * random.choice((1, 1, 1, 0, 2))
    if random.random() < 0.8:
        lines.append(b"content-type: application/json")
    for name, values in random.sample(_HEADERS, random.choice((0, 0, 1, 2, 4))):
        lines.append(name + b": " + random.choice(values))
    if random.random() < 0.1:
        return b"\r\n".join([*lines, b"transfer-encoding: chunked", b"", _chunked(random, body)])
    if random.random() < 0.9:
        lines.append(b"content-length: %d" % len(body))
    return b"\r\n".join([*lines, b"", body])


def _chunked(random: random.Random, body: bytes) -> bytes:
    half = len(body) // 2
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:half], body[half:]) if part)
    return chunks + random.choice((b"0\r\n\r\n", b"0\r\n\r\n", b"zz\r\n", b"", b"0\r\nx: y\r\n\r\n"))


def _mutated(random: random.Random, request: bytes) -> bytes:
    changed = bytearray(request)
    for _ in range(random.randint(1, 4)):
        if changed:
            position = random.randrange(min(len(changed), 400))
            changed[position : position + random.randint(0, 2)] = random.randbytes(random.randint(0, 2))
    return bytes(changed)


def _split(random: random.Random, request: bytes) -> tuple[bytes, ...]:
    if random.random() < 0.7 or not request:
        return (request,)
    if len(request) < 300 and random.random() < 0.3:
        return tuple(request[index : index + 1] for index in range(len(request)))
    cuts = sorted({0, *(random.randrange(len(request)) for _ in range(4)), len(request)})
    return tuple(request[start:end] for start, end in pairwise(cuts))

"""Files over HTTP: entity tags, content codings, HEAD, conditional requests and ranges.

Covers `servicekit/static_files.py`, `servicekit/static_encoders.py` and `servicekit/byte_ranges.py`.
"""

from __future__ import annotations

import asyncio
import gzip
import sys
from typing import TYPE_CHECKING, Any

import brotli  # type: ignore[import-untyped]  # publishes no types
import pytest

from servicekit.accept import preferred_coding
from servicekit.static_files import IMMUTABLE, StaticFile

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable

    from servicekit.asgi import Message

TEXT = b"body { color: black }\n" * 100


async def send(file: StaticFile, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    sent: list[Message] = []

    async def keep(message: Message) -> None:
        sent.append(message)

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope: dict[str, Any] = {"type": "http", "method": method, "headers": raw}
    status = await file.send(scope, keep, IMMUTABLE, ((b"x-more", b"1"),))
    start, body = sent
    assert start["status"] == status
    return status, {name.decode(): value.decode() for name, value in start["headers"]}, body["body"]


async def test_a_file_has_its_headers() -> None:
    status, headers, body = await send(StaticFile(TEXT, "text/css"))
    assert (status, body) == (200, TEXT)
    assert headers["content-type"] == "text/css"
    assert headers["content-length"] == str(len(TEXT))
    assert headers["vary"] == "accept-encoding"
    assert (headers["x-more"], headers["cache-control"]) == ("1", IMMUTABLE.decode())
    assert "content-encoding" not in headers


@pytest.mark.parametrize("tags", ["{}", "W/{}", '"other", {}', "*"])
async def test_a_current_copy_is_not_sent_again(tags: str) -> None:
    file = StaticFile(TEXT, "text/css")
    status, headers, body = await send(file, if_none_match=tags.format(file.etag))
    assert (status, body, headers["etag"]) == (304, b"", file.etag)
    assert headers["vary"] == "accept-encoding"
    assert "content-length" not in headers
    assert (await send(file, if_none_match='"other"'))[0] == 200


@pytest.mark.parametrize(
    ("coding", "decode"), [("br", brotli.decompress), ("gzip", gzip.decompress), ("zstd", zstd.decompress)]
)
async def test_each_coding_has_a_strong_tag_of_its_own(coding: str, decode: Callable[[bytes], bytes]) -> None:
    file = StaticFile(TEXT, "text/css")
    _, headers, body = await send(file, accept_encoding=coding)
    assert (headers["content-encoding"], decode(body)) == (coding, TEXT)
    assert headers["etag"] == f'{file.etag[:-1]}-{coding}"'
    assert (await send(file, accept_encoding=coding, if_none_match=headers["etag"]))[0] == 304
    assert (await send(file, if_none_match=headers["etag"]))[0] == 200


async def test_of_many_first_requests_one_compresses() -> None:
    calls: list[int] = []

    def encode(body: bytes) -> bytes:
        calls.append(len(body))
        return gzip.compress(body)

    file = StaticFile(TEXT, "text/css", {"gzip": encode})
    for _, headers, body in await asyncio.gather(*(send(file, accept_encoding="gzip, br") for _ in range(20))):
        assert headers["content-encoding"] == "gzip"
        assert gzip.decompress(body) == TEXT
    assert len(calls) == 1


@pytest.mark.parametrize(("content", "content_type"), [(b"short", "text/css"), (bytes(5_000), "image/png")])
async def test_what_does_not_gain_is_not_compressed(content: bytes, content_type: str) -> None:
    _, headers, _ = await send(StaticFile(content, content_type), accept_encoding="gzip")
    assert "content-encoding" not in headers


async def test_large_files_are_compressed_too() -> None:
    text = b"".join(b"%d;" % number for number in range(120_000))
    _, headers, body = await send(StaticFile(text, "text/css"), accept_encoding="br")
    assert headers["content-encoding"] == "br"
    assert brotli.decompress(body) == text


async def test_head_has_no_body() -> None:
    file = StaticFile(TEXT, "text/css")
    status, headers, body = await send(file, "HEAD", range="bytes=0-1")
    assert (status, headers["content-length"], body) == (200, str(len(TEXT)), b"")
    _, compressed, _ = await send(file, "HEAD", accept_encoding="br")
    assert compressed["content-length"] == str(len((await send(file, accept_encoding="br"))[2]))


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [("bytes=0-9", 0, 9), ("bytes=2190-", 2190, 2199), ("bytes=-5", 2195, 2199), ("bytes=5-99999", 5, 2199)],
)
async def test_a_range_is_a_part_of_the_body(wanted: str, first: int, last: int) -> None:
    status, headers, body = await send(StaticFile(TEXT, "text/css"), range=wanted)
    assert (status, body) == (206, TEXT[first : last + 1])
    assert headers["content-range"] == f"bytes {first}-{last}/{len(TEXT)}"
    assert headers["content-length"] == str(len(body))


async def test_the_ranges_of_a_compressed_body_make_up_the_whole() -> None:
    file = StaticFile(TEXT, "text/css")
    _, whole, body = await send(file, accept_encoding="gzip")
    begin = await send(file, accept_encoding="gzip", range="bytes=0-9")
    rest = await send(file, accept_encoding="gzip", range="bytes=10-", if_range=whole["etag"])
    assert (begin[0], rest[0]) == (206, 206)
    assert begin[2] + rest[2] == body
    assert rest[1]["content-encoding"] == "gzip"


@pytest.mark.parametrize("wanted", ["bytes=2200-", "bytes=9999-99999", "bytes=-0"])
async def test_a_range_after_the_end_is_refused(wanted: str) -> None:
    status, headers, body = await send(StaticFile(TEXT, "text/css"), range=wanted)
    assert (status, headers["content-range"], body) == (416, f"bytes */{len(TEXT)}", b"")


@pytest.mark.parametrize("wanted", ["bytes=0-1,5-6", "lines=0-1", "bytes=-", "bytes=9-1", "bytes=a-b", "bytes=1", ""])
async def test_other_ranges_are_ignored(wanted: str) -> None:
    status, headers, body = await send(StaticFile(TEXT, "text/css"), range=wanted)
    assert (status, body, headers["accept-ranges"]) == (200, TEXT, "bytes")


@pytest.mark.parametrize("tag", ['"other"', "W/{}", "Mon, 30 Nov 2026 10:00:00 GMT"])
async def test_a_range_of_another_body_is_ignored(tag: str) -> None:
    file = StaticFile(TEXT, "text/css")
    assert (await send(file, range="bytes=0-9", if_range=tag.format(file.etag)))[0] == 200


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        (None, None),
        ("gzip", "gzip"),
        ("gzip, br", "br"),
        ("gzip;q=1, br;q=0.5", "gzip"),
        ("*", "br"),
        ("gzip;q=0", None),
        ("identity, gzip;q=0.5", None),
        ("zstd", None),
    ],
)
def test_the_client_chooses_the_coding(accepted: str | None, expected: str | None) -> None:
    assert preferred_coding(accepted, ("br", "gzip")) == expected

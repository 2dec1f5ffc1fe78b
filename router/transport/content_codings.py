"""Content codings (RFC 9110 §8.4): compress bodies, and decompress bodies up to a limit.

A few kilobytes can decode to gigabytes, so decoding stops at the caller's limit. At higher compression levels, the
compression takes more time than a fast network saves with the smaller body.
"""

from __future__ import annotations

import gzip
import sys
import zlib
from typing import TYPE_CHECKING

import brotli  # type: ignore[import-untyped]  # publishes no types

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from servicekit.accept import parse_accept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from router.settings.types import ContentCoding

_GZIP_LEVEL = 5
_BROTLI_QUALITY = 4
_ZSTD_LEVEL = 3
# RFC 9659 allows a decoder to refuse windows above 8 MB, for which it would have to allocate memory.
_ZSTD_WINDOW_LOG = 23
_GZIP_WBITS = 31


class CodingError(ValueError):
    """The body is not in its content coding, decodes to more than the limit, or has a coding that is not accepted."""


def encode(coding: ContentCoding, body: bytes) -> bytes:
    """Compress the body with `coding`."""
    return _ENCODERS[coding](body)


def decode(coding: ContentCoding, body: bytes, max_bytes: int) -> bytes:
    """Decompress the body.

    Raises:
        CodingError: The body is not in this coding, or decodes to more than `max_bytes`.
    """
    try:
        return _DECODERS[coding](body, max_bytes)
    except (zlib.error, brotli.error, zstd.ZstdError) as error:
        raise CodingError(f"the body is not {coding}: {error}") from error


def decode_body(named: str | None, body: bytes, codings: Iterable[ContentCoding], max_bytes: int) -> bytes:
    """Decode the body of a message whose header `Content-Encoding` is `named`.

    Raises:
        CodingError: `named` is none of `codings`, or `decode` raises the error.
    """
    if named is None or named.lower() == "identity":
        return body
    for coding in codings:
        if named.lower() == coding:
            return decode(coding, body, max_bytes)
    raise CodingError(f"the body has the content coding {named.lower()}, which the request does not accept")


def preferred_coding(accept_encoding: str | None, offered: Iterable[ContentCoding]) -> ContentCoding | None:
    """Return the coding that the client prefers (RFC 9110 §12.5.3); None if the body is not to be compressed.

    If the client prefers several codings equally, the first of them in `offered` is returned.
    """
    if not accept_encoding:
        return None
    qualities = {each.value: each.quality for each in parse_accept(accept_encoding)}
    best: ContentCoding | None = None
    best_quality = 0.0
    for coding in offered:
        quality = qualities.get(coding, qualities.get("*", 0.0))
        if quality > best_quality:
            best, best_quality = coding, quality
    return best if best_quality >= qualities.get("identity", 0.0) else None


def _bounded(part: bytes, size: int, max_bytes: int) -> int:
    if size + len(part) > max_bytes:
        raise CodingError(f"the body decodes to more than {max_bytes} bytes")
    return size + len(part)


def _gunzip(body: bytes, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while body or not parts:  # RFC 1952 §2.2: gzip is a sequence of members
        member = zlib.decompressobj(_GZIP_WBITS)
        parts.append(member.decompress(body, max_bytes - size + 1))
        size = _bounded(parts[-1], size, max_bytes)
        if not member.eof:
            raise CodingError("the body ends within a gzip member")
        body = member.unused_data
    return b"".join(parts)


def _unbrotli(body: bytes, max_bytes: int) -> bytes:
    decoder = brotli.Decompressor()
    parts: list[bytes] = []
    size = 0
    while not decoder.is_finished():
        part: bytes = decoder.process(body, output_buffer_limit=max_bytes + 1)
        if not part and not body:
            raise CodingError("the body ends within the brotli stream")
        parts.append(part)
        size, body = _bounded(part, size, max_bytes), b""
    return b"".join(parts)


def _unzstd(body: bytes, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
    while body or not parts:  # RFC 8878 §3: zstd is a sequence of frames
        frame = zstd.ZstdDecompressor(options=options)
        parts.append(frame.decompress(body, max_bytes - size + 1))
        size = _bounded(parts[-1], size, max_bytes)
        if not frame.eof:
            raise CodingError("the body ends within a zstd frame")
        body = frame.unused_data
    return b"".join(parts)


_ENCODERS: Mapping[ContentCoding, Callable[[bytes], bytes]] = {
    "zstd": lambda body: zstd.compress(body, level=_ZSTD_LEVEL),
    "br": lambda body: bytes(brotli.compress(body, mode=brotli.MODE_TEXT, quality=_BROTLI_QUALITY)),
    "gzip": lambda body: gzip.compress(body, compresslevel=_GZIP_LEVEL, mtime=0),
}
_DECODERS: Mapping[ContentCoding, Callable[[bytes, int], bytes]] = {
    "zstd": _unzstd,
    "br": _unbrotli,
    "gzip": _gunzip,
}

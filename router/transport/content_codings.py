"""Compress HTTP bodies, and decompress bodies up to a size limit (content codings, RFC 9110 §8.4).

A body of a few kilobytes can decompress to gigabytes. So decompression stops at the limit that the caller gives. The
compression levels are low, because on a fast network a higher level takes more time than the smaller body saves.
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


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from router.settings.types import ContentCoding

_GZIP_LEVEL = 5
_BROTLI_QUALITY = 4
_ZSTD_LEVEL = 3
# A zstd decoder keeps the window, the last decoded bytes, in memory. So windows of more than 2**23 bytes (8 MB) are
# refused, as RFC 9659 allows.
_ZSTD_WINDOW_LOG = 23
_GZIP_WBITS = 31


class CodingError(ValueError):
    """The body is not valid in its content coding, is too large when decoded, or has a coding that is not accepted."""


def encode(coding: ContentCoding, body: bytes) -> bytes:
    """Compress the body with `coding`."""
    return _ENCODERS[coding](body)


def decode(coding: ContentCoding, body: bytes, max_bytes: int) -> bytes:
    """Decompress the body.

    Raises:
        CodingError: The body is not valid in this coding, or is larger than `max_bytes` when decoded.
    """
    try:
        return _DECODERS[coding](body, max_bytes)
    except (zlib.error, brotli.error, zstd.ZstdError) as error:
        raise CodingError(f"the body is not {coding}: {error}") from error


def decode_body(named: str | None, body: bytes, codings: Iterable[ContentCoding], max_bytes: int) -> bytes:
    """Decode the body of an HTTP message. `named` is the value of the header `Content-Encoding`, None if absent.

    Raises:
        CodingError: `codings` does not contain `named`, or the body cannot be decoded (see `decode`).
    """
    if named is None or named.lower() == "identity":
        return body
    for coding in codings:
        if named.lower() == coding:
            return decode(coding, body, max_bytes)
    raise CodingError(f"the body has the content coding {named.lower()}, which the request does not accept")


def _bounded(part: bytes, size: int, max_bytes: int) -> int:
    if size + len(part) > max_bytes:
        raise CodingError(f"the body decodes to more than {max_bytes} bytes")
    return size + len(part)


def _gunzip(body: bytes, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while body or not parts:  # RFC 1952 §2.2: a gzip file is a sequence of members
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
    while body or not parts:  # RFC 8878 §3: a zstd stream is a sequence of frames
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

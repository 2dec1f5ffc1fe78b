"""Compress static files: each content coding with its best useful level, because a file is compressed only once."""

from __future__ import annotations

import gzip
import sys
from typing import TYPE_CHECKING, Final

import brotli  # type: ignore[import-untyped]  # publishes no types

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_GZIP_LEVEL: Final = 9
_ZSTD_LEVEL: Final = 19
# The best level takes about two seconds for a megabyte. For large files, a level that is 20 times as fast is used; its
# result is about 8 % larger.
_BROTLI_BEST: Final = 11
_BROTLI_FAST: Final = 9
_LARGE: Final = 500_000


def _brotli(body: bytes) -> bytes:
    quality = _BROTLI_FAST if len(body) > _LARGE else _BROTLI_BEST
    return bytes(brotli.compress(body, mode=brotli.MODE_TEXT, quality=quality))


def _zstd(body: bytes) -> bytes:
    return zstd.compress(body, level=_ZSTD_LEVEL)


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, compresslevel=_GZIP_LEVEL, mtime=0)


ENCODERS: Final[Mapping[str, Callable[[bytes], bytes]]] = {"br": _brotli, "gzip": _gzip, "zstd": _zstd}
"""The content codings in the order in which they are chosen for a client that weighs them equally.

zstd is last, because some clients announce zstd but cannot decode it.
"""

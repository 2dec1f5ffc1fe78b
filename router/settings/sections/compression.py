"""`compression`: how responses to clients are compressed."""

# ruff: noqa: TC001  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from router.settings.section import Section
from router.settings.types import ContentCoding, Count


class Compression(Section):
    """How responses to clients are compressed (content codings of RFC 9110 §8.4)."""

    enabled: bool = True
    """Whether responses are compressed for clients that accept one of `encodings`."""
    minimum_bytes: Count = 1_024
    """The size of the smallest body that is compressed. A smaller body fits into one network packet anyway."""
    encodings: tuple[ContentCoding, ...] = ("br", "gzip", "zstd")
    """The content codings that the router can use. If a client accepts several codings with the same weight, the router
    uses the coding that comes first in this list. By default, zstd is last: some clients announce zstd but cannot
    decode it, for example `fetch` of Node.js 20."""

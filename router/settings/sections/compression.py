"""`compression`: content codings of responses to clients."""

# ruff: noqa: TC001  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from router.settings.section import Section
from router.settings.types import ContentCoding, Count


class Compression(Section):
    """Content codings of responses to clients (RFC 9110 §8.4)."""

    enabled: bool = True
    """Whether responses are compressed for clients that accept a coding."""
    minimum_bytes: Count = 1_024
    """The size of the smallest body that is compressed. Smaller bodies fit into one network packet uncompressed."""
    encodings: tuple[ContentCoding, ...] = ("zstd", "br", "gzip")
    """The codings offered. If a client gives several of them the same weight, the first one in this list is used."""

"""Runs Python's garbage collector after documents with many characters have been read.

Parsing, printing and validating with graphql-core leave reference cycles. The router runs the collector rarely, because
a run stops all requests (`lifecycle/gateway_generations`). A client that sends many different large documents could
therefore fill the memory: 150 documents of 70 KB left 4.5 million objects. Documents of usual clients are small and
cached, so these additional runs are rare.
"""

from __future__ import annotations

import gc
from typing import Final

LARGE_DOCUMENT_CHARACTERS: Final = 1_000_000
"""After documents with this number of characters in total, the collector runs, and the count starts again.

Reading so much text takes several seconds. A run takes up to a tenth of a second, and frees up to 100 MB.
"""


class GarbageAfterLargeDocuments:
    """Counts the characters of documents that are read. Runs the collector after every `characters` characters."""

    def __init__(self, characters: int = LARGE_DOCUMENT_CHARACTERS) -> None:
        self._limit = characters
        self._pending = 0

    def count(self, characters: int) -> None:
        """Count a document that has been read, whether it is valid or not."""
        self._pending += characters
        if self._pending >= self._limit:
            self._pending = 0
            gc.collect()

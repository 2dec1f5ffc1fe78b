"""Keeps documents that were valid, so that a repeated document is neither parsed nor validated again.

The router and the REST layer send the same few documents again and again. For a transfer, parsing and validating the
document took half of the processor time of the transaction service.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from subgraphs.kit.kept_estimates import KeptEstimates

if TYPE_CHECKING:
    from graphql import DocumentNode

# The largest number of characters in all kept documents together. A parsed document needs about 60 times the memory of
# its text, so the kept documents need about 10 MB.
MAX_CHARACTERS: Final = 160_000
# A longer document is not kept, because it would replace many others.
MAX_DOCUMENT_CHARACTERS: Final = 8_000


class ValidDocuments:
    """The documents that were used last. All of them are valid for one schema and one set of rules."""

    def __init__(self, *, max_characters: int = MAX_CHARACTERS) -> None:
        """`max_characters` limits the number of characters of all kept documents together."""
        self._max_characters = max_characters
        self._characters = 0
        self._documents: OrderedDict[str, DocumentNode] = OrderedDict()
        # Text of a document → name of an operation → its estimates.
        self._estimates: dict[str, dict[str | None, KeptEstimates]] = {}

    def __len__(self) -> int:
        return len(self._documents)

    def find(self, text: str) -> DocumentNode | None:
        """Return the parsed document with exactly this text; None if it is not kept."""
        document = self._documents.get(text)
        if document is not None:
            self._documents.move_to_end(text)
        return document

    def estimates(self, text: str, operation: str | None) -> KeptEstimates | None:
        """Return what is kept about an operation of a document; None if the document is not kept."""
        return self._estimates[text].setdefault(operation, KeptEstimates()) if text in self._documents else None

    def add(self, text: str, document: DocumentNode) -> None:
        """Keep a valid document. If there is not enough space, drop the documents that were used longest ago."""
        if text in self._documents or len(text) > MAX_DOCUMENT_CHARACTERS:
            return
        self._documents[text] = document
        self._estimates[text] = {}
        self._characters += len(text)
        while self._characters > self._max_characters:
            oldest, _ = self._documents.popitem(last=False)
            self._characters -= len(oldest)
            del self._estimates[oldest]

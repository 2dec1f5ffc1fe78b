"""Automatic persisted queries: a client sends a document's hash, and the document only when the hash is not known.

    hash            known      -> the document is run
                    unknown    -> PERSISTED_QUERY_NOT_FOUND; the client sends both
    hash, document  matching   -> run; kept once it has turned out to be valid
                    not        -> PERSISTED_QUERY_HASH_MISMATCH

Documents are looked for in the nearest store first, and what a farther one has is kept in the nearer ones. A store is
not believed: others may write to a Redis, so what comes from it must have the hash it is kept under.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from router.errors import PersistedQueryHashMismatch, PersistedQueryNotFound

if TYPE_CHECKING:
    from router.policies.document_lookup import DocumentLookup
    from router.request.messages import GraphQLRequest
    from router.storage.base import TextStore
    from router.storage.memory import MemoryStore

_SHA256 = re.compile(r"[0-9a-f]{64}")

_log = structlog.stdlib.get_logger("apq")


class AutomaticPersistedQueries:
    """A `DocumentLookup`; `memory` is asked first, then `shared` stores in their order."""

    def __init__(self, memory: MemoryStore, *shared: TextStore) -> None:
        self._memory = memory
        self._shared = shared

    async def resolve(self, request: GraphQLRequest) -> GraphQLRequest:
        """See `DocumentLookup.resolve`."""
        if request.document_id is None:
            return request
        key = request.document_id.lower()
        if request.query:
            if _hash(request.query) != key:
                raise PersistedQueryHashMismatch("The hash is not the SHA-256 of the document.")
            return request
        text = await self._find(key) if _SHA256.fullmatch(key) else None
        if text is None:
            raise PersistedQueryNotFound("PersistedQueryNotFound")  # the words that clients compare with
        return replace(request, query=text)

    async def accepted(self, request: GraphQLRequest) -> None:
        """Keep the document of a request that came with its hash."""
        if request.document_id is not None and request.query:
            for store in self._stores:
                await store.put(request.document_id.lower(), request.query)

    def inherit(self, previous: DocumentLookup) -> None:
        """See `DocumentLookup.inherit`. With other bounds, memory begins anew."""
        if isinstance(previous, AutomaticPersistedQueries) and previous._memory.bounds == self._memory.bounds:  # noqa: SLF001  (its own class)
            self._memory = previous._memory  # noqa: SLF001  (as above)

    async def aclose(self) -> None:
        """See `DocumentLookup.aclose`."""
        for store in self._stores:
            await store.aclose()

    @property
    def _stores(self) -> tuple[TextStore, ...]:
        return (self._memory, *self._shared)

    async def _find(self, key: str) -> str | None:
        for position, store in enumerate(self._stores):
            text = await store.get(key)
            if text is None:
                continue
            if _hash(text) != key:
                _log.warning("a stored document does not have the hash it is kept under", hash=key)
                continue
            for nearer in self._stores[:position]:
                await nearer.put(key, text)
            return text
        return None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

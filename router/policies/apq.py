"""Automatic persisted queries (APQ): a client sends the SHA-256 hash of a document instead of the document.

    the request has        the hash is                        the router
    only a hash            the hash of a stored document      runs the document
                           unknown                            responds with PERSISTED_QUERY_NOT_FOUND; the client then
                                                              sends the hash and the document
    a hash, a document     the hash of this document          runs the document, and stores it if it is valid
                           another hash                       responds with PERSISTED_QUERY_HASH_MISMATCH

Documents are looked up in memory first, then in Redis. A document from Redis is then stored in memory too. Other
programs may write to the Redis server, so the hash of each document from a store is checked.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import structlog
from msgspec.structs import replace

from router.errors import PersistedQueryHashMismatch, PersistedQueryNotFound
from router.pipeline.stage import Stage
from router.storage.memory_text_store import MemoryStore

if TYPE_CHECKING:
    from router.pipeline.request_context import RequestContext
    from router.policies.policy_setup import PolicySetup
    from router.preparation.read_and_cache_documents import Document
    from router.request.request_and_response import GraphQLRequest
    from router.settings.sections.apq import Apq
    from router.storage.text_store import TextStore

_SHA256 = re.compile(r"[0-9a-f]{64}")

_log = structlog.stdlib.get_logger("apq")


class AutomaticPersistedQueries(Stage):
    """Stores documents by their hash, and looks them up: first in `memory`, then in each store in `shared`."""

    def __init__(self, memory: MemoryStore, *shared: TextStore) -> None:
        self._memory = memory
        self._shared = shared

    @classmethod
    def configured(cls, inputs: PolicySetup) -> AutomaticPersistedQueries | None:
        """Return the stage, or None if `apq.enabled` is false."""
        return cls.of(inputs.settings.apq) if inputs.settings.apq.enabled else None

    @classmethod
    def of(cls, settings: Apq) -> AutomaticPersistedQueries:
        """Return a stage that uses the stores in `settings`: memory, and Redis if `redis` is set."""
        memory = MemoryStore(max_entries=settings.entries, max_bytes=settings.text_bytes)
        if settings.redis is None:
            return cls(memory)
        from router.storage.redis_text_store import RedisStore  # noqa: PLC0415  (the Redis client takes long to import, and few routers use Redis)

        return cls(memory, RedisStore(settings.redis))

    async def on_request(self, context: RequestContext) -> GraphQLRequest | None:
        """If the request has only a hash, return a request with the document that belongs to the hash.

        Raises:
            PersistedQueryNotFound: No store has a document with this hash.
            PersistedQueryHashMismatch: The request has a hash and a document with another hash.
        """
        request = context.request
        if request.document_id is None:
            return None
        key = request.document_id.lower()
        if request.query:
            if _hash(request.query) != key:
                raise PersistedQueryHashMismatch("The hash is not the SHA-256 of the document.")
            context.state[self] = key
            return None
        text = await self._find(key) if _SHA256.fullmatch(key) else None
        if text is None:
            raise PersistedQueryNotFound("PersistedQueryNotFound")  # Apollo's clients look for this text in the message
        return replace(request, query=text)

    async def on_document(self, context: RequestContext, document: Document) -> None:
        """If the client sent a hash and a valid document, store the document."""
        # The client hashed the text of its request, so this text is stored, not the normalised text of `document`.
        del document
        key = context.state.get(self)
        if isinstance(key, str):
            for store in self._stores:
                await store.put(key, context.request.query)

    def inherit(self, previous: Stage) -> None:
        """At a reload, take over the documents that `previous` has in memory.

        Do nothing if the memory limits in the settings have changed.
        """
        if isinstance(previous, AutomaticPersistedQueries) and previous._memory.bounds == self._memory.bounds:  # noqa: SLF001  (same class)
            self._memory = previous._memory  # noqa: SLF001  (as above)

    async def aclose(self) -> None:
        """Close the stores."""
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
                _log.warning("a stored document does not have the hash of its key", hash=key)
                continue
            for nearer in self._stores[:position]:
                await nearer.put(key, text)
            return text
        return None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

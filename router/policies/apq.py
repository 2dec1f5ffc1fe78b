"""Automatic persisted queries: a client sends a document's hash, and the document only when the hash is not known.

    hash            known          -> the document is run
                    unknown        -> PERSISTED_QUERY_NOT_FOUND; the client then sends both
    hash, document  matching       -> the document is run, and kept if it is valid
                    not matching   -> PERSISTED_QUERY_HASH_MISMATCH

Documents are looked up in the nearest store first; a document from a farther store is kept in the nearer ones. A store
is not trusted, as others may write to a Redis: its document must have the hash under which it is kept.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from router.errors import PersistedQueryHashMismatch, PersistedQueryNotFound
from router.pipeline.stage import Stage
from router.storage.memory_store import MemoryStore

if TYPE_CHECKING:
    from router.pipeline.request_context import RequestContext
    from router.policies.policy_inputs import PolicyInputs
    from router.preparation.document_cache import Document
    from router.request.request_and_response import GraphQLRequest
    from router.settings.sections.apq import Apq
    from router.storage.text_store import TextStore

_SHA256 = re.compile(r"[0-9a-f]{64}")

_log = structlog.stdlib.get_logger("apq")


class AutomaticPersistedQueries(Stage):
    """Looks documents up by their hash: in `memory`, then in the `shared` stores in their order."""

    def __init__(self, memory: MemoryStore, *shared: TextStore) -> None:
        self._memory = memory
        self._shared = shared

    @classmethod
    def configured(cls, inputs: PolicyInputs) -> AutomaticPersistedQueries | None:
        """The stage where `apq.enabled` is true."""
        return cls.of(inputs.settings.apq) if inputs.settings.apq.enabled else None

    @classmethod
    def of(cls, settings: Apq) -> AutomaticPersistedQueries:
        """The stage with the stores that the settings name."""
        memory = MemoryStore(max_entries=settings.entries, max_bytes=settings.text_bytes)
        if settings.redis is None:
            return cls(memory)
        from router.storage.redis_store import RedisStore  # noqa: PLC0415  (its client takes long to load, and few use it)

        return cls(memory, RedisStore(settings.redis))

    async def on_request(self, context: RequestContext) -> GraphQLRequest | None:
        """Give a request that names a document its text.

        Raises:
            PersistedQueryNotFound: No store has a document with this hash.
            PersistedQueryHashMismatch: The document does not have this hash.
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
            raise PersistedQueryNotFound("PersistedQueryNotFound")  # the words that clients compare with
        return replace(request, query=text)

    async def on_document(self, context: RequestContext, document: Document) -> None:
        """Keep a valid document that the client sent with its hash."""
        del document  # what is kept is the text as sent: it has the hash
        key = context.state.get(self)
        if isinstance(key, str):
            for store in self._stores:
                await store.put(key, context.request.query)

    def inherit(self, previous: Stage) -> None:
        """Go on with the documents in memory, if its bounds are the same."""
        if isinstance(previous, AutomaticPersistedQueries) and previous._memory.bounds == self._memory.bounds:  # noqa: SLF001  (its own class)
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
                _log.warning("a stored document does not have the hash it is kept under", hash=key)
                continue
            for nearer in self._stores[:position]:
                await nearer.put(key, text)
            return text
        return None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

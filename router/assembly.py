"""Which `DocumentLookup` the configuration asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.policies.apq import AutomaticPersistedQueries
from router.policies.document_lookup import NoLookup
from router.policies.persisted_documents import PersistedDocuments
from router.settings.sections.persisted_documents import PersistedMode
from router.storage.memory import MemoryStore

if TYPE_CHECKING:
    from router.policies.document_lookup import DocumentLookup
    from router.settings.model import RouterSettings
    from router.settings.sections.apq import Apq


def open_lookup(settings: RouterSettings) -> DocumentLookup:
    """The way in which requests name documents.

    Raises:
        InvalidManifest: a list of persisted documents cannot be read.
    """
    if settings.persisted_documents.mode is not PersistedMode.DISABLED:
        return PersistedDocuments(settings.persisted_documents)
    if settings.apq.enabled:
        return _automatic(settings.apq)
    return NoLookup()


def _automatic(apq: Apq) -> AutomaticPersistedQueries:
    memory = MemoryStore(max_entries=apq.entries, max_bytes=apq.text_bytes)
    if apq.redis is None:
        return AutomaticPersistedQueries(memory)
    from router.storage.redis import RedisStore  # noqa: PLC0415  (its client takes long to load, and few use it)

    return AutomaticPersistedQueries(memory, RedisStore(apq.redis))

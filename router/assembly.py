"""Builds the parts of a gateway from its settings: the document lookup and the transport."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from router.executor.graphql_over_http import EncodingLayer
from router.policies.apq import AutomaticPersistedQueries
from router.policies.document_lookup import NoLookup
from router.policies.persisted_documents import PersistedDocuments
from router.settings.sections.persisted_documents import PersistedMode
from router.storage.memory import MemoryStore
from router.transport.http import Endpoint, HttpTransport
from router.transport.http1.pool import PoolLimits
from router.transport.in_process import InProcessTransport
from router.transport.layers.deduplication import DeduplicationLayer
from router.transport.layers.pause import PauseLayer

if TYPE_CHECKING:
    from router.policies.document_lookup import DocumentLookup
    from router.settings.model import RouterSettings
    from router.settings.sections.apq import Apq
    from router.supergraph import Supergraph
    from router.transport.in_process import SubgraphHandler
    from router.transport.messages import Transport


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


def transport_for(graph: Supergraph, settings: RouterSettings, send: SubgraphHandler | None = None) -> Transport:
    """The transport to all subgraphs, with the layers that the settings ask for.

        execution ─> hooks ─> metering ─> [ encoding ─> pause ─> deduplication ─> HTTP ]

    Each layer is a `Transport` around the next one. Hooks and metering belong to one request and are added for it.
    With `send` there are no sockets: the function gets the encoded requests.

    Raises:
        ValueError: An address or a certificate authority is not usable.
    """
    if send is not None:
        return EncodingLayer(InProcessTransport(send))
    traffic = {name: settings.traffic.of(name) for name in graph.subgraphs}
    transport: Transport = HttpTransport(
        {name: _endpoint(name, subgraph.url, settings) for name, subgraph in graph.subgraphs.items()}
    )
    deduplicated = [name for name, each in traffic.items() if each.share_queries]
    if deduplicated:
        transport = DeduplicationLayer(transport, deduplicated)
    pauses = {name: each.longest_retry_after for name, each in traffic.items() if each.longest_retry_after is not None}
    if pauses:
        transport = PauseLayer(transport, pauses)
    return EncodingLayer(transport)


def _endpoint(name: str, url: str, settings: RouterSettings) -> Endpoint:
    traffic = settings.traffic.of(name)
    authority = traffic.certificate_authority
    try:
        tls = ssl.create_default_context(cafile=authority) if authority is not None else None
    except OSError as error:
        raise ValueError(f"subgraph {name}: {authority} holds no certificates: {error.strerror}") from error
    return Endpoint(
        url=settings.override_subgraph_url.get(name, url),
        timeout=traffic.timeout,
        limits=PoolLimits(
            max_connections=traffic.max_connections,
            idle_seconds=traffic.idle_timeout,
            max_response_bytes=traffic.max_response_bytes,
        ),
        tls=tls,
        codings=traffic.accept_encodings,
    )

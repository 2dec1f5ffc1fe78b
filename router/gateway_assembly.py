"""Makes the parts of a gateway, such as its transport and its stages, from settings and a supergraph."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, NamedTuple

from router.executor.graphql_over_http import EncodingLayer
from router.pipeline.compiled_plans import CompiledPlans
from router.pipeline.stage_chain import StageChain
from router.policies.limit_checker import LimitChecker
from router.policies.policy_inputs import PolicyInputs
from router.policies.policy_order import in_order
from router.preparation.preparation import Preparation
from router.transport.http import Endpoint, HttpTransport
from router.transport.http1.pool import PoolLimits
from router.transport.in_process import InProcessTransport
from router.transport.layers.deduplication import DeduplicationLayer
from router.transport.layers.retry_after_pause import PauseLayer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.pipeline.stage import Stage
    from router.settings.model import RouterSettings
    from router.supergraph import Supergraph
    from router.transport.in_process import SubgraphHandler
    from router.transport.interface import Transport


class GatewayParts(NamedTuple):
    """The objects with which a `Gateway` processes requests."""

    supergraph: Supergraph
    settings: RouterSettings
    transport: EncodingLayer
    stages: StageChain
    preparation: Preparation
    compiled_plans: CompiledPlans
    limits: LimitChecker


def assemble(
    graph: Supergraph, settings: RouterSettings, *, send: SubgraphHandler | None = None, stages: Sequence[Stage] = ()
) -> GatewayParts:
    """Return the parts of a gateway. If `send` is given, it receives the requests to subgraphs; otherwise HTTP is used.

    Raises:
        InvalidManifest: A manifest of persisted documents cannot be read.
        PolicySetupError: A file or a function that the settings name cannot be used.
        ValueError: The settings name a subgraph that does not exist, or an address is not usable.
    """
    unknown = settings.unknown_subgraphs(graph.subgraphs)
    if unknown:
        raise ValueError(f"no such subgraph: {', '.join('.'.join(key) for key in unknown)}")
    limits = LimitChecker(settings.limits)
    chain = StageChain(in_order(PolicyInputs(graph, settings, limits), stages))
    preparation = Preparation(graph, settings, chain)
    compiled = CompiledPlans(graph.schema, settings)
    return GatewayParts(graph, settings, transport_for(graph, settings, send), chain, preparation, compiled, limits)


def transport_for(graph: Supergraph, settings: RouterSettings, send: SubgraphHandler | None = None) -> EncodingLayer:
    """Return the transport to all subgraphs. A request to a subgraph passes through these layers.

        executor ─> stages ─> metering ─> [ encoding ─> pause ─> deduplication ─> HTTP ]

    Each layer is a `Transport` that calls the next layer. This function makes the layers in brackets, but `pause` and
    `deduplication` only if the settings enable them. `router.pipeline.plan_execution` adds the two layers before the
    brackets for each request. If `send` is given, this function makes only `encoding`, and `send` takes the place of
    HTTP: no socket is opened.

    Raises:
        ValueError: An address or a certificate authority is not usable.
    """
    if send is not None:
        return EncodingLayer(InProcessTransport(send))
    traffic = {name: settings.traffic.of(name) for name in graph.subgraphs}
    transport: Transport = HttpTransport(
        {name: _endpoint(name, subgraph.url, settings) for name, subgraph in graph.subgraphs.items()}
    )
    shared = {name: each.share_queries for name, each in traffic.items() if each.share_queries}
    if shared:
        transport = DeduplicationLayer(transport, shared)
    pauses = {name: each.longest_retry_after for name, each in traffic.items() if each.longest_retry_after is not None}
    if pauses:
        transport = PauseLayer(transport, pauses)
    return EncodingLayer(transport, reads_only_bodies=True)


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
            max_waiting=traffic.max_waiting,
            idle_seconds=traffic.idle_timeout,
            max_response_bytes=traffic.max_response_bytes,
        ),
        tls=tls,
        codings=traffic.accept_encodings,
    )

"""Makes the parts of a gateway, such as its transport and its stages, from settings and a supergraph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from router.executor.graphql_over_http import EncodingLayer
from router.pipeline.compile_frequent_plans import CompiledPlans
from router.pipeline.stage_chain import StageChain
from router.policies.limit_checker import LimitChecker
from router.policies.policy_order import in_order
from router.policies.policy_setup import PolicySetup
from router.preparation.preparation import Preparation
from router.transport.in_process import InProcessTransport
from router.transport.layered_transport import LayeredTransport, layered_transport
from router.transport.request_signing import signings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.pipeline.stage import Stage
    from router.settings.model import RouterSettings
    from router.supergraph import Supergraph
    from router.transport.in_process import SubgraphHandler


class GatewayParts(msgspec.Struct, frozen=True):
    """The objects with which a `Gateway` processes requests."""

    supergraph: Supergraph
    settings: RouterSettings
    transport: EncodingLayer
    stages: StageChain
    preparation: Preparation
    compiled_plans: CompiledPlans
    limits: LimitChecker
    traffic: LayeredTransport

    def status(self) -> dict[str, object]:
        """Return the status of the stages, and of the transport layers to subgraphs, for the path `/status`."""
        return {**self.stages.status(), **self.traffic.status()}


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
    chain = StageChain(in_order(PolicySetup(graph, settings, limits), stages))
    preparation = Preparation(graph, settings, chain)
    compiled = CompiledPlans(graph.schema, settings)
    transport, traffic = transport_for(graph, settings, send)
    return GatewayParts(graph, settings, transport, chain, preparation, compiled, limits, traffic)


def transport_for(
    graph: Supergraph, settings: RouterSettings, send: SubgraphHandler | None = None
) -> tuple[EncodingLayer, LayeredTransport]:
    """Return the transport to all subgraphs, and its layers: `/status` shows their state, and a reload keeps it.

    A request to a subgraph passes through these layers:

        executor ─> stages ─> metering ─> encoding ─> [ layers ─> HTTP ]

    `router.pipeline.plan_execution` adds the stages and the metering for each request. `layered_transport` makes the
    layers in brackets. If `send` is given, it replaces the layers in brackets, and no socket is opened.

    Raises:
        ValueError: An address, a certificate or a key is not usable.
    """
    if send is not None:
        in_process = InProcessTransport(send)
        return EncodingLayer(in_process), LayeredTransport(in_process)
    traffic = {name: settings.traffic.of(name) for name in graph.subgraphs}
    urls = {name: _urls(name, each.url, settings) for name, each in graph.subgraphs.items()}
    signed = signings(graph.subgraphs, settings.signatures, settings.authentication.forward)
    layered = layered_transport(urls, traffic, signed)
    return EncodingLayer(layered.transport, reads_only_bodies=True), layered


def _urls(name: str, url: str, settings: RouterSettings) -> tuple[str, ...]:
    own = settings.override_subgraph_url.get(name, url)
    return (own,) if isinstance(own, str) else own

"""Makes the transport to the subgraphs of one supergraph, with the layers that the settings enable.

    pause ─> deduplication ─> shedding ─> retry ─> breaker ─> hedge ─> balancing ─> HTTP, with signatures

A layer exists only if the settings enable it for some subgraph. It passes on the requests to all other subgraphs.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import msgspec

from router.transport.client_tls import ClientTls, client_tls_context
from router.transport.http import Endpoint, HttpTransport
from router.transport.interface import Transport
from router.transport.layers.circuit_breaker import BreakerLayer, BreakerRule
from router.transport.layers.deduplication import DeduplicationLayer
from router.transport.layers.hedging import HedgeLayer, HedgeRule
from router.transport.layers.load_balancing import BalancingLayer, EjectionRule, Server
from router.transport.layers.load_shedding import SheddingLayer, SheddingRule
from router.transport.layers.pause_on_503 import PauseLayer
from router.transport.layers.retry import RetryLayer, RetryRule
from servicekit.http1.http_proxy import HttpProxy, basic_authorization, bypasses_proxy
from servicekit.http1.pool import PoolLimits
from servicekit.http_url import split_http_url, split_unix_url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from router.settings.sections.traffic import AllTraffic
    from router.transport.request_signing import Signing


@runtime_checkable
class ReportsStatus(Protocol):
    """A layer that `/status` of the admin port shows."""

    def status(self) -> Mapping[str, object]:
        """Return JSON values by unique names."""
        ...


class _Inherits(Protocol):
    """A layer with state that survives a reload."""

    def inherit(self, previous: Any, kept: frozenset[str], /) -> None:
        """Take over the state of `previous` for the subgraphs in `kept`, whose URLs have not changed."""
        ...


class _Layer(_Inherits, Transport, Protocol):
    """A transport layer that keeps state."""


class LayeredTransport(msgspec.Struct, frozen=True):
    """The transport to the subgraphs of one supergraph.

    Attributes:
        transport: The outermost layer.
        layers: All layers that keep state, the innermost first.
        urls: The servers of each subgraph.
    """

    transport: Transport
    layers: tuple[_Inherits, ...] = ()
    urls: Mapping[str, Sequence[str]] = {}

    def status(self) -> dict[str, object]:
        """Return the status of each layer that has a status. Each layer has a unique name."""
        reporting = (layer for layer in self.layers if isinstance(layer, ReportsStatus))
        return {name: value for layer in reporting for name, value in layer.status().items()}

    def open_breakers(self) -> Sequence[str]:
        """Return the names of the subgraphs that get no requests, or only probes, because of their circuit breaker."""
        breakers = (layer.breakers for layer in self.layers if isinstance(layer, BreakerLayer))
        return sorted(name for own in breakers for name, each in own.items() if each.state != "closed")

    def inherit(self, previous: LayeredTransport) -> None:
        """Take over the state of `previous`, the transport before a reload: breakers, durations, idle connections.

        The state of a subgraph is kept if its URLs are the same.
        """
        kept = frozenset(name for name, own in self.urls.items() if previous.urls.get(name) == own)
        for layer in self.layers:
            for old in previous.layers:
                if type(old) is type(layer):
                    layer.inherit(old, kept)


def layered_transport(
    urls: Mapping[str, Sequence[str]], traffic: Mapping[str, AllTraffic], signings: Mapping[str, Signing]
) -> LayeredTransport:
    """Return the transport to subgraphs.

    Args:
        urls: The servers of each subgraph.
        traffic: The settings of each subgraph.
        signings: How requests are signed, for the subgraphs whose requests are signed.

    Raises:
        ValueError: A URL, a certificate authority or a client certificate is not usable.
    """
    servers = _servers(urls)
    endpoints = {
        server.name: _endpoint(name, server.label, traffic[name], signings.get(name))
        for name, own in urls.items()
        for server in servers.get(name, [Server(name, own[0])])
    }
    http = HttpTransport(endpoints)
    transport: Transport = http
    layers: list[_Inherits] = [http]
    if servers:
        transport = _added(layers, BalancingLayer(transport, servers, _ejections(traffic)))
    if hedges := _hedges(traffic):
        transport = _added(layers, HedgeLayer(transport, hedges))
    if breakers := _breakers(traffic):
        transport = _added(layers, BreakerLayer(transport, breakers))
    if retries := _retries(traffic):
        transport = _added(layers, RetryLayer(transport, retries))
    if shedding := _shedding(traffic):
        transport = _added(layers, SheddingLayer(transport, shedding))
    shared = {name: each.share_queries for name, each in traffic.items() if each.share_queries}
    if shared:
        transport = _added(layers, DeduplicationLayer(transport, shared))
    pauses = {name: each.longest_retry_after for name, each in traffic.items() if each.longest_retry_after is not None}
    if pauses:
        transport = _added(layers, PauseLayer(transport, pauses))
    return LayeredTransport(transport, tuple(layers), urls)


def _servers(urls: Mapping[str, Sequence[str]]) -> dict[str, list[Server]]:
    """Return the servers of each subgraph that has several."""
    return {
        name: [Server(f"{name}\0{number}", url) for number, url in enumerate(own)]
        for name, own in urls.items()
        if len(own) > 1
    }


def _endpoint(name: str, url: str, traffic: AllTraffic, signing: Signing | None) -> Endpoint:
    tls = ClientTls.of(traffic, traffic.server_name)
    return Endpoint(
        url=url,
        timeout=traffic.timeout,
        limits=PoolLimits(
            max_connections=traffic.max_connections,
            max_waiting=traffic.max_waiting,
            idle_seconds=traffic.idle_timeout,
            max_response_bytes=traffic.max_response_bytes,
            connect_seconds=traffic.connect_timeout,
        ),
        tls=client_tls_context(f"subgraph {name}", tls),
        tls_version=_tls_version(tls),
        proxy=_proxy(url, traffic),
        codings=traffic.accept_encodings,
        signing=signing,
    )


def _tls_version(tls: ClientTls) -> str:
    """Return a digest of TLS settings and the content of their files; empty if there are none."""
    if not any(tls):
        return ""
    names = f"{tls.server_name}\0{tls.server_identity}\0".encode()
    return hashlib.sha256(names + b"\0".join(file.read_bytes() for file in tls.files)).hexdigest()


def _proxy(url: str, traffic: AllTraffic) -> HttpProxy | None:
    settings = traffic.proxy
    if settings.url is None or split_unix_url(url) is not None:
        return None
    proxy, server = split_http_url(settings.url), split_http_url(url)
    if bypasses_proxy(server.host, server.port, settings.no_proxy):
        return None
    if settings.username is None or settings.password is None:
        return HttpProxy(proxy.host, proxy.port)
    authorization = basic_authorization(settings.username, settings.password.get_secret_value())
    return HttpProxy(proxy.host, proxy.port, authorization)


def _added(layers: list[_Inherits], layer: _Layer) -> Transport:
    layers.append(layer)
    return layer


def _ejections(traffic: Mapping[str, AllTraffic]) -> dict[str, EjectionRule]:
    rules = {name: each.ejection for name, each in traffic.items()}
    return {name: EjectionRule(rule.failures, rule.time, rule.longest_time) for name, rule in rules.items()}


def _hedges(traffic: Mapping[str, AllTraffic]) -> dict[str, HedgeRule]:
    rules = {name: each.hedge for name, each in traffic.items() if each.hedge.enabled}
    return {name: HedgeRule(rule.percentile, rule.shortest_wait, rule.budget) for name, rule in rules.items()}


def _breakers(traffic: Mapping[str, AllTraffic]) -> dict[str, BreakerRule]:
    rules = {name: each.breaker for name, each in traffic.items() if each.breaker.enabled}
    return {
        name: BreakerRule(rule.failures, rule.minimum_requests, rule.window, rule.open_time, rule.probes)
        for name, rule in rules.items()
    }


def _retries(traffic: Mapping[str, AllTraffic]) -> dict[str, RetryRule]:
    rules = {name: (each.retry, each.timeout) for name, each in traffic.items() if each.retry.enabled}
    return {
        name: RetryRule(rule.attempts, rule.wait, rule.longest_wait, rule.budget, timeout)
        for name, (rule, timeout) in rules.items()
    }


def _shedding(traffic: Mapping[str, AllTraffic]) -> dict[str, SheddingRule]:
    rules = {name: each.shedding for name, each in traffic.items() if each.shedding.enabled}
    return {
        name: SheddingRule(rule.initial, rule.smallest, rule.largest, rule.tolerance) for name, rule in rules.items()
    }

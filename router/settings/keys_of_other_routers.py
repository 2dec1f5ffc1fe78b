"""The configuration keys of other routers, and the keys of this router that have the same purpose.

If a configuration has a key of another router, the error message names the key of this router. The pages in
`docs/coming-from` list the same keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Location = tuple[str | int, ...]

APOLLO: Final = "Apollo Router"
HIVE: Final = "Hive Router"
COSMO: Final = "Cosmo Router"


class Counterpart(msgspec.Struct, frozen=True):
    """The keys of this router that correspond to a key of another router.

    `keys` are dotted paths in this router's configuration. If `keys` is empty, this router has no such key, and `note`
    says what to do instead. Otherwise, `note` has further information.
    """

    keys: tuple[str, ...] = ()
    note: str = ""

    def __str__(self) -> str:
        keys = " and ".join(f"`{key}`" for key in self.keys)
        return "; ".join(part for part in (keys, self.note) if part)


def _key(*keys: str, note: str = "") -> Counterpart:
    return Counterpart(keys, note)


def _none(note: str = "this router does not have this feature") -> Counterpart:
    return Counterpart((), note)


_RULES = "each rule has one of the keys `propagate`, `insert` and `remove`"
_NOT_ALL_ORIGINS = _key("cors.origins", note='`["*"]` allows every origin')
_LOGS = _none("the variables MOSAFE_LOG_LEVEL and MOSAFE_LOG_FORMAT configure logs")
_EXTENSIONS = _none("a stage in Python has this purpose (docs/embedding.md)")
_PAGES = _key("ide.enabled")
_PLANS_SHOWN = _key("query_plan.in_responses", note="`router plan` prints plans too")
_JWKS = _key("authentication.jwt.issuers[]", note="each issuer has its own JWK set, audiences and algorithms")
_CDN = _none("`supergraph.url` polls any address; this router has no account and no key")

TABLES: Final[Mapping[str, Mapping[str, Counterpart]]] = {
    APOLLO: {
        "supergraph.listen": _key("server.host", "server.port"),
        "supergraph.path": _key("server.path"),
        "supergraph.introspection": _key("introspection"),
        "supergraph.query_planning": _key("cache", "planner", "warm_up"),
        "supergraph.defer_support": _none("a response is never deferred"),
        "supergraph.early_cancel": _none("a query ends when its client disconnects; a mutation does not"),
        "supergraph.connection_shutdown_timeout": _key("server.drain_timeout"),
        "health_check": _none("/health/live and /health/ready are always served"),
        "homepage": _PAGES,
        "sandbox": _PAGES,
        "include_subgraph_errors": _key("errors.mask"),
        "include_subgraph_errors.all": _key("errors.mask", note="the opposite: `mask: true` hides errors"),
        "include_subgraph_errors.subgraphs": _key("errors.subgraphs.<name>.allow_codes"),
        "cors.allow_any_origin": _NOT_ALL_ORIGINS,
        "cors.match_origins": _key("cors.origins"),
        "cors.policies": _key("cors.origins"),
        "cors.methods": _none("GET and POST are always allowed"),
        "csrf.unsafe_disabled": _key("csrf.enabled", note="the opposite"),
        "apq.router": _key("apq.entries", "apq.redis"),
        "apq.subgraph": _none("fetches are not sent as persisted queries"),
        "batching.mode": _none("a batch is a list of requests over HTTP"),
        "batching.maximum_size": _key("limits.batch_size"),
        "batching.subgraph": _none("fetches are not sent in batches"),
        "limits.max_depth": _key("limits.depth"),
        "limits.max_height": _key("limits.height"),
        "limits.max_aliases": _key("limits.aliases"),
        "limits.max_root_fields": _key("limits.root_fields"),
        "limits.parser_max_tokens": _key("limits.tokens"),
        "limits.parser_max_recursion": _key("limits.recursion"),
        "limits.http_max_request_bytes": _key("limits.body_bytes"),
        "limits.http1_max_request_headers": _key("limits.header_count"),
        "limits.http1_max_request_buf_size": _key("limits.header_bytes"),
        "limits.http2_max_headers_list_bytes": _none("the router speaks HTTP/1.1"),
        "limits.introspection_max_depth": _key("limits.introspection_depth"),
        "limits.warn_only": _key("limits.measure", note="a list of the limits that are measured only"),
        "limits.router": _key("limits"),
        "limits.subgraph": _key("traffic.all.max_response_bytes"),
        "persisted_queries": _key("persisted_documents"),
        "persisted_queries.enabled": _key("persisted_documents.mode"),
        "persisted_queries.safelist": _key("persisted_documents.mode", note="`allow_list` or `require_id`"),
        "persisted_queries.log_unknown": _key("persisted_documents.mode", note="`measure`"),
        "persisted_queries.local_manifests": _key("persisted_documents.manifests"),
        "persisted_queries.experimental_local_manifests": _key("persisted_documents.manifests"),
        "traffic_shaping": _key("traffic"),
        "traffic_shaping.router.timeout": _key("traffic.request_timeout"),
        "traffic_shaping.router.concurrency_limit": _key("overload.max_requests"),
        "traffic_shaping.all.timeout": _key("traffic.all.timeout"),
        "traffic_shaping.all.deduplicate_query": _key("traffic.all.share_queries"),
        "traffic_shaping.all.compression": _none("fetches are not compressed"),
        "traffic_shaping.all.pool_idle_timeout": _key("traffic.all.idle_timeout"),
        "traffic_shaping.all.dns_resolution_strategy": _none("names are resolved for each new connection"),
        "traffic_shaping.subgraphs.*.timeout": _key("traffic.subgraphs.<name>.timeout"),
        "traffic_shaping.subgraphs.*.deduplicate_query": _key("traffic.subgraphs.<name>.share_queries"),
        "traffic_shaping.deduplicate_variables": _none("entities that occur twice are always fetched once"),
        "authentication.router": _key("authentication.jwt"),
        "authentication.router.jwt": _key("authentication.jwt"),
        "authentication.router.jwt.jwks": _JWKS,
        "authentication.router.jwt.sources": _key("authentication.jwt.sources[]"),
        "authentication.router.jwt.header_name": _key("authentication.jwt.sources[].header"),
        "authentication.router.jwt.header_value_prefix": _key("authentication.jwt.sources[].scheme"),
        "authentication.router.jwt.on_error": _key("authentication.invalid_credentials", note="`refuse` or `ignore`"),
        "authentication.subgraph": _none("requests to subgraphs are not signed for AWS"),
        "authorization.require_authentication": _key("authentication.anonymous", note="the opposite"),
        "authorization.directives": _none("the directives of the supergraph are always enforced"),
        "authorization.directives.reject_unauthorized": _key("authorization.mode", note="`reject`"),
        "authorization.directives.errors": _key("authorization.log_refusals"),
        "demand_control.enabled": _key("demand_control.mode"),
        "demand_control.strategy.static_estimated.max": _key("demand_control.max_cost"),
        "demand_control.strategy.static_estimated.list_size": _key("demand_control.list_size"),
        "subscription": _none("the router does not serve subscriptions"),
        "telemetry": _LOGS,
        "coprocessor": _EXTENSIONS,
        "rhai": _EXTENSIONS,
        "plugins": _EXTENSIONS,
        "preview_entity_cache": _none(),
        "response_cache": _none(),
        "connectors": _none("the router calls GraphQL subgraphs only"),
        "progressive_override": _key("override_labels"),
        "experimental_type_conditioned_fetching": _none("fetches always follow type conditions"),
        "redact_query_validation_errors": _key("introspection", note="without introspection, messages are redacted"),
    },
    HIVE: {
        "supergraph.source": _key("supergraph.file", "supergraph.url"),
        "supergraph.path": _key("supergraph.file"),
        "supergraph.endpoint": _key("supergraph.url"),
        "supergraph.key": _key("supergraph.headers", note="a header with the key, for example `X-Hive-CDN-Key`"),
        "supergraph.request_timeout": _key("supergraph.timeout"),
        "supergraph.connect_timeout": _key("supergraph.timeout"),
        "supergraph.accept_invalid_certs": _key("supergraph.certificate_authority"),
        "supergraph.retry_policy": _key("supergraph.poll_interval", note="the next poll is the next attempt"),
        "http": _key("server"),
        "http.host": _key("server.host"),
        "http.port": _key("server.port"),
        "http.graphql_endpoint": _key("server.path"),
        "log": _LOGS,
        "graphiql": _PAGES,
        "laboratory": _PAGES,
        "query_planner": _key("planner"),
        "query_planner.allow_expose": _PLANS_SHOWN,
        "query_planner.timeout": _key("planner.deadline"),
        "override_subgraph_urls": _key("override_subgraph_url"),
        "override_subgraph_urls.subgraphs": _key("override_subgraph_url", note="a mapping of names to URLs"),
        "cors.allow_any_origin": _NOT_ALL_ORIGINS,
        "cors.policies": _key("cors.origins"),
        "limits.max_depth": _key("limits.depth"),
        "limits.max_tokens": _key("limits.tokens"),
        "limits.max_directives": _key("limits.directives"),
        "limits.max_aliases": _key("limits.aliases"),
        "limits.max_request_body_size": _key("limits.body_bytes"),
        "traffic_shaping": _key("traffic"),
        "traffic_shaping.max_connections_per_host": _key("traffic.all.max_connections"),
        "traffic_shaping.router.request_timeout": _key("traffic.request_timeout"),
        "traffic_shaping.router.dedupe": _key("traffic.share_operations"),
        "traffic_shaping.all.request_timeout": _key("traffic.all.timeout"),
        "traffic_shaping.all.dedupe_enabled": _key("traffic.all.share_queries"),
        "traffic_shaping.all.pool_idle_timeout": _key("traffic.all.idle_timeout"),
        "traffic_shaping.subgraphs.*.request_timeout": _key("traffic.subgraphs.<name>.timeout"),
        "traffic_shaping.subgraphs.*.dedupe_enabled": _key("traffic.subgraphs.<name>.share_queries"),
        "jwt": _key("authentication.jwt"),
        "jwt.jwks_providers": _JWKS,
        "jwt.lookup_locations": _key("authentication.jwt.sources[]"),
        "jwt.require_authentication": _key("authentication.anonymous", note="the opposite"),
        "jwt.allowed_algorithms": _key("authentication.jwt.issuers[].algorithms"),
        "jwt.forward_claims_to_upstream_extensions": _key(
            "authentication.forward.headers", "authentication.forward.token"
        ),
        "authorization.directives": _none("the directives of the supergraph are always enforced"),
        "authorization.directives.unauthorized.mode": _key("authorization.mode"),
        "demand_control.enabled": _key("demand_control.mode"),
        "usage_reporting": _none(),
        "subscriptions": _none("the router does not serve subscriptions"),
        "websocket": _none("the router does not serve subscriptions"),
        "telemetry": _LOGS,
        "plugins": _EXTENSIONS,
        "storages": _key("apq.redis"),
    },
    COSMO: {
        "version": _none("the configuration has no version"),
        "graph": _CDN,
        "cdn": _CDN,
        "controlplane_url": _CDN,
        "listen_addr": _key("server.host", "server.port"),
        "graphql_path": _key("server.path"),
        "shutdown_delay": _key("server.drain_timeout"),
        "grace_period": _key("server.drain_timeout"),
        "router_config_path": _key("supergraph.file", note="a supergraph in SDL, not in JSON"),
        "execution_config": _key("supergraph.file", note="a supergraph in SDL, not in JSON"),
        "execution_config.file.path": _key("supergraph.file"),
        "execution_config.file.watch": _key("reload.watch"),
        "execution_config.file.watch_interval": _key("reload.watch_interval"),
        "poll_interval": _key("supergraph.poll_interval"),
        "introspection_enabled": _key("introspection"),
        "playground_enabled": _PAGES,
        "playground": _PAGES,
        "query_plans_enabled": _PLANS_SHOWN,
        "dev_mode": _none("start the router with `router serve --dev`"),
        "log_level": _LOGS,
        "json_log": _LOGS,
        "access_logs": _LOGS,
        "telemetry": _LOGS,
        "graphql_metrics": _none(),
        "override_routing_url": _key("override_subgraph_url"),
        "override_routing_url.subgraphs": _key("override_subgraph_url"),
        "overrides": _key("override_subgraph_url", "headers.subgraphs.<name>"),
        "headers.all.request.*.op": _none(_RULES),
        "headers.subgraphs.*.request.*.op": _none(_RULES),
        "headers.router": _key("headers.all.response[]"),
        "cors.allow_origins": _key("cors.origins"),
        "cors.allow_methods": _none("GET and POST are always allowed"),
        "cors.match_origins": _key("cors.origins"),
        "automatic_persisted_queries": _key("apq"),
        "automatic_persisted_queries.enabled": _key("apq.enabled"),
        "automatic_persisted_queries.cache": _key("apq.entries", "apq.text_bytes"),
        "automatic_persisted_queries.storage": _key("apq.redis"),
        "persisted_operations": _key("persisted_documents"),
        "persisted_operations.safelist": _key("persisted_documents.mode", note="`allow_list` or `require_id`"),
        "persisted_operations.log_unknown": _key("persisted_documents.mode", note="`measure`"),
        "storage_providers": _key("persisted_documents.manifests", "apq.redis"),
        "batching.max_entries_per_batch": _key("limits.batch_size"),
        "batching.max_concurrency": _none("the operations of a batch run at the same time"),
        "traffic_shaping": _key("traffic"),
        "traffic_shaping.router.max_request_body_size": _key("limits.body_bytes"),
        "traffic_shaping.router.max_header_bytes": _key("limits.header_bytes"),
        "traffic_shaping.all.request_timeout": _key("traffic.all.timeout"),
        "traffic_shaping.all.retry": _none("a fetch is not repeated"),
        "traffic_shaping.all.keep_alive_idle_timeout": _key("traffic.all.idle_timeout"),
        "traffic_shaping.all.max_conns_per_host": _key("traffic.all.max_connections"),
        "traffic_shaping.subgraphs.*.request_timeout": _key("traffic.subgraphs.<name>.timeout"),
        "engine": _key("cache", "planner"),
        "engine.enable_single_flight": _key("traffic.all.share_queries"),
        "engine.execution_plan_cache_size": _key("cache.plans"),
        "security": _key("limits", "persisted_documents.mode"),
        "security.depth_limit": _key("limits.depth"),
        "security.complexity_limits": _key("limits.depth", "limits.fields", "limits.aliases", "limits.root_fields"),
        "security.block_non_persisted_operations": _key("persisted_documents.mode", note="`require_id`"),
        "subgraph_error_propagation": _key("errors"),
        "subgraph_error_propagation.mode": _key("errors.mask"),
        "subgraph_error_propagation.allowed_extension_fields": _key("errors.allow_extensions"),
        "authentication.jwt.jwks": _JWKS,
        "authentication.jwt.header_name": _key("authentication.jwt.sources[].header"),
        "authentication.jwt.header_value_prefix": _key("authentication.jwt.sources[].scheme"),
        "authentication.jwt.header_sources": _key("authentication.jwt.sources[]"),
        "authorization.require_authentication": _key("authentication.anonymous", note="the opposite"),
        "authorization.reject_operation_if_unauthorized": _key("authorization.mode", note="`reject`"),
        "rate_limit": _key("rate_limits.rules[]", note="`key` says what a client is"),
        "modules": _EXTENSIONS,
        "events": _none("the router calls GraphQL subgraphs over HTTP"),
        "file_upload": _none("the router does not accept uploads"),
        "websocket": _none("the router does not serve subscriptions"),
        "subscription": _none("the router does not serve subscriptions"),
        "mcp": _none(),
    },
}
"""For each router, its keys and their counterparts in this router. `*` stands for any name or position in a list."""


def message_about(location: Location) -> str | None:
    """Return the message about a key of another router. Return None if no router of `TABLES` has this key."""
    found = dict[str, list[str]]()
    for router, table in TABLES.items():
        for written, counterpart in table.items():
            if _matches(written, location):
                found.setdefault(_advice(counterpart), []).append(router)
    if not found:
        return None
    return " ".join(
        f"{', '.join(routers)} {'has' if len(routers) == 1 else 'have'} this key. {advice}."
        for advice, routers in found.items()
    )


def locations_inside(location: Location, value: object) -> Iterator[Location]:
    """Yield the keys inside `value` that belong to another router. `location` is the place of `value`."""
    items: Iterator[tuple[str | int, object]] = iter(())
    if isinstance(value, dict):
        items = ((str(name), inner) for name, inner in value.items())
    elif isinstance(value, list):
        items = iter(enumerate(value))
    for name, inner in items:
        if message_about((*location, name)) is not None:
            yield (*location, name)
        yield from locations_inside((*location, name), inner)


def _advice(counterpart: Counterpart) -> str:
    return f"Here: {counterpart}" if counterpart.keys else f"Here: no such key; {counterpart.note}"


def _matches(written: str, location: Location) -> bool:
    parts = written.split(".")
    return len(parts) == len(location) and all(
        part in {"*", str(name)} for part, name in zip(parts, location, strict=True)
    )

"""The REST layer as an ASGI application.

FastAPI runs the lifespan. `ApiReference` serves the OpenAPI document, and `OnlineBanking` serves the bank's web page.
The route table dispatches all other requests. FastAPI's own routing is not used: it would match `GET .../transfer` with
`.../{id}`, and would respond to HEAD and OPTIONS with 405.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from itertools import chain
from typing import TYPE_CHECKING, Final

from fastapi import FastAPI
from graphql import GraphQLError

from bank.gateway_errors import GatewayErrors
from bank.mutual_tls import client_tls
from rest_compat import operations, readiness
from rest_compat.api_reference import api_reference
from rest_compat.api_reference.api_reference import ApiReference
from rest_compat.api_schema import api_schema
from rest_compat.dpop import ProofChecker
from rest_compat.graphql_client import CONNECT_SECONDS, GraphQLClient, http_send
from rest_compat.handler import RestHandler
from rest_compat.online_banking import online_banking
from rest_compat.online_banking.graphql_forwarding import GraphQLForwarding
from rest_compat.online_banking.online_banking import OnlineBanking
from rest_compat.route_matching import RouteMatcher
from rest_compat.routes import ROUTES
from servicekit.access_log import RequestIdMiddleware
from servicekit.client_address import ClientAddressMiddleware
from servicekit.cors import CorsByPath, CorsMiddleware
from servicekit.errors import ConfigurationError
from servicekit.health import HealthEndpoints
from servicekit.http1.pool import PoolLimits
from servicekit.http1.service_client import HttpServiceClient
from servicekit.user_agent import UserAgentMiddleware

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from rest_compat.graphql_client import Send
    from rest_compat.operations import Operation
    from rest_compat.settings import RestSettings
    from servicekit.asgi import ASGIApp

# More connections to the router than the process can have open files.
MAX_CONNECTIONS: Final = 1_000_000


def create_app(settings: RestSettings, send: Send | None = None) -> ASGIApp:
    """Create the application. If `send` is given, it replaces the connection to the router.

    Raises:
        ConfigurationError: the supergraph cannot be read, or an operation is not valid for it.
    """
    checked = _checked_operations(settings.supergraph)
    resources = AsyncExitStack()
    if send is None:
        # This client has no limit of connections, because the bulkheads limit the requests of each kind. With a common
        # limit, requests of one kind would wait for requests of another kind.
        limits = PoolLimits(max_connections=MAX_CONNECTIONS, connect_seconds=CONNECT_SECONDS)
        tls = client_tls(settings, "router", settings.router_url, "ROUTER_URL")
        connections = HttpServiceClient(settings.router_url, limits, variable="ROUTER_URL", tls=tls)
        resources.callback(connections.close)
        send = http_send(connections)
    client = GraphQLClient(send)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with resources:
            yield

    app = FastAPI(lifespan=lifespan, openapi_url=None, redirect_slashes=False)
    # The handler is the default route and not a mount, because a mount would not match a path that contains a line
    # feed.
    proofs = ProofChecker(settings.public_url, settings.dpop_statement_secret, settings.dpop_nonce_secret)
    app.router.default = RestHandler(RouteMatcher(ROUTES), checked, client, proofs, settings.bulkheads)
    with_reference = ApiReference(app, is_development=not settings.is_production)
    with_banking: ASGIApp = with_reference
    if settings.has_online_banking:
        with_banking = OnlineBanking(with_reference, GraphQLForwarding(client, proofs, settings.bulkheads))
    with_health = HealthEndpoints(with_banking, readiness.checks(client))
    with_cors = CorsMiddleware(with_health, CorsByPath(settings.cors, settings.cors_of_paths))
    paths = [*(route.path for route in ROUTES), *api_reference.PATHS, *online_banking.PATHS]
    traced = RequestIdMiddleware(UserAgentMiddleware(with_cors), routes=paths)
    return GatewayErrors(ClientAddressMiddleware(traced, settings.trusted_proxies))


def _checked_operations(supergraph: Path) -> Mapping[str, Sequence[Operation]]:
    """Return the operations of the routes, after checking each against the API schema of `supergraph`."""
    variable = "REST_SUPERGRAPH"
    try:
        schema = api_schema(supergraph.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(variable, f"cannot read {supergraph}: {error.strerror}") from error
    except (UnicodeDecodeError, GraphQLError, TypeError) as error:
        raise ConfigurationError(variable, f"{supergraph} is not a supergraph: {error}") from error
    loaded = operations.load()
    try:
        for operation in (*chain.from_iterable(loaded.values()), *readiness.PROBES.values()):
            operations.check(operation, schema)
    except operations.OperationMismatch as error:
        raise ConfigurationError(variable, f"{supergraph} does not fit this release's operations: {error}") from error
    return loaded

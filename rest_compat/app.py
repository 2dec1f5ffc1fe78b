"""The REST layer as an ASGI application.

FastAPI carries the OpenAPI document and the lifespan; requests below it are dispatched by the route table and not by
FastAPI's decorators, which would route `GET .../transfer` to `.../{id}` and answer HEAD and OPTIONS with 405.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
from fastapi import FastAPI
from graphql import GraphQLError

from rest_compat import openapi, operations
from rest_compat.api_schema import api_schema
from rest_compat.graphql_client import GraphQLClient, http_send
from rest_compat.handler import RestHandler
from rest_compat.route_table import RouteTable
from rest_compat.routes import ROUTES
from servicekit.asgi import RequestContextMiddleware
from servicekit.errors import ConfigurationError
from servicekit.health import HealthEndpoints

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from rest_compat.graphql_client import Send
    from rest_compat.operations import Operation
    from rest_compat.settings import RestSettings
    from servicekit.asgi import ASGIApp


class _Application(FastAPI):
    """FastAPI with the document of the route table in place of the one it would make of its own routes."""

    def openapi(self) -> dict[str, Any]:
        return openapi.document()


def create_app(settings: RestSettings, send: Send | None = None) -> ASGIApp:
    """The application; `send` replaces the connection to the router.

    Raises:
        ConfigurationError: the supergraph cannot be read, or an operation does not fit it.
    """
    known = _checked_operations(settings.supergraph)
    resources = AsyncExitStack()
    if send is None:
        connections = httpx.AsyncClient(trust_env=False)
        resources.push_async_callback(connections.aclose)
        send = http_send(connections, settings.router_url)
    client = GraphQLClient(send)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with resources:
            yield

    app = _Application(lifespan=lifespan, docs_url=None, redoc_url=None, redirect_slashes=False)
    # Not mounted: a mount does not match paths with a line feed in them, and the table must rule over all.
    app.router.default = RestHandler(RouteTable(ROUTES), known, client)
    return RequestContextMiddleware(HealthEndpoints(app, {"router": client.ping}))


def _checked_operations(supergraph: Path) -> Mapping[str, Sequence[Operation]]:
    """The routes' operations, each valid against the API that `supergraph` promises."""
    variable = "REST_SUPERGRAPH"
    try:
        schema = api_schema(supergraph.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(variable, f"cannot read {supergraph}: {error.strerror}") from error
    except (UnicodeDecodeError, GraphQLError, TypeError) as error:
        raise ConfigurationError(variable, f"{supergraph} is no supergraph: {error}") from error
    known = operations.load()
    try:
        for operation in (operation for file in known.values() for operation in file):
            operations.check(operation, schema)
    except operations.OperationMismatch as error:
        raise ConfigurationError(variable, f"{supergraph} does not fit this release's operations: {error}") from error
    return known

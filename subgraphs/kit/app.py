"""Makes a subgraph's ASGI application: GraphQL, health endpoints, request context, and the service's resources."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.requests import ClientDisconnect
from starlette.routing import Route

from servicekit.asgi import CLIENT_CLOSED_REQUEST, RequestIdMiddleware
from servicekit.errors import ServiceError, Unavailable
from servicekit.health import HealthEndpoints
from subgraphs.kit.graphql_http import RequestPolicy, graphql_router

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from bank.identity import Caller, TokenVerifier
    from servicekit.asgi import ASGIApp
    from subgraphs.kit.context import BaseContext
    from subgraphs.kit.schema import SubgraphSchema
    from subgraphs.kit.settings import SubgraphSettings


class Runtime(Protocol):
    """A service's open resources."""

    @property
    def verifier(self) -> TokenVerifier: ...

    def context(self, caller: Caller | ServiceError | None) -> BaseContext:
        """Return a new context, with new loaders, for one request."""

    async def ping(self) -> None:
        """Check that the store responds. Raises an error if it does not."""


R = TypeVar("R", bound=Runtime)


def create_app(
    schema: SubgraphSchema,
    open_runtime: Callable[[], AbstractAsyncContextManager[R]],
    settings: SubgraphSettings,
    *,
    title: str,
    routers: Callable[[Callable[[], R]], Sequence[APIRouter]] = lambda _runtime: (),
) -> ASGIApp:
    """Create the application of a subgraph. It opens its resources when its lifespan starts.

    Args:
        schema: the schema of the endpoint `/graphql`.
        open_runtime: opens the service's resources at start-up; they are closed at shutdown.
        settings: contain the limits of a request.
        title: the service's name in its OpenAPI document.
        routers: a function that makes further routes. Its argument is a function that returns the open runtime.
    """
    resources = _Resources(open_runtime)
    app = FastAPI(title=title, lifespan=resources.lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_exception_handler(ClientDisconnect, _client_gone)
    policy = RequestPolicy(settings.request_limits, settings.trusted_proxies)
    included = [graphql_router(schema, resources.create_context, policy), *routers(resources.runtime)]
    for router in included:
        app.include_router(router)
    checks = {"store": resources.ping, "revocations": resources.ping_revocations}
    # The paths are collected from the routers, because a FastAPI application may keep the routers as they are and not
    # list their routes.
    paths = [route.path for router in included for route in router.routes if isinstance(route, Route)]
    return RequestIdMiddleware(HealthEndpoints(app, checks), routes=paths)


def _client_gone(_request: Request, _error: Exception) -> Response:
    """Respond to a client that closed the connection while it sent the body.

    Nobody receives the response; its status is only logged.
    """
    return Response(status_code=CLIENT_CLOSED_REQUEST)


class _Resources(Generic[R]):
    """Holds the runtime of an application, that is, its open resources.

    `lifespan` opens the runtime when the application starts, and closes it when the application stops.
    """

    def __init__(self, open_runtime: Callable[[], AbstractAsyncContextManager[R]]) -> None:
        self._open_runtime = open_runtime
        self._runtime: R | None = None

    @asynccontextmanager
    async def lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        async with self._open_runtime() as runtime:
            self._runtime = runtime
            try:
                yield
            finally:
                self._runtime = None

    def runtime(self) -> R:
        """Return the open runtime. Raises Unavailable before start-up and after shutdown."""
        if self._runtime is None:
            raise Unavailable
        return self._runtime

    async def create_context(self, request: Request) -> BaseContext:
        runtime = self.runtime()
        try:
            caller = await runtime.verifier.caller(request.headers.get("authorization"))
        except ServiceError as error:
            return runtime.context(error)
        return runtime.context(caller)

    async def ping(self) -> None:
        await self.runtime().ping()

    async def ping_revocations(self) -> None:
        await self.runtime().verifier.ping()

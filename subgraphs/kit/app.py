"""Makes a subgraph's ASGI application: GraphQL, health endpoints, request context, and the service's resources."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from fastapi import FastAPI

from bank.bound_tokens import caller_of
from servicekit.access_log import RequestIdMiddleware
from servicekit.errors import ServiceError, Unavailable
from servicekit.health import HealthEndpoints
from servicekit.http_signatures.signature_middleware import SignatureMiddleware
from subgraphs.kit.graphql_http import RequestPolicy, graphql_route
from subgraphs.kit.request_signatures import request_protection
from subgraphs.kit.service_routes import DirectRoutes, add_routes
from subgraphs.kit.subscriptions.connection import Subgraph
from subgraphs.kit.subscriptions.handshake_proofs import HandshakeProofs
from subgraphs.kit.subscriptions.websocket_route import websocket_router

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from pydantic import SecretStr
    from starlette.requests import Request

    from bank.identity import Caller, TokenVerifier
    from servicekit.asgi import ASGIApp
    from servicekit.http_signatures.signature_middleware import Protection
    from subgraphs.kit.context import BaseContext
    from subgraphs.kit.schema import SubgraphSchema
    from subgraphs.kit.service_routes import ServiceRoute
    from subgraphs.kit.settings import SubgraphSettings


class Runtime(Protocol):
    """A service's open resources."""

    @property
    def verifier(self) -> TokenVerifier: ...

    def context(self, caller: Caller | ServiceError | None) -> BaseContext:
        """Return a new context, with new loaders, for one request."""

    async def ping(self) -> None:
        """Check that the store responds. Raises an error if it does not."""

    def details(self) -> Mapping[str, object]:
        """Return what `/health/ready` shows about parts without which the service is ready, too."""


R = TypeVar("R", bound=Runtime)


def create_app(
    schema: SubgraphSchema,
    open_runtime: Callable[[], AbstractAsyncContextManager[R]],
    settings: SubgraphSettings,
    *,
    title: str,
    routes: Callable[[Callable[[], R]], Sequence[ServiceRoute]] = lambda _runtime: (),
) -> ASGIApp:
    """Create the application of a subgraph. It opens its resources when its lifespan starts.

    Args:
        schema: the schema of the endpoint `/graphql`.
        open_runtime: opens the service's resources at start-up; they are closed at shutdown.
        settings: contain the limits of a request, and whether the router must have signed it.
        title: the service's name in the supergraph and in its OpenAPI document.
        routes: a function that makes further routes, which need no signature of the router. Its argument is a function
            that returns the open runtime.

    Raises:
        StartupError: the file with the secret of signatures cannot be read or created.
    """
    resources = _Resources(open_runtime, settings.redis_url)
    app = FastAPI(title=title, lifespan=resources.lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    policy = RequestPolicy(settings.request_limits, settings.trusted_proxies)
    signed, unsigned = graphql_route(schema, resources.create_context, policy), [*routes(resources.runtime)]
    add_routes(app, (signed, *unsigned))
    direct = DirectRoutes(app, (signed, *unsigned))
    if schema.graphql.subscription_type is not None:
        resources.proofs = HandshakeProofs.of(settings)
        app.include_router(websocket_router(lambda: _subgraph(schema, resources, settings)))
    checks = {"store": resources.ping, "revocations": resources.ping_revocations}
    unsigned_paths = [route.path for route in unsigned]
    resources.protection = request_protection(settings, title, unsigned_paths)
    served = SignatureMiddleware(direct, resources.protection) if resources.protection is not None else direct
    return RequestIdMiddleware(
        HealthEndpoints(served, checks, resources.details), routes=[signed.path, *unsigned_paths]
    )


def _subgraph(schema: SubgraphSchema, resources: _Resources[R], settings: SubgraphSettings) -> Subgraph:
    runtime, proofs = resources.runtime(), resources.proofs
    assert proofs is not None  # noqa: S101 - a schema with subscriptions has them
    is_signed = resources.protection is not None
    return Subgraph(schema, runtime.verifier, runtime.context, settings.request_limits, proofs, is_signed)


class _Resources(Generic[R]):
    """Holds the runtime of an application, that is, its open resources.

    `lifespan` opens the runtime when the application starts, and closes it when the application stops. The stores
    of nonces in `protection` and of used proofs in `proofs` are closed too.
    """

    def __init__(self, open_runtime: Callable[[], AbstractAsyncContextManager[R]], redis_url: SecretStr | None) -> None:
        self._open_runtime = open_runtime
        self._redis_url = redis_url
        self._runtime: R | None = None
        self.protection: Protection | None = None
        self.proofs: HandshakeProofs | None = None

    @asynccontextmanager
    async def lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            if self.protection is not None:
                stack.push_async_callback(self.protection.nonces.aclose)
            if self.proofs is not None:
                stack.push_async_callback(self.proofs.aclose)
            if self._redis_url is not None:
                from subgraphs.kit.redis_check import check_redis  # noqa: PLC0415 - redis imports slowly

                await check_redis(self._redis_url)
            self._runtime = await stack.enter_async_context(self._open_runtime())
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
            is_signed = self.protection is not None
            caller = await caller_of(runtime.verifier, request.headers, is_signed=is_signed)
        except ServiceError as error:
            return runtime.context(error)
        return runtime.context(caller)

    async def ping(self) -> None:
        await self.runtime().ping()

    async def details(self) -> Mapping[str, object]:
        return {} if self._runtime is None else self._runtime.details()

    async def ping_revocations(self) -> None:
        await self.runtime().verifier.ping()

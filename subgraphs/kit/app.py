"""One subgraph as an ASGI application: GraphQL, health, request context, resources that live as long as it does."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar

from fastapi import APIRouter, FastAPI, Request

from servicekit.asgi import RequestContextMiddleware
from servicekit.errors import ServiceError, Unavailable
from servicekit.health import HealthEndpoints
from subgraphs.kit.http import graphql_router

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from bank.identity import Caller, TokenVerifier
    from servicekit.asgi import ASGIApp
    from subgraphs.kit.context import BaseContext
    from subgraphs.kit.schema import SubgraphSchema


class Runtime(Protocol):
    """A service's open resources."""

    @property
    def verifier(self) -> TokenVerifier: ...

    def context(self, caller: Caller | ServiceError | None) -> BaseContext:
        """A fresh context, with fresh loaders, for one request."""

    async def ping(self) -> None:
        """Raise unless the store answers."""


R = TypeVar("R", bound=Runtime)


def create_app(
    schema: SubgraphSchema,
    open_runtime: Callable[[], AbstractAsyncContextManager[R]],
    *,
    title: str,
    routers: Callable[[Callable[[], R]], Sequence[APIRouter]] = lambda _runtime: (),
) -> ASGIApp:
    """The application. Nothing is opened before its lifespan starts.

    Args:
        schema: what ``/graphql`` executes.
        open_runtime: opens the service's resources at start-up; they are closed at shutdown.
        title: the service's name in its OpenAPI document.
        routers: further routes, given a function that returns the open runtime.
    """
    opened: list[R] = []

    def runtime() -> R:
        if not opened:
            raise Unavailable
        return opened[0]

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with open_runtime() as resources:
            opened.append(resources)
            try:
                yield
            finally:
                opened.clear()

    async def create_context(request: Request) -> BaseContext:
        caller: Caller | ServiceError | None
        try:
            caller = await runtime().verifier.caller(request.headers.get("authorization"))
        except ServiceError as error:
            caller = error
        return runtime().context(caller)

    async def ready() -> None:
        await runtime().ping()

    app = FastAPI(title=title, lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(graphql_router(schema, create_context))
    for router in routers(runtime):
        app.include_router(router)
    return RequestContextMiddleware(HealthEndpoints(app, {"store": ready}))

"""The HTTP application of the admin port, with which operators control one or several workers.

GET  /health/live, /health/ready     the health of the router, which is ready when every worker is ready
GET  /status                         the memory, supergraph, caches, requests and last reload of each worker
POST /reload                         reloads each worker; requires the header Authorization: Bearer <admin.token>
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Protocol

import structlog

from router import json_codec
from router.lifecycle.gateway_generations import OPEN_BREAKERS
from servicekit.asgi import header
from servicekit.health import NotReady

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from router.settings.sections.admin import Admin
    from servicekit.asgi import Receive, Scope, Send

JsonObject = dict[str, object]
Headers = tuple[tuple[bytes, bytes], ...]
AdminResponse = tuple[int, JsonObject, Headers]

_CHALLENGE: Headers = ((b"www-authenticate", b"Bearer"),)

_log = structlog.stdlib.get_logger("admin")


class Operable(Protocol):
    """What the admin port controls: one router in this process, or several worker processes."""

    async def status(self) -> Sequence[JsonObject]:
        """Return the status of each worker."""
        ...

    async def reload(self) -> Sequence[JsonObject]:
        """Reload all workers, one after the other. Return the outcome for each worker (`ReloadOutcome.to_json`)."""
        ...


ADMIN_PATHS = ("/status", "/reload")
"""The paths of the admin port, in addition to the paths of the health checks."""


class AdminApp:
    """The ASGI application that serves `/status` and `/reload`. `HealthEndpoints` serves the health paths."""

    def __init__(self, operated: Operable, settings: Admin) -> None:
        self._operated = operated
        self._token = settings.token.get_secret_value() if settings.token is not None else None
        self._routes: Mapping[tuple[str, str], Callable[[Scope], Awaitable[AdminResponse]]] = {
            ("GET", "/status"): self._status,
            ("POST", "/reload"): self._reload,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive  # no route reads a request body
        status, body, extra_headers = await self._respond(scope)
        content = json_codec.encode(body)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(content)).encode()),
            (b"cache-control", b"no-store"),
            *extra_headers,
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _respond(self, scope: Scope) -> AdminResponse:
        route = self._routes.get((scope["method"], scope["path"]))
        if route is not None:
            return await route(scope)
        allowed = [method for method, path in self._routes if path == scope["path"]]
        if allowed:
            return 405, {"error": f"use {', '.join(allowed)}"}, ((b"allow", ", ".join(allowed).encode()),)
        return 404, {"error": f"there is {', '.join(f'{method} {path}' for method, path in self._routes)}"}, ()

    async def _status(self, _scope: Scope) -> AdminResponse:
        return 200, {"workers": list(await self._operated.status())}, ()

    async def _reload(self, scope: Scope) -> AdminResponse:
        if self._token is None:
            return 403, {"error": "set admin.token in router.yaml to reload through this port"}, ()
        scheme, _, given = (header(scope, b"authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not secrets.compare_digest(given.strip().encode(), self._token.encode()):
            _log.warning("a reload request had a wrong token")
            return 401, {"error": "the token differs from admin.token"}, _CHALLENGE
        outcomes = list(await self._operated.reload())
        refused = any(outcome["result"] == "refused" for outcome in outcomes)
        return (422 if refused else 200), {"workers": outcomes}, ()


def ready_check(operated: Operable) -> Callable[[], Awaitable[None]]:
    """Return a readiness check. The check raises `NotReady` unless every worker is ready."""

    async def check() -> None:
        workers = await operated.status()
        if not workers or not all(worker.get("ready") for worker in workers):
            raise NotReady("not every worker is ready")

    return check


def breaker_details(operated: Operable) -> Callable[[], Awaitable[JsonObject]]:
    """Return a function that names the subgraphs whose circuit breaker is not closed in some worker."""

    async def details() -> JsonObject:
        own = [worker.get(OPEN_BREAKERS) for worker in await operated.status()]
        names = sorted({str(name) for each in own if isinstance(each, list) for name in each})
        return {OPEN_BREAKERS: names} if names else {}

    return details

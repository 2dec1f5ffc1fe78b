"""`CallerCheck`: refuses requests of processes that may not send them.

The identity comes from the client's certificate (`servicekit.tls.peer`). The rules say for each path who may call it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import structlog

from servicekit.asgi import closing_after
from servicekit.tls.peer import peer_in_extensions

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from servicekit.asgi import ASGIApp, Receive, Scope, Send
    from servicekit.http_server.messages import DirectApplication, DirectWork, WholeRequest

_log = structlog.stdlib.get_logger("tls")


class CallerRules:
    """Who may call which paths. A path stands for itself and all paths below it; the longest one decides.

    A path that no rule has is refused for every caller.
    """

    def __init__(self, callers: Mapping[str, Collection[str]]) -> None:
        """`callers` maps a path to the identities that may call it."""
        ordered = sorted(callers.items(), key=lambda rule: len(rule[0]), reverse=True)
        self._rules = [(path, path.rstrip("/") + "/", frozenset(identities)) for path, identities in ordered]

    def rule_of(self, path: str) -> str | None:
        """Return the path of the rule that decides about `path`; None without a rule."""
        deciding = self._deciding(path)
        return None if deciding is None else deciding[0]

    def allows(self, identity: str, path: str) -> bool:
        """Return whether the process with this identity may call `path`."""
        deciding = self._deciding(path)
        return deciding is not None and identity in deciding[2]

    def _deciding(self, path: str) -> tuple[str, str, frozenset[str]] | None:
        return next((rule for rule in self._rules if path == rule[0] or path.startswith(rule[1])), None)


class CallerCheck:
    """Passes requests of allowed callers to `app`, and all other requests to `refuse`, which responds with 403.

    A WebSocket of another caller is refused before it is opened. If the certificate of the caller has expired since the
    connection was opened, the connection is closed after the response, so that the caller must present a new one.

    `direct` is the application for requests of allowed callers that need no messages of ASGI; None for no such
    application.
    """

    def __init__(
        self, app: ASGIApp, rules: CallerRules, forbid: ASGIApp, direct: DirectApplication | None = None
    ) -> None:
        self._app = app
        self._rules = rules
        self._forbid = forbid
        self._direct = direct

    def direct(self, request: WholeRequest) -> DirectWork | None:
        """See `DirectApplication.direct`. A request that is refused, or closes its connection, needs the messages."""
        peer = peer_in_extensions(request.head.connection.extensions)
        if self._direct is None or peer is None or peer.expires_at <= time.time():
            return None
        return self._direct.direct(request) if self._rules.allows(peer.identity, request.head.path) else None

    async def refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See `DirectApplication.refuse`. Only requests that `direct` has taken get here."""
        if self._direct is not None:
            await self._direct.refuse(scope, receive, send)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        peer = peer_in_extensions(scope.get("extensions", {}))
        if peer is not None and self._rules.allows(peer.identity, scope["path"]):
            await self._app(scope, receive, send if time.time() < peer.expires_at else closing_after(send))
            return
        _log.warning(
            "caller refused",
            caller=peer.identity if peer is not None else None,
            # The path itself is not logged, because it may contain personal data.
            rule=self._rules.rule_of(scope["path"]),
        )
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        else:
            await self._forbid(scope, receive, send)

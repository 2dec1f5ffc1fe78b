"""Responses for requests that the gateway cannot deliver, in the form of our APIs.

Traefik responds with a plain text if a process is away. Its middleware `errors` fetches a body from another process
instead, at one of these paths (traefik/config/limits.yml):

```
/health/gateway-errors/api/503        the envelope of the REST API
/health/gateway-errors/graphql/503    a GraphQL response
```

The status is 200, because Traefik sends the status in the path itself.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from bank import values
from servicekit import request_ids
from servicekit.access_log import RequestIdMiddleware
from servicekit.errors import TimedOut, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from servicekit.asgi import ASGIApp, Receive, Scope, Send

PREFIX: Final = "/health/gateway-errors"


def _envelope(error: Unavailable | TimedOut) -> Mapping[str, object]:
    ids = request_ids.current()
    return {
        "error": {"code": error.code, "message": error.message, "details": {}},
        "requestId": "" if ids is None else ids.request_id,
        "timestamp": values.format_timestamp(values.now()),
    }


def _graphql(error: Unavailable | TimedOut) -> Mapping[str, object]:
    return {"errors": [{"message": error.message, "extensions": {"code": error.code, **error.details}}]}


_ERRORS: Final[tuple[type[Unavailable | TimedOut], ...]] = (Unavailable, TimedOut)
_FORMS: Final[Mapping[str, Callable[[Unavailable | TimedOut], Mapping[str, object]]]] = {
    "api": _envelope,
    "graphql": _graphql,
}
_RESPONSES: Final = {
    f"{PREFIX}/{name}/{error.status}": (form, error) for name, form in _FORMS.items() for error in _ERRORS
}
PATHS: Final = frozenset(_RESPONSES)


class GatewayErrors:
    """Responds at the paths above, and passes every other request to `app`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._respond = RequestIdMiddleware(_respond, access_log=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_own = scope["type"] == "http" and scope["method"] == "GET" and scope["path"] in _RESPONSES
        await (self._respond if is_own else self._app)(scope, receive, send)


async def _respond(scope: Scope, receive: Receive, send: Send) -> None:
    del receive
    form, kind = _RESPONSES[scope["path"]]
    error = kind()
    body = json.dumps(form(error)).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"retry-after", str(error.retry_after).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})

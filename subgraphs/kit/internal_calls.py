"""Calls of a service to the internal API of another service (`subgraphs.kit.internal_routes`)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import msgspec

from servicekit import request_ids
from servicekit.http1.pool import PoolLimits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bank.service_credential import ServiceCredential
    from servicekit.http1.connection import RawResponse
    from servicekit.http1.service_client import ServiceClient

# How long a call may take, in seconds. It normally takes milliseconds. This time is shorter than the router's timeout
# for subgraphs: after it, an order stays PENDING, and the client gets a response with this status.
CALL_SECONDS: Final = 5.0
LIMITS: Final = PoolLimits(connect_seconds=2.0)


class InternalApi:
    """The internal API of another service. Each of its calls may be repeated (bank §2.7, §2.15, §2.22)."""

    def __init__(self, client: ServiceClient, credential: ServiceCredential, *, service: str, audience: str) -> None:
        """`service` is the name of the calling service, and `audience` names the API (`bank.service_credential`)."""
        self._client = client
        self._credential = credential
        self._service = service
        self._audience = audience

    async def post(
        self, path: str, body: Mapping[str, object], headers: Mapping[str, str] | None = None
    ) -> RawResponse:
        """Send `body` as JSON, with the ids of the current request and with `headers`.

        Raises:
            NotConnected, PoolFull, TimeoutError, ExchangeFailed, ValueError: as `ServiceClient.post`.
        """
        sent = {
            **request_ids.outgoing_headers(),
            **(headers or {}),
            "authorization": self._credential.authorization(service=self._service, audience=self._audience),
        }
        return await self._client.post(path, sent, _encoded(body), seconds=CALL_SECONDS, repeatable=True)


def _encoded(body: Mapping[str, object]) -> bytes:
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        # A client's text may contain half of a surrogate pair, which only an escape sequence of JSON can express.
        return json.dumps(body).encode()

"""Calls a service through httpx, for services that run in this process without a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from servicekit.http1.connection import ExchangeFailed, RawResponse
from servicekit.http1.pool import NotConnected

if TYPE_CHECKING:
    from collections.abc import Mapping


class HttpxServiceClient:
    """A `servicekit.http1.service_client.ServiceClient` that sends the requests by an `httpx.AsyncClient`."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        """`client` has the base URL of the service, and for example an `httpx.ASGITransport` to it."""
        self._client = client

    async def post(
        self, path: str, headers: Mapping[str, str], body: bytes, *, seconds: float, repeatable: bool
    ) -> RawResponse:
        _ = repeatable  # without a socket, no connection is closed
        own = {"content-type": "application/json", **headers}
        try:
            response = await self._client.post(path, headers=own, content=body, timeout=seconds)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise NotConnected(str(error)) from error
        except httpx.TimeoutException as error:
            raise TimeoutError(str(error)) from error
        except httpx.HTTPError as error:
            raise ExchangeFailed(str(error), response_begun=False) from error
        return RawResponse(response.status_code, dict(response.headers), response.content)

"""Query a running GraphQL service for its schema, with limits for the time and the length of the response."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from router.composition.find_surrogates import has_surrogates
from router.composition.supergraph_yaml import ConfigError
from router.composition.url_without_secrets import without_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

_QUERY = "query SubgraphSdl { _service { sdl } }"

_LAST_PORT = 65535
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"(?:[!-~](?:[ \t!-~]*[!-~])?)?")

# Without this limit, an endless response would fill the memory. The largest public schemas have a tenth of this size.
_MAX_RESPONSE_BYTES = 32 * 1024 * 1024


async def introspect(
    url: str, headers: Mapping[str, str], timeout_seconds: float, transport: httpx.AsyncBaseTransport | None = None
) -> str:
    """Query a running subgraph for its SDL (`_service { sdl }`).

    Args:
        url: The subgraph's GraphQL endpoint. Redirects are not followed, because headers may contain credentials.
        headers: Headers of the request.
        timeout_seconds: The time limit for the request and the response together.
        transport: The transport of the HTTP client. Tests pass a transport that does not use the network.

    Raises:
        ConfigError: The service is unreachable, returns an error, or is not a subgraph.
    """
    service = RunningService(url, headers, timeout_seconds, transport)
    status, response_body = await service.send(_QUERY)
    return _sdl_of(without_secrets(url), status, response_body)


@dataclass(frozen=True, slots=True)
class RunningService:
    """A GraphQL service that is queried for its schema; see `introspect` for the attributes."""

    url: str
    headers: Mapping[str, str]
    timeout_seconds: float
    transport: httpx.AsyncBaseTransport | None = None

    async def send(self, query: str) -> tuple[int, bytes]:
        """Send a query, and return the status and the body of the response.

        Raises:
            ConfigError: The service is unreachable, or its response is too long or too late.
        """
        shown = without_secrets(self.url)
        _check_address(shown, self.url)
        _check_headers(shown, self.headers)
        try:
            async with asyncio.timeout(self.timeout_seconds):
                return await _post(self, query)
        except TimeoutError:
            raise ConfigError(f"{shown}: did not return its SDL within {self.timeout_seconds:g} s") from None
        except (httpx.HTTPError, UnicodeError) as error:
            reason = str(error) or type(error).__name__
            raise ConfigError(f"{shown}: cannot be queried for its SDL: {reason}") from None


def _check_address(shown: str, url: str) -> None:
    try:
        parsed = httpx.URL(url)
        host = parsed.host
    except (httpx.InvalidURL, UnicodeError) as error:
        raise ConfigError(f"{shown}: is not a URL: {error}") from None
    if parsed.scheme not in ("http", "https") or not host:
        raise ConfigError(f'"{shown}" is not the URL of a subgraph: it must begin with http:// or https://')
    if parsed.port is not None and parsed.port > _LAST_PORT:
        raise ConfigError(f"{shown}: is not a URL: there is no port {parsed.port}")


def _check_headers(shown: str, headers: Mapping[str, str]) -> None:
    """Raise `ConfigError` if the name or the value of a header is invalid (RFC 9110 §5.1, §5.5).

    The message does not contain the value, because the value may be a credential.
    """
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ConfigError(f'{shown}: "{_printable(name)}" is not the name of a header')
        if not _HEADER_VALUE.fullmatch(value):
            raise ConfigError(
                f'{shown}: the value of the header "{name}" contains a character that a header cannot contain'
            )


async def _post(service: RunningService, query: str) -> tuple[int, bytes]:
    response_body = bytearray()
    headers = {"Accept": "application/json", **service.headers}
    async with (
        httpx.AsyncClient(timeout=None, transport=service.transport, follow_redirects=False) as client,  # noqa: S113  # the caller limits the whole exchange
        client.stream("POST", service.url, json={"query": query}, headers=headers) as response,
    ):
        async for chunk in response.aiter_bytes():
            response_body += chunk
            if len(response_body) > _MAX_RESPONSE_BYTES:
                raise httpx.DecodingError(f"its response is longer than {_MAX_RESPONSE_BYTES} bytes")
    return response.status_code, bytes(response_body)


def _sdl_of(shown: str, status: int, response_body: bytes) -> str:
    well = httpx.codes.is_success(status)
    try:
        body = json.loads(response_body)
    except (ValueError, RecursionError):
        problem = "did not return JSON" if well else f"returned status {status} when queried for its SDL"
        raise ConfigError(f"{shown}: {problem}") from None
    match body:
        case {"data": {"_service": {"sdl": str(sdl)}}} if well:
            if has_surrogates(sdl):
                raise ConfigError(f"{shown}: its SDL contains half of a surrogate pair")
            return sdl
        case {"errors": [{"message": str(message)}, *_]}:
            # A server whose schema has no `_service` reports that the query is invalid. Some of these servers respond
            # with status 400.
            raise ConfigError(f"{shown}: does not return its SDL: {_printable(message)}")
        case _ if not well:
            raise ConfigError(f"{shown}: returned status {status} when queried for its SDL")
        case _:
            raise ConfigError(f"{shown}: is not a federated subgraph: it has no _service {{ sdl }}")


def _printable(text: str) -> str:
    """Replace control characters by spaces, so that a service's message is safe to print on a terminal."""
    return "".join(each if each.isprintable() else " " for each in text)

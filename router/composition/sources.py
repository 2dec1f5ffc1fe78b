"""Fetch the SDL of each configured subgraph: from a file, from the configuration itself, from the running service."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import httpx

from router.composition.config import ConfigError, SubgraphSource
from router.composition.reading.subgraph import Subgraph

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_QUERY = "query SubgraphSdl { _service { sdl } }"

# The largest published schemas have a tenth of that. A service that never stops talking must not fill the memory.
_MAX_ANSWER_BYTES = 32 * 1024 * 1024


def load_subgraphs(
    sources: Sequence[SubgraphSource], timeout_seconds: float, transport: httpx.AsyncBaseTransport | None = None
) -> list[Subgraph]:
    """All subgraphs, ready to compose, in the order of the sources. Running subgraphs are asked all at once.

    Raises:
        ConfigError: a file cannot be read, or a service does not tell its SDL; one line for each of them.
    """

    async def load() -> list[str | BaseException]:
        asked = (_sdl(source, timeout_seconds, transport) for source in sources)
        return await asyncio.gather(*asked, return_exceptions=True)

    subgraphs, problems = [], []
    for source, sdl in zip(sources, asyncio.run(load()), strict=True):
        if isinstance(sdl, ConfigError):
            problems.append(str(sdl))
        elif isinstance(sdl, BaseException):
            raise sdl
        else:
            subgraphs.append(Subgraph(source.name, source.routing_url, sdl))
    if problems:
        raise ConfigError("\n".join(problems))
    return subgraphs


async def _sdl(source: SubgraphSource, timeout_seconds: float, transport: httpx.AsyncBaseTransport | None) -> str:
    if source.sdl is not None:
        return source.sdl
    if source.subgraph_url is not None:
        return await introspect(source.subgraph_url, source.headers, timeout_seconds, transport)
    if source.file is None:
        raise ConfigError(f'subgraph "{source.name}" has no source')
    return _read(source.name, source.file)


def _read(name: str, file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f'{file}: the schema of "{name}" cannot be read: {error.strerror}') from error
    except UnicodeDecodeError as error:
        raise ConfigError(f'{file}: the schema of "{name}" is not UTF-8') from error


async def introspect(
    url: str, headers: Mapping[str, str], timeout_seconds: float, transport: httpx.AsyncBaseTransport | None = None
) -> str:
    """Ask a running subgraph for its SDL (`_service { sdl }`).

    Args:
        url: its GraphQL endpoint. Redirects are not followed: headers may hold credentials.
        headers: sent with the question.
        timeout_seconds: what the whole exchange may take.
        transport: instead of the network, in tests.

    Raises:
        ConfigError: it is unreachable, answers with an error, or is no subgraph.
    """
    shown = _without_secrets(url)
    try:
        async with asyncio.timeout(timeout_seconds):
            body = json.loads(await _ask(url, headers, transport))
    except httpx.HTTPStatusError as error:
        raise ConfigError(f"{shown}: answered {error.response.status_code} to the question for its SDL") from None
    except TimeoutError:
        raise ConfigError(f"{shown}: did not tell its SDL within {timeout_seconds:g} s") from None
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeEncodeError) as error:
        raise ConfigError(f"{shown}: cannot be asked for its SDL: {str(error) or type(error).__name__}") from None
    except (ValueError, RecursionError):
        raise ConfigError(f"{shown}: did not answer with JSON") from None
    match body:
        case {"data": {"_service": {"sdl": str(sdl)}}}:
            return sdl
        case {"errors": [{"message": str(message)}, *_]}:
            # Somebody else's words, on their way to a terminal.
            printable = "".join(each if each.isprintable() else " " for each in message)
            raise ConfigError(f"{shown}: does not tell its SDL: {printable}")
        case _:
            raise ConfigError(f"{shown}: is no federated subgraph, it has no _service {{ sdl }}")


async def _ask(url: str, headers: Mapping[str, str], transport: httpx.AsyncBaseTransport | None) -> bytes:
    answer = bytearray()
    async with (
        httpx.AsyncClient(timeout=None, transport=transport, follow_redirects=False) as client,  # noqa: S113  # the caller has one for all of it
        client.stream(
            "POST", url, json={"query": _QUERY}, headers={"Accept": "application/json", **headers}
        ) as response,
    ):
        response.raise_for_status()
        async for chunk in response.aiter_bytes():
            answer += chunk
            if len(answer) > _MAX_ANSWER_BYTES:
                raise httpx.DecodingError(f"its answer is longer than {_MAX_ANSWER_BYTES} bytes")
    return bytes(answer)


def _without_secrets(url: str) -> str:
    """Credentials before the host and tokens in the query are not for logs."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeEncodeError):
        return url.rpartition("@")[2].partition("?")[0]
    return str(parsed.copy_with(userinfo=b"", query=None))

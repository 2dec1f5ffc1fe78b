"""Fetch the SDL of each configured subgraph: from a file, from the configuration itself, from the running service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from router.composition.config import ConfigError, SubgraphSource
from router.composition.reading.subgraph import Subgraph

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_QUERY = "query SubgraphSdl { _service { sdl } }"


def load_subgraphs(
    sources: Iterable[SubgraphSource], timeout_seconds: float, transport: httpx.BaseTransport | None = None
) -> list[Subgraph]:
    """All subgraphs, ready to compose.

    Raises:
        ConfigError: a file cannot be read, or a service does not tell its SDL.
    """
    return [Subgraph(source.name, source.routing_url, _sdl(source, timeout_seconds, transport)) for source in sources]


def _sdl(source: SubgraphSource, timeout_seconds: float, transport: httpx.BaseTransport | None) -> str:
    if source.sdl is not None:
        return source.sdl
    if source.subgraph_url is not None:
        return introspect(source.subgraph_url, source.headers, timeout_seconds, transport)
    if source.file is None:
        raise ConfigError(f'subgraph "{source.name}" has no source')
    try:
        return source.file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f'{source.file}: the schema of "{source.name}" cannot be read: {error.strerror}') from error
    except UnicodeDecodeError as error:
        raise ConfigError(f'{source.file}: the schema of "{source.name}" is not UTF-8') from error


def introspect(
    url: str, headers: Mapping[str, str], timeout_seconds: float, transport: httpx.BaseTransport | None = None
) -> str:
    """Ask a running subgraph for its SDL (`_service { sdl }`).

    Raises:
        ConfigError: it is unreachable, answers with an error, or is no subgraph.
    """
    try:
        with httpx.Client(timeout=timeout_seconds, transport=transport, follow_redirects=False) as client:
            response = client.post(
                url, json={"query": _QUERY}, headers={"Accept": "application/json", **headers}
            ).raise_for_status()
            body = response.json()
    except httpx.HTTPStatusError as error:
        raise ConfigError(f"{url}: answered {error.response.status_code} to the question for its SDL") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ConfigError(f"{url}: cannot be asked for its SDL: {str(error) or type(error).__name__}") from error
    except ValueError as error:
        raise ConfigError(f"{url}: did not answer with JSON") from error
    match body:
        case {"data": {"_service": {"sdl": str(sdl)}}}:
            return sdl
        case {"errors": [{"message": str(message)}, *_]}:
            raise ConfigError(f"{url}: does not tell its SDL: {message}")
        case _:
            raise ConfigError(f"{url}: is no federated subgraph, it has no _service {{ sdl }}")

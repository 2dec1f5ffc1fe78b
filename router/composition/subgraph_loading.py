"""Load the SDL of each subgraph from its source in `supergraph.yaml`: a file, inline SDL, or a running service."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from router.composition.reading.read_subgraph import Subgraph
from router.composition.supergraph_yaml import ConfigError, SubgraphSource

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import httpx


def load_subgraphs(
    sources: Sequence[SubgraphSource], timeout_seconds: float, transport: httpx.AsyncBaseTransport | None = None
) -> list[Subgraph]:
    """Load all subgraphs, in the order of the sources. All running services are queried at the same time.

    Raises:
        ConfigError: A file cannot be read, or a service does not return its SDL. The message has one line for each
            file and service that failed.
    """

    async def load() -> list[str | BaseException]:
        loading = (_sdl(source, timeout_seconds, transport) for source in sources)
        return await asyncio.gather(*loading, return_exceptions=True)

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
        # The HTTP client takes a fifth of a second to import, and most lists of subgraphs name only files.
        from router.composition.query_running_service import introspect  # noqa: PLC0415

        return await introspect(source.subgraph_url, source.headers, timeout_seconds, transport)
    if source.file is None:
        raise ConfigError(f'subgraph "{source.name}" has no source')
    return _read(source, source.file)


def _read(source: SubgraphSource, file: Path) -> str:
    what = f'{source.place}: the schema of "{source.name}", {file},' if source.place else f"{file}: the schema"
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{what} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{what} is not UTF-8") from error

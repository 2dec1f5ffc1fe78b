from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.subgraphs.kit import library
from tests.subgraphs.support import GraphQLClient, Issuer, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
async def http(issuer: Issuer, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with issuer.published(), running(library.app(issuer, tmp_path)) as client:
        yield client


@pytest.fixture
def client(http: httpx.AsyncClient) -> GraphQLClient:
    return GraphQLClient(http)

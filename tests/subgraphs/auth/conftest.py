from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from servicekit.settings import load
from subgraphs.auth.app import create_app
from subgraphs.auth.settings import AuthSettings
from tests.subgraphs.auth.client import Auth
from tests.subgraphs.auth.command_line import CommandLine
from tests.subgraphs.support import GraphQLClient, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
def settings(tmp_path: Path) -> AuthSettings:
    environ = {"MOSAFE_ENV": "development", "MOSAFE_DATA_DIR": str(tmp_path), "AUTH_ISSUER": "http://auth.test"}
    return load(AuthSettings, {**environ, "SUBGRAPH_SIGNATURES": "off"})


@pytest.fixture
async def auth(settings: AuthSettings) -> AsyncIterator[Auth]:
    async with running(create_app(settings)) as http:
        yield Auth(GraphQLClient(http))


@pytest.fixture
def mosafe_auth(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)

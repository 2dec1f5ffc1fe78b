"""The fixtures of tests that need the tools of `make test-deploy`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.deploy.front import Front, running_front
from tests.tools.deploy_tools import require_deploy_tools

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
def deploy_tools(request: pytest.FixtureRequest) -> None:
    """Skip the test, unless `make test-deploy` runs it."""
    require_deploy_tools(request)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def front(request: pytest.FixtureRequest) -> AsyncIterator[Front]:
    """Traefik in front of the platform. Tests that stop a process start it again."""
    require_deploy_tools(request)
    async with running_front() as found:
        yield found

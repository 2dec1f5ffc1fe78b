from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from servicekit.settings import load
from subgraphs.auth.app import create_app
from subgraphs.auth.settings import AuthSettings
from subgraphs.auth.store.factory import STORES
from subgraphs.kit.store_identity import open_joined
from tests.subgraphs.auth.oauth.browser import Running
from tests.subgraphs.support import running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> AuthSettings:
    environ = {
        "MOSAFE_ENV": "development",
        "MOSAFE_DATA_DIR": str(tmp_path),
        "AUTH_ISSUER": "http://auth.test",
        "SUBGRAPH_SIGNATURES": "off",
        "AUTH_RATE_LIMITS": "token-account=20/3600",
        # The clock of these tests goes on, and a code is used once: an app may be a step ahead.
        "AUTH_TOTP_TOLERANCE": "1",
    }
    if request.param == "postgresql":
        environ["AUTH_DB_URL"] = request.getfixturevalue("postgres_url")
    return load(AuthSettings, environ)


@pytest.fixture
async def bank(settings: AuthSettings) -> AsyncIterator[Running]:
    """The auth service with its user Ann."""
    async with AsyncExitStack() as stack:
        app = create_app(settings)
        http = await stack.enter_async_context(running(app))
        store = await stack.enter_async_context(open_joined(settings.place, STORES))
        found = Running(app, http, store, settings)
        await found.auth.sign_up("Ann")
        yield found

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from servicekit.settings import load
from subgraphs.auth.settings import AuthSettings
from tests.subgraphs.auth.oauth.conftest import bank

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["bank"]  # the fixture


@pytest.fixture
def settings(tmp_path: Path) -> AuthSettings:
    environ = {
        "MOSAFE_ENV": "development",
        "MOSAFE_DATA_DIR": str(tmp_path),
        "AUTH_ISSUER": "http://127.0.0.1:3001",
        "SUBGRAPH_SIGNATURES": "off",
        "AUTH_TOTP_TOLERANCE": "1",  # a test that needs a second code takes that of the next half minute
    }
    return load(AuthSettings, environ)

"""Covers `subgraphs/*/store/factory.py`: the stores of this release, and the start with another URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from servicekit.errors import ConfigurationError
from servicekit.settings import load
from subgraphs.account import app as account
from subgraphs.account.settings import AccountSettings
from subgraphs.auth import app as auth
from subgraphs.auth.settings import AuthSettings
from subgraphs.transaction import app as transaction
from subgraphs.transaction.settings import TransactionSettings
from tests.subgraphs.support import running

if TYPE_CHECKING:
    from pathlib import Path

    from servicekit.asgi import ASGIApp


SERVICES = ("AUTH", "ACCOUNT", "TRANSACTION")


def application(service: str, variables: dict[str, str]) -> ASGIApp:
    match service:
        case "AUTH":
            return auth.create_app(load(AuthSettings, variables))
        case "ACCOUNT":
            return account.create_app(load(AccountSettings, variables))
        case _:
            return transaction.create_app(load(TransactionSettings, variables))


@pytest.mark.parametrize(
    ("service", "url"),
    [
        *((service, url) for service in SERVICES for url in ("mysql://user:hunter2@db/x", "sqlite://x")),
        ("AUTH", "mongodb://user:hunter2@db/x"),
        ("ACCOUNT", "postgresql://user:hunter2@db/x"),
        ("TRANSACTION", "postgresql://user:hunter2@db/x"),
    ],
)
async def test_a_store_this_release_does_not_have_stops_the_start(service: str, url: str, tmp_path: Path) -> None:
    variable = f"{service}_DB_URL"
    app = application(service, {"MOSAFE_DATA_DIR": str(tmp_path), variable: url})
    with pytest.raises(ConfigurationError, match=f"{variable}: .*unset it") as caught:
        async with running(app):
            pass
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("service", SERVICES)
async def test_a_url_moves_the_file(service: str, tmp_path: Path) -> None:
    file = tmp_path / "elsewhere" / "x.sqlite3"
    app = application(service, {"MOSAFE_DATA_DIR": str(tmp_path), f"{service}_DB_URL": f"sqlite:///{file}"})
    async with running(app):
        assert file.is_file()

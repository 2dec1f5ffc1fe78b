from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from pydantic import SecretStr

from servicekit.errors import ConfigurationError
from subgraphs.kit.store_factory import SQLITE, Clock, StoreAddress, Stores, open_store

DEFAULT: Final = Path("/data/x.sqlite3")


class Store:
    def __init__(self, address: StoreAddress) -> None:
        self.address = address
        self.is_open = True

    async def close(self) -> None:
        self.is_open = False


async def open_fake(address: StoreAddress, _clock: Clock) -> Store:
    return Store(address)


STORES: Final[Stores[Store]] = {SQLITE: open_fake, "mongodb": open_fake}


def address(url: str | None) -> StoreAddress:
    return StoreAddress(None if url is None else SecretStr(url), "X_DB_URL", DEFAULT)


@pytest.mark.parametrize("url", [None, "sqlite:///other.sqlite3", "mongodb://user:hunter2@db/x", "MongoDB://db/x"])
async def test_the_scheme_selects_the_store_which_is_closed_after_use(url: str | None) -> None:
    async with open_store(address(url), STORES) as store:
        assert store.address == address(url)
        assert store.is_open
    assert not store.is_open


@pytest.mark.parametrize("url", ["postgresql://user:hunter2@db/x", "x.sqlite3", ""])
async def test_an_unknown_scheme_is_refused_with_its_variable_and_without_the_url(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        async with open_store(address(url), STORES):
            pass
    assert caught.value.variable == "X_DB_URL"
    assert "unset it" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_sqlite_file_is_the_default_or_the_urls() -> None:
    assert address(None).sqlite_file == DEFAULT
    assert address("sqlite:///other.sqlite3").sqlite_file == Path("other.sqlite3")
    with pytest.raises(ConfigurationError, match="X_DB_URL"):
        _ = address("sqlite://").sqlite_file

"""The settings of the account service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from servicekit.errors import ConfigurationError
from servicekit.settings import load
from subgraphs.account.settings import AccountSettings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("url", ["mongodb://db:27017/accounts", "sqlite://", "postgresql://db/accounts"])
def test_a_store_this_release_does_not_have_is_refused(url: str) -> None:
    settings = load(AccountSettings, {"ACCOUNT_DB_URL": url})
    with pytest.raises(ConfigurationError, match="ACCOUNT_DB_URL"):
        _ = settings.database


def test_the_file_lies_in_the_data_directory_or_where_the_url_says(tmp_path: Path) -> None:
    assert load(AccountSettings, {"MOSAFE_DATA_DIR": str(tmp_path)}).database == tmp_path / "account.sqlite3"
    url = f"sqlite:///{tmp_path}/elsewhere.sqlite3"
    assert load(AccountSettings, {"ACCOUNT_DB_URL": url}).database == tmp_path / "elsewhere.sqlite3"


@pytest.mark.parametrize(("name", "value"), [("ACCOUNT_MAX_PER_USER", "0"), ("ACCOUNT_PORT", "3002x")])
def test_a_malformed_value_names_its_variable(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        load(AccountSettings, {name: value})

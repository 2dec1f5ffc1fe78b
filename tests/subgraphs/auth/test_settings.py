"""The issuer of access tokens is the public address of the auth service, unless it is set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mosafe.processes import addresses
from servicekit.settings import load
from subgraphs.account.settings import AccountSettings
from subgraphs.auth.settings import AuthSettings
from subgraphs.transaction.settings import TransactionSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from subgraphs.kit.settings import SubgraphSettings


@pytest.mark.parametrize(
    ("variables", "issuer"),
    [
        ({}, "http://127.0.0.1:3001"),
        ({"AUTH_PORT": "5001"}, "http://127.0.0.1:5001"),
        ({"AUTH_PORT": "0"}, "http://127.0.0.1:3001"),
        ({"AUTH_PORT": "5001", "AUTH_ISSUER": "https://bank.example"}, "https://bank.example"),
        ({"AUTH_PORT": "5001", "AUTH_PUBLIC_URL": "https://id.bank.example/"}, "https://id.bank.example"),
        ({"AUTH_PUBLIC_URL": "https://id.bank.example", "AUTH_ISSUER": "https://bank.example"}, "https://bank.example"),
    ],
)
def test_the_issuer_follows_the_public_address(variables: Mapping[str, str], issuer: str) -> None:
    assert load(AuthSettings, variables).issuer == issuer


@pytest.mark.parametrize("settings", [AuthSettings, AccountSettings, TransactionSettings])
def test_every_service_expects_the_same_issuer(settings: type[SubgraphSettings]) -> None:
    assert load(settings, {"AUTH_PUBLIC_URL": "https://id.bank.example/"}).issuer == "https://id.bank.example"


def test_the_platform_tells_every_process_the_issuer() -> None:
    """A verifier does not know AUTH_PORT, but must expect the same issuer."""
    assert addresses({"AUTH_PORT": "5001"})["AUTH_ISSUER"] == "http://127.0.0.1:5001"
    assert "AUTH_ISSUER" not in addresses({"AUTH_PORT": "5001", "AUTH_ISSUER": "https://bank.example"})
    assert addresses({"AUTH_PUBLIC_URL": "https://id.bank.example/"})["AUTH_ISSUER"] == "https://id.bank.example"

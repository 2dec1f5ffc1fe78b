"""The issuer of access tokens names the port of the service unless it is set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mosafe.processes import addresses
from servicekit.settings import load
from subgraphs.auth.settings import AuthSettings

if TYPE_CHECKING:
    from collections.abc import Mapping


@pytest.mark.parametrize(
    ("variables", "issuer"),
    [
        ({}, "http://127.0.0.1:3001"),
        ({"AUTH_PORT": "5001"}, "http://127.0.0.1:5001"),
        ({"AUTH_PORT": "0"}, "http://127.0.0.1:3001"),
        ({"AUTH_PORT": "5001", "AUTH_ISSUER": "https://bank.example"}, "https://bank.example"),
    ],
)
def test_the_issuer_follows_the_port(variables: Mapping[str, str], issuer: str) -> None:
    assert load(AuthSettings, variables).issuer == issuer


def test_the_platform_tells_every_process_the_issuer() -> None:
    """A verifier does not know AUTH_PORT, but must expect the same issuer."""
    assert addresses({"AUTH_PORT": "5001"})["AUTH_ISSUER"] == "http://127.0.0.1:5001"
    assert "AUTH_ISSUER" not in addresses({"AUTH_PORT": "5001", "AUTH_ISSUER": "https://bank.example"})

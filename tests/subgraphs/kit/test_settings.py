from __future__ import annotations

import pytest

from servicekit.errors import ConfigurationError
from servicekit.settings import load
from subgraphs.kit.settings import SubgraphSettings


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, "http://127.0.0.1:3001/.well-known/jwks.json"),
        ({"AUTH_ISSUER": "https://bank.example/"}, "https://bank.example/.well-known/jwks.json"),
        ({"AUTH_ISSUER": "https://bank.example", "AUTH_JWKS_URL": "http://auth/keys"}, "http://auth/keys"),
    ],
)
def test_the_keys_are_below_the_issuer_unless_a_url_is_given(variables: dict[str, str], url: str) -> None:
    assert load(SubgraphSettings, variables).signing_keys_url == url


@pytest.mark.parametrize("variable", ["AUTH_ISSUER", "AUTH_JWKS_URL"])
def test_a_url_without_http_is_refused(variable: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(SubgraphSettings, {variable: "auth:3001"})
    assert caught.value.variable == variable

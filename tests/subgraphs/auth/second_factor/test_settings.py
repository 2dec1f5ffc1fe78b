from __future__ import annotations

import pytest

from servicekit.errors import ConfigurationError
from servicekit.settings import load
from subgraphs.auth.second_factor.settings import parse_origins, relying_party
from subgraphs.auth.settings import AuthSettings


@pytest.mark.parametrize(
    ("url", "origins", "expected"),
    [
        ("https://bank.example", "", ("bank.example", ["https://bank.example"])),
        ("https://bank.example:8443/auth", "", ("bank.example", ["https://bank.example:8443"])),
        (
            "https://bank.example",
            "https://www.bank.example, https://bank.example/",
            ("bank.example", ["https://www.bank.example", "https://bank.example"]),
        ),
        (
            "http://127.0.0.1:3001",
            "",
            ("localhost", ["http://localhost:3001", "http://localhost:8000", "http://localhost:4000"]),
        ),
        ("http://[::1]:3001", "http://localhost:9000", ("localhost", ["http://localhost:9000"])),
        ("http://bank.example", "", None),
        ("https://192.0.2.1", "", None),
    ],
)
def test_the_domain_is_that_of_the_public_url(url: str, origins: str, expected: tuple[str, list[str]] | None) -> None:
    party = relying_party(url, parse_origins(origins))
    assert (None if party is None else (party.id, list(party.origins))) == expected


@pytest.mark.parametrize(
    ("url", "origins", "message"),
    [
        ("https://bank.example", "https://evil.example", "is not a page of bank.example"),
        ("https://bank.example", "https://notbank.example", "is not a page of bank.example"),
        ("https://bank.example", "http://bank.example", "browsers use passkeys on https pages only"),
        ("https://bank.example", "https://bank.example/path", "is not of the form"),
        ("https://bank.example", "bank.example", "is not of the form"),
        ("https://192.0.2.1", "https://bank.example", "need a public URL with https and a domain"),
    ],
)
def test_an_origin_that_does_not_fit_stops_the_start(url: str, origins: str, message: str) -> None:
    variables = {"AUTH_PUBLIC_URL": url, "AUTH_WEBAUTHN_ORIGINS": origins}
    settings = load(AuthSettings, {"MOSAFE_ENV": "development", **variables})
    with pytest.raises(ConfigurationError, match=message):
        _ = settings.relying_party

"""What of a path may stand in a log."""

from __future__ import annotations

import pytest

from servicekit.logged_paths import UNKNOWN_PATH, LoggedPaths

ROUTES = ("/graphql", "/api/accounts/:id", "/api/accounts/{id}/balance", "/api/accounts/mine")
ID = "6560d1b2c3d4e5f601234567"
UUID = "018f4e6a-7b1c-7def-8a2b-123456789abc"


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        ("/graphql", "/graphql"),
        ("/api/accounts/mine", "/api/accounts/mine"),
        (f"/api/accounts/{ID}", f"/api/accounts/{ID}"),
        (f"/api/accounts/{UUID}/balance", f"/api/accounts/{UUID}/balance"),
        ("/api/accounts/ann@example.com", "/api/accounts/:id"),
        ("/api/accounts/eyJhbGciOiJFUzI1NiJ9.e30.c2ln/balance", "/api/accounts/{id}/balance"),
        ("/api/accounts/" + "a" * 100, "/api/accounts/:id"),
        ("/api/accounts/", "/api/accounts/:id"),
        ("/", UNKNOWN_PATH),
        ("/graphql/ann@example.com", UNKNOWN_PATH),
        ("/graphql/", UNKNOWN_PATH),
        ("/" * 100_000, UNKNOWN_PATH),
        ("/graphql\r\nforged", UNKNOWN_PATH),
    ],
)
def test_the_logged_path_has_no_text_of_the_client(path: str, logged: str) -> None:
    """A path with an e-mail address or a token was logged as it was."""
    assert LoggedPaths(ROUTES).of(path) == logged

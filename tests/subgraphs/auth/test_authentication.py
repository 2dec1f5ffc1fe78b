"""The claims of a proof of identity. The level is what the router and the transaction service compare."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bank.identity import ACR_MFA, ACR_PASSKEY, ACR_PASSWORD
from subgraphs.auth.authentication import Authentication, Method, methods_text, parse_methods

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("methods", "acr", "amr"),
    [
        ({Method.PASSWORD}, ACR_PASSWORD, ["pwd"]),
        ({Method.CODE}, ACR_PASSWORD, ["otp"]),
        ({Method.PASSWORD, Method.CODE}, ACR_MFA, ["mfa", "otp", "pwd"]),
        ({Method.PASSKEY}, ACR_PASSKEY, ["mfa", "pop"]),
        ({Method.PASSWORD, Method.PASSKEY}, ACR_PASSKEY, ["mfa", "pop", "pwd"]),
    ],
)
def test_the_level_follows_from_the_methods(methods: set[Method], acr: str, amr: list[str]) -> None:
    authentication = Authentication(frozenset(methods), NOW)
    assert (authentication.acr, authentication.amr) == (acr, amr)


def test_methods_are_stored_as_text() -> None:
    both = frozenset({Method.PASSWORD, Method.CODE})
    assert methods_text(both) == "otp pwd"
    assert parse_methods("otp pwd") == both

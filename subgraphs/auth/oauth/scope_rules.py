"""Scopes: which there are, what users read about them, and which a client gets (RFC 6749 §3.3)."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from bank.identity import CUSTOMER
from bank.scopes import ACCOUNTS, EMAIL, OFFLINE_ACCESS, OPENID, PAYMENTS, PROFILE, READ, STAFF
from subgraphs.auth.oauth.errors import INVALID_SCOPE, OAuthError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

# What the consent page says about each scope, in the order of the page.
DESCRIPTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        OPENID: "Know that it is you",
        PROFILE: "See your name",
        EMAIL: "See your e-mail address",
        READ: "See your accounts, balances and transactions",
        ACCOUNTS: "Open, change and close your accounts",
        PAYMENTS: "Move your money: transfers, payments, withdrawals and deposits",
        STAFF: "Use your rights as a member of the bank's staff",
        OFFLINE_ACCESS: "Keep this access while you are not there",
    }
)
ALL_SCOPES: Final = frozenset(DESCRIPTIONS)
# What a client may have for itself. It owns no account, so it can only do what its roles as staff allow.
MACHINE_SCOPES: Final = frozenset({READ, STAFF})
# scope-token of RFC 6749 §3.3, separated by single spaces.
_SCOPE: Final = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+( [\x21\x23-\x5B\x5D-\x7E]+)*")


def parse_scopes(text: str) -> frozenset[str]:
    """Return the scopes in `text`. Raises OAuthError (`invalid_scope`) if it is malformed."""
    if _SCOPE.fullmatch(text) is None:
        raise OAuthError(INVALID_SCOPE, "the scope is malformed")
    return frozenset(text.split(" "))


def granted(requested: str | None, allowed: Collection[str]) -> frozenset[str]:
    """Return the scopes that a client gets: those it requests, or all allowed ones if it requests none.

    Raises:
        OAuthError: `invalid_scope`: a scope is malformed or not allowed.
    """
    if requested is None:
        return frozenset(allowed)
    scopes = parse_scopes(requested)
    if not scopes <= set(allowed):
        raise OAuthError(INVALID_SCOPE, "a scope is unknown or not allowed for this client")
    return scopes


def roles_for(scopes: Collection[str], roles: Collection[str]) -> list[str]:
    """Return the roles of an access token: staff roles only if the user lets the client use them."""
    return sorted(role for role in roles if role == CUSTOMER or STAFF in scopes)


def scope_text(scopes: Collection[str]) -> str:
    """Return the scopes as a parameter or claim."""
    return " ".join(sorted(scopes))

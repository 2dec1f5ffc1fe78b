"""Which users must have a second factor (OWASP ASVS 5.0, 6.3.3).

A user who must have one, and has logged in without, gets tokens that allow nothing but to enrol one
(`bank.scopes.ENROLMENT`). After that, the next refresh gives tokens without this limit.

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from bank.identity import STRONG_ACR_VALUES
from bank.permissions import ALL_STAFF
from bank.scopes import EMAIL, OFFLINE_ACCESS, OPENID, PROFILE

if TYPE_CHECKING:
    from collections.abc import Collection

    from subgraphs.auth.authentication import Authentication

# The scopes that reach neither money nor data of the bank.
_IDENTITY_SCOPES: Final = frozenset({OPENID, PROFILE, EMAIL, OFFLINE_ACCESS})


class Requirement(StrEnum):
    """The users who must have a second factor. The values are those of `AUTH_SECOND_FACTOR_REQUIRED_FOR`."""

    NOBODY = "nobody"
    STAFF = "staff"
    EVERYBODY = "everybody"

    def is_missing(self, roles: Collection[str], authentication: Authentication) -> bool:
        """Whether a user with these roles must have a second factor, and has not shown one."""
        is_required = self is Requirement.EVERYBODY or (self is Requirement.STAFF and not ALL_STAFF.isdisjoint(roles))
        return is_required and authentication.acr not in STRONG_ACR_VALUES

    def allowed(self, scopes: frozenset[str], roles: Collection[str], authentication: Authentication) -> frozenset[str]:
        """Return the scopes of an application's token: without a second factor that is missing, the user's identity."""
        return scopes & _IDENTITY_SCOPES if self.is_missing(roles, authentication) else scopes

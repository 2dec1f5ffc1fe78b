"""How a user has proved their identity, and when: the claims `acr`, `amr` and `auth_time` (RFC 9068, RFC 8176).

A session begins with the proof of its login. A *step-up* replaces it by a newer and perhaps stronger one (RFC 9470).

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from bank.identity import ACR_MFA, ACR_PASSKEY, ACR_PASSWORD

if TYPE_CHECKING:
    from datetime import datetime


class Method(StrEnum):
    """A way to prove an identity. The values are those of RFC 8176, so they appear in the claim `amr`."""

    PASSWORD = "pwd"  # noqa: S105 - the name of a method, not a secret
    CODE = "otp"
    """A code of an authenticator app, or a recovery code: each is valid once."""
    PASSKEY = "pop"
    """The signature of a passkey. The device has verified its user, so a passkey counts as two factors."""


@dataclass(frozen=True, slots=True)
class Authentication:
    """One proof of an identity.

    Attributes:
        methods: what the user has shown, at least one.
        at: the time of the last of these proofs.
        factor_enrolled_at: since when the user has the second factor of this proof; None without one.
    """

    methods: frozenset[Method]
    at: datetime
    factor_enrolled_at: datetime | None = None

    @classmethod
    def by_password(cls, at: datetime) -> Self:
        return cls(frozenset({Method.PASSWORD}), at)

    def stepped_up(self, proof: Authentication) -> Authentication | None:
        """Return what the user of this login has proved after the new `proof`; None if the proof does not suffice.

        A code is only a second factor, so it needs a login with the password. The level never contains a passkey that
        was shown at an earlier time.
        """
        if proof.methods == {Method.CODE} and Method.PASSWORD not in self.methods:
            return None
        return replace(proof, methods=proof.methods | (self.methods & {Method.PASSWORD}))

    @property
    def acr(self) -> str:
        """The level of the proof, the claim `acr`."""
        if Method.PASSKEY in self.methods:
            return ACR_PASSKEY
        return ACR_MFA if len(self.methods) > 1 else ACR_PASSWORD

    @property
    def amr(self) -> list[str]:
        """The claim `amr`: the methods, and `mfa` if they are more than one factor."""
        return sorted([*self.methods, *(() if self.acr == ACR_PASSWORD else ("mfa",))])


def methods_text(methods: frozenset[Method]) -> str:
    """Return the form of `methods` in stores."""
    return " ".join(sorted(methods))


def parse_methods(text: str) -> frozenset[Method]:
    """Return the methods in a text of `methods_text`."""
    return frozenset(Method(name) for name in text.split())

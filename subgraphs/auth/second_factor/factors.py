"""The second factors of a user, and the proofs that a user gives with them.

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime

# A user has a few devices. The limit keeps the options of a login small.
MAX_PASSKEYS: Final = 20
MAX_NAME_LENGTH: Final = 60


class FactorKind(StrEnum):
    """The kinds of proofs that complete a login."""

    CODE = "CODE"
    PASSKEY = "PASSKEY"
    RECOVERY_CODE = "RECOVERY_CODE"


@dataclass(frozen=True, slots=True)
class Totp:
    """An authenticator app.

    Attributes:
        sealed_secret: the secret, sealed for the user (`sealing`).
        last_step: the 30-second step of the last accepted code.
    """

    sealed_secret: bytes
    enrolled_at: datetime
    last_step: int


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey: a credential of WebAuthn.

    Attributes:
        credential_id: its id, chosen by the authenticator, up to 1,023 bytes.
        public_key: the COSE key.
        sign_count: the counter of the last signature; 0 for authenticators that do not count.
        name: the user's name for the device.
    """

    credential_id: bytes
    user_id: str
    public_key: bytes
    sign_count: int
    name: str
    enrolled_at: datetime
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Factors:
    """All second factors of a user. `passkeys` has the oldest first."""

    totp: Totp | None = None
    passkeys: tuple[Passkey, ...] = ()
    recovery_codes_left: int = 0

    @property
    def is_enrolled(self) -> bool:
        """Whether a login needs a second factor. Recovery codes alone are none."""
        return self.totp is not None or bool(self.passkeys)

    @property
    def kinds(self) -> tuple[FactorKind, ...]:
        """The proofs that complete a login, the safest first."""
        present = {
            FactorKind.PASSKEY: bool(self.passkeys),
            FactorKind.CODE: self.totp is not None,
            FactorKind.RECOVERY_CODE: self.is_enrolled and self.recovery_codes_left > 0,
        }
        return tuple(kind for kind, is_present in present.items() if is_present)

    @property
    def enrolled_at(self) -> datetime | None:
        """Since when the user has a second factor; None without one."""
        times = [passkey.enrolled_at for passkey in self.passkeys]
        return min([*times, *([self.totp.enrolled_at] if self.totp else [])], default=None)


@dataclass(frozen=True, slots=True)
class UsedCode:
    """A right code of an authenticator app, with its step."""

    user_id: str
    step: int


@dataclass(frozen=True, slots=True)
class UsedRecoveryCode:
    """A recovery code, with its digest."""

    user_id: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class UsedPasskey:
    """A right signature of a passkey, with the counter before and after it."""

    credential_id: bytes
    old_count: int
    new_count: int
    at: datetime


# A proof that was verified. The store accepts it once.
Proof: TypeAlias = UsedCode | UsedRecoveryCode | UsedPasskey
